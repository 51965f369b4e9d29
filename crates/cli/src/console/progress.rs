//! One line on stderr that says what is being done now, and is gone when it is done.

use std::io::Write;

/// Returns to the first column and clears the line (ECMA-48 EL).
const CLEAR: &str = "\r\x1b[K";

/// A progress line. Does nothing when nobody watches; clears itself when dropped.
pub(crate) struct Progress<'a> {
    to: Option<&'a mut dyn Write>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(to: Option<&'a mut dyn Write>) -> Self {
        Self { to }
    }

    /// Replaces the line. Control characters are left out: the text may hold a file name.
    pub(crate) fn show(&mut self, text: &str) {
        let Some(to) = &mut self.to else { return };
        let line: String = text.chars().filter(|character| !character.is_control()).collect();
        let _ = write!(to, "{CLEAR}{line}").and_then(|()| to.flush());
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(to) = &mut self.to {
            let _ = write!(to, "{CLEAR}").and_then(|()| to.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_replaced_and_cleared() {
        let mut seen = Vec::new();
        let mut progress = Progress::new(Some(&mut seen));
        progress.show("1 of 2: a\nb");
        progress.show("2 of 2");
        drop(progress);
        assert_eq!(
            String::from_utf8_lossy(&seen),
            "\r\x1b[K1 of 2: ab\r\x1b[K2 of 2\r\x1b[K"
        );
    }

    #[test]
    fn nothing_is_written_when_nobody_watches() {
        Progress::new(None).show("unseen");
    }
}
