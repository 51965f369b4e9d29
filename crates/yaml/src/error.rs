//! What is wrong with a document, in the words of Helm's libraries.
//!
//! The text is exactly what Helm prints behind its own prefix; [`Error::line`] is the true line for our own
//! messages, as Go's text is one line short for some errors and silent on the first line.

/// The stage that refused a document. Helm reads YAML, turns it into JSON and decodes that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not YAML, or YAML that JSON cannot express.
    Convert,
    /// Good YAML of the wrong shape for what it is decoded into.
    Decode,
    /// Values that cannot be printed.
    Marshal,
}

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.prefix())]
pub struct Error {
    stage: Stage,
    message: String,
    line: Option<u32>,
}

impl Error {
    /// A scanner's error: Go counts lines from one here, and leaves the first line out.
    pub(crate) fn scan(line: u32, problem: &str) -> Self {
        Self::at(line, if line == 0 { 0 } else { line + 1 }, problem)
    }

    /// A parser's error: Go prints the line counted from zero here.
    pub(crate) fn parse(line: u32, problem: &str) -> Self {
        Self::at(line, line, problem)
    }

    fn at(line: u32, printed: u32, problem: &str) -> Self {
        let message = match printed {
            0 => format!("yaml: {problem}"),
            _ => format!("yaml: line {printed}: {problem}"),
        };
        Self {
            stage: Stage::Convert,
            message,
            line: Some(line + 1),
        }
    }

    /// An error of go-yaml that has no position.
    pub(crate) fn yaml(problem: impl std::fmt::Display) -> Self {
        Self {
            stage: Stage::Convert,
            message: format!("yaml: {problem}"),
            line: None,
        }
    }

    /// An error of the step from YAML to JSON.
    pub(crate) fn convert(message: impl Into<String>) -> Self {
        Self {
            stage: Stage::Convert,
            message: message.into(),
            line: None,
        }
    }

    /// An error of decoding the JSON into a Go type, without `json: `.
    pub(crate) fn decode(message: impl std::fmt::Display) -> Self {
        Self {
            stage: Stage::Decode,
            message: format!("json: {message}"),
            line: None,
        }
    }

    /// An error of printing.
    pub(crate) fn marshal(message: impl std::fmt::Display) -> Self {
        Self {
            stage: Stage::Marshal,
            message: message.to_string(),
            line: None,
        }
    }

    /// A document whose top is not what the reader asked for, as `fromYaml` reports a list.
    /// `found` and `wanted` are JSON's and Go's names of the types.
    pub fn shape(found: &str, wanted: &str) -> Self {
        Self::decode(format_args!(
            "cannot unmarshal {found} into Go value of type {wanted}"
        ))
    }

    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The text without the prefix of the stage, as go-yaml alone gives it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The true line, from one.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    fn prefix(&self) -> &'static str {
        match self.stage {
            Stage::Convert => "error converting YAML to JSON: ",
            Stage::Decode => "error unmarshaling JSON: while decoding JSON: ",
            Stage::Marshal => "",
        }
    }
}
