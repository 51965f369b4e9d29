//! A text that must not be seen: it is in no debug output, and what others print is cleaned of it.

use std::fmt;

/// Below this a "secret" is in every other word, and hiding it would hide everything else.
const SHORTEST_HIDDEN: usize = 4;

/// A password, a token or a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Replaces every secret in what a program or a server printed, and what would move a terminal's cursor.
pub(crate) fn cleaned(text: &str, secrets: &[String]) -> String {
    let hidden = secrets
        .iter()
        .filter(|secret| secret.len() >= SHORTEST_HIDDEN)
        .fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "***")
        });
    let visible = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    hidden.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
        let text = cleaned(
            "fatal: hunter2\x1b[2J refused",
            &["hunter2".to_owned(), "a".to_owned()],
        );
        assert_eq!(text, "fatal: *** [2J refused");
    }
}
