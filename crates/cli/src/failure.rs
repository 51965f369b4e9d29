//! Why a command failed, in the form it is shown: code, message, causes, hint.

use std::error::Error;
use std::io;

use model::{Code, Diagnose, Next};
use serde::Serialize;

use crate::exit;

/// How many causes are followed: more than templates may nest. A longer chain is a loop.
const CAUSES_MAX: usize = 30_000;

/// How many causes of a long chain are shown: the outermost, which say where, and the innermost, which say why.
const CAUSES_FIRST: usize = 6;
const CAUSES_LAST: usize = 3;

/// A failed command. Made from any error that implements [`Diagnose`], so `?` works in a command.
#[derive(Debug, Serialize)]
pub struct Failure {
    code: &'static str,
    next: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip)]
    exit_code: u8,
    #[serde(skip)]
    broken_pipe: bool,
}

impl Failure {
    /// A command line that clap refused.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        let hint = Some("`shipway --help` shows the commands, `shipway COMMAND --help` the arguments".into());
        Self::new(Code::USAGE, message, Vec::new(), hint)
    }

    /// Output that could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        let hint = Some("look whether the disk is full and where the output goes".into());
        let mut failure = Self::new(
            Code::OUTPUT,
            "can't write the output".into(),
            vec![error.to_string()],
            hint,
        );
        failure.broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Whether the reader of our output went away, as `head` does: nothing to report.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    /// The failure as a person reads it, in several lines.
    pub(crate) fn to_text(&self, paint: Paint) -> String {
        let Paint { error, hint, reset } = paint;
        let mut text = format!(
            "{error}error[{}]{reset}: {}\n",
            self.code,
            self.message.trim_end()
        );
        for cause in &self.causes {
            text.push_str(&format!("  caused by: {}\n", cause.replace('\n', "\n    ")));
        }
        if let Some(cure) = &self.hint {
            text.push_str(&format!("{hint}hint{reset}: {cure}\n"));
        }
        text
    }

    fn new(code: Code, message: String, causes: Vec<String>, hint: Option<String>) -> Self {
        Self {
            code: code.id,
            next: code.next.as_str(),
            message,
            causes,
            hint,
            exit_code: exit_code(code.next),
            broken_pipe: false,
        }
    }
}

/// The escape sequences of a report; all empty where colour is not wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    error: &'static str,
    hint: &'static str,
    reset: &'static str,
}

impl Paint {
    pub(crate) fn new(colour: bool) -> Self {
        if colour {
            Self {
                error: "\x1b[1;31m",
                hint: "\x1b[1;36m",
                reset: "\x1b[0m",
            }
        } else {
            Self {
                error: "",
                hint: "",
                reset: "",
            }
        }
    }
}

impl<E: Diagnose> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.code(), error.to_string(), causes(&error), error.hint())
    }
}

/// Makes a panic read like every other error, and ask to be reported.
pub(crate) fn install_panic_report() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a panic without a message");
        let place = panic
            .location()
            .map(|at| format!(" ({}:{})", at.file(), at.line()))
            .unwrap_or_default();
        let hint = "this is a bug in shipway: please report it with the command you ran".to_owned();
        let failure = Failure::new(Code::BUG, format!("{text}{place}"), Vec::new(), Some(hint));
        crate::console::write_panic(&failure.to_text(Paint::new(false)));
    }));
}

fn exit_code(next: Next) -> u8 {
    match next {
        Next::Usage => exit::USAGE,
        Next::Bug => exit::BUG,
        Next::Retry | Next::Wait | Next::Stalled | Next::InvalidInput => exit::FAILED,
    }
}

fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| causes.len() < CAUSES_MAX) {
        causes.push(error.to_string());
        cause = error.source();
    }
    if causes.len() > CAUSES_FIRST + CAUSES_LAST + 1 {
        let left_out = causes.len() - CAUSES_FIRST - CAUSES_LAST;
        causes.splice(
            CAUSES_FIRST..CAUSES_FIRST + left_out,
            [format!("({left_out} more like these)")],
        );
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(Option<Box<Layer>>);

    impl std::fmt::Display for Layer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(if self.0.is_some() {
                "release payments/api is stalled"
            } else {
                "connection refused"
            })
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.0.as_deref().map(|cause| cause as _)
        }
    }

    impl Diagnose for Layer {
        fn code(&self) -> Code {
            Code::BUG
        }

        fn hint(&self) -> Option<String> {
            Some("try `shipway explain`".into())
        }
    }

    #[test]
    fn report_names_code_causes_and_cure() {
        let failure = Failure::from(Layer(Some(Box::new(Layer(None)))));
        insta::assert_snapshot!(failure.to_text(Paint::new(false)), @r"
        error[SW0001]: release payments/api is stalled
          caused by: connection refused
        hint: try `shipway explain`
        ");
    }

    #[test]
    fn long_chain_keeps_where_and_why() {
        let chain = (0..50).fold(Layer(None), |within, _| Layer(Some(Box::new(within))));
        let causes = causes(&chain);
        assert_eq!(causes.len(), 10);
        assert_eq!(causes[6], "(41 more like these)");
        assert_eq!(causes[9], "connection refused");
    }

    #[test]
    fn colour_paints_the_labels_only() {
        let failure = Failure::from(Layer(None));
        let painted = failure.to_text(Paint::new(true));
        assert!(
            painted.starts_with("\x1b[1;31merror[SW0001]\x1b[0m: connection refused\n"),
            "{painted:?}"
        );
    }

    #[test]
    fn exit_codes_follow_what_is_next() {
        let codes = [
            Next::Retry,
            Next::Wait,
            Next::Stalled,
            Next::InvalidInput,
            Next::Usage,
            Next::Bug,
        ];
        assert_eq!(codes.map(exit_code), [1, 1, 1, 1, 2, 101]);
    }

    #[test]
    fn closed_pipe_is_not_a_failure_of_ours() {
        assert!(Failure::output(&io::Error::from(io::ErrorKind::BrokenPipe)).is_broken_pipe());
        let full = Failure::output(&io::Error::from(io::ErrorKind::StorageFull));
        assert!(!full.is_broken_pipe());
        assert_eq!((full.code, full.exit_code()), ("SW0004", 1));
    }
}
