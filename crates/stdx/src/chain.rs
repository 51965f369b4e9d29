//! An error with its causes in one line.

use std::error::Error;

/// The words of an error and of all below it, as `outermost: cause: cause`; the outermost often says only that there is one.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    // Chains are short; a circle in one would be somebody's bug.
    const LONGEST: usize = 9;
    let mut words = error.to_string();
    let mut below = error.source();
    for _ in 1..LONGEST {
        let Some(cause) = below else { break };
        words = format!("{words}: {cause}");
        below = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(u32);

    impl std::fmt::Display for Link {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            (self.0 == 0).then_some(&Link(1))
        }
    }

    #[test]
    fn the_outermost_comes_first() {
        assert_eq!(chain(&Link(0)), "0: 1");
        assert_eq!(chain(&Link(1)), "1");
    }
}
