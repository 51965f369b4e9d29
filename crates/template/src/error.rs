//! Why a template could not be parsed or executed, with where.
//!
//! `Display` gives Go's own text, byte for byte; the fields hold more than Go says: every template on the way
//! and, for a missing value, the path that was asked for.

use std::fmt;
use std::sync::Arc;

use crate::fmt::quote;

/// A source that is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The name the source was parsed under.
    pub name: String,
    /// Counted from 1.
    pub line: u32,
    pub message: String,
}

/// A template that failed.
#[derive(Clone, Debug)]
pub struct ExecError {
    /// Where it happened, from the innermost template outwards.
    pub trace: Vec<Step>,
    pub message: String,
    /// The value that was not there, if that is the reason.
    pub missing: Option<Missing>,
}

/// One template on the way to an error.
#[derive(Clone, Debug)]
pub struct Step {
    /// The template that was executing.
    pub template: Arc<str>,
    /// The source it was parsed from.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
    /// In bytes, counted from 0, as Go prints it.
    pub column: u32,
    /// The expression, as Go prints it.
    pub expression: String,
    /// What joins this step to the one inside it, such as `error calling include: `.
    pub lead: String,
    /// A `{{template}}` action, which Go leaves out of its text.
    pub is_template_call: bool,
}

/// A field that was asked of nothing, or a key that a map must have and has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What the names start from: empty for dot, a variable's name, or an expression in parentheses.
    pub base: String,
    /// The names of the expression in order.
    pub names: Vec<String>,
    /// Which of the names could not be evaluated; the one before it is the value that was missing.
    pub at: usize,
}

impl ExecError {
    /// An error that has no place in any template.
    pub(crate) fn bare(message: impl Into<String>) -> Self {
        Self {
            trace: Vec::new(),
            message: message.into(),
            missing: None,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template: {}:{}: {}", self.name, self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.trace.iter().rev().filter(|step| !step.is_template_call) {
            step.fmt(f)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExecError {}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            template,
            file,
            line,
            column,
            expression,
            lead,
            ..
        } = self;
        let template = quote(template.as_bytes());
        write!(
            f,
            "template: {file}:{line}:{column}: executing {template} at <{expression}>: {lead}"
        )
    }
}

impl fmt::Display for Missing {
    /// The path up to the value that was missing, such as `.Values.image`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)?;
        self.names[..self.at]
            .iter()
            .try_for_each(|name| write!(f, ".{name}"))
    }
}
