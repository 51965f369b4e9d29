//! What every error owes the person who meets it: a code, what to do next, and a hint.
//!
//! A library error implements [`Diagnose`]; the command line prints it and the loops requeue by it. Nobody
//! matches on an error's text.

use crate::code::Code;

/// What should happen after an error. It decides the exit code on the command line and the requeue in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// The same operation may succeed soon without anybody's doing.
    Retry,
    /// It succeeds after a known moment: a freeze window ends, a soak is over.
    Wait,
    /// It will not succeed until a person acts on the system.
    Stalled,
    /// It will not succeed until the input is changed.
    InvalidInput,
    /// The command line could not be understood.
    Usage,
    /// Shipway is wrong, not its input.
    Bug,
}

/// An error that can be shown to an operator.
///
/// Guarantees: `Display` is lower case, without a full stop, and does not repeat its source.
pub trait Diagnose: std::error::Error {
    /// The entry of the registry that documents this error.
    fn code(&self) -> Code;

    /// The cure, as one sentence that names a command or a change; `None` where the message says it all.
    fn hint(&self) -> Option<String> {
        None
    }
}

impl Next {
    /// The word used in documents and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Wait => "wait",
            Self::Stalled => "stalled",
            Self::InvalidInput => "invalid-input",
            Self::Usage => "usage",
            Self::Bug => "bug",
        }
    }
}
