//! What Helm logs while it goes on: returned as data, printed by whoever has a terminal.

use std::fmt;

use crate::go_text;

/// One line of Helm's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub level: Level,
    pub message: String,
    /// Further `key=value` pairs, in order.
    pub fields: Vec<(&'static str, String)>,
}

/// How loud a [`Warning`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warn,
}

impl Warning {
    pub(crate) fn info(message: impl Into<String>) -> Self {
        Self {
            level: Level::Info,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    pub(crate) fn warn(message: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((key, value.into()));
        self
    }
}

impl fmt::Display for Warning {
    /// The line as Helm 4 writes it to its standard error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Info => "INFO",
            Level::Warn => "WARN",
        };
        write!(f, "level={level} msg={}", logged(&self.message))?;
        for (key, value) in &self.fields {
            write!(f, " {key}={}", logged(value))?;
        }
        Ok(())
    }
}

/// A value as Go's text log handler prints it: quoted when it has spaces, quotes or unprintable characters.
fn logged(text: &str) -> String {
    let plain = |c: char| c != ' ' && c != '"' && c != '=' && go_text::is_print(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        go_text::quote(text)
    }
}
