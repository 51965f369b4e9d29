//! Why a chart could not be rendered.
//!
//! ```text
//! template api/templates/deployment.yaml can't be rendered
//!   at 72:24 <include "api.image" .>                       outermost
//!   in api/templates/_helpers.tpl at 10:3 <.Values.image.tag>
//!   nil pointer evaluating interface {}.tag                innermost, Go's own words
//! ```
//!
//! Each line is one link of the source chain, so that whoever prints the error prints the whole stack.

use std::error;
use std::fmt;

use template::ExecError;
use template::error::{Missing, Step};

use crate::functions::{STOP_END, STOP_START};
use crate::schema;

/// A chart that could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Chart(#[from] crate::Error),

    #[error(transparent)]
    Schema(#[from] schema::Invalid),

    #[error("template {file} can't be parsed: line {line}: {message}")]
    Syntax {
        file: String,
        line: u32,
        message: String,
    },

    #[error("template {file} can't be rendered")]
    Template {
        file: String,
        line: u32,
        source: Frame,
        missing: Option<Missing>,
    },

    /// `fail` or `required`: the chart's author stops here on purpose.
    #[error("chart refuses to render at {file}:{line}:{column}: {message}")]
    Refused {
        file: String,
        line: u32,
        column: u32,
        message: String,
    },

    #[error("template {file} renders to something that is not a manifest")]
    Manifest { file: String, source: yaml::Error },

    #[error("template {file} renders to bytes that are not UTF-8, first at offset {at}")]
    NotUtf8 { file: String, at: usize },
}

/// One template on the way to an error, or the reason itself at the end.
#[derive(Debug)]
pub struct Frame {
    text: String,
    within: Option<Box<Frame>>,
}

impl Error {
    /// A source that is not a template.
    pub(super) fn syntax(error: template::ParseError) -> Self {
        let template::ParseError { name, line, message } = error;
        Self::Syntax {
            file: name,
            line,
            message,
        }
    }

    /// A template that failed while it ran.
    pub(super) fn template(file: &str, error: ExecError) -> Self {
        let ExecError {
            trace,
            message,
            missing,
        } = error;
        if let Some(message) = stopped(&message) {
            // Helm names the outermost place: that is the template a user can find in the output.
            let (line, column) = trace.last().map_or((0, 0), |step| (step.line, step.column));
            return Self::Refused {
                file: file.to_owned(),
                line,
                column,
                message: message.to_owned(),
            };
        }
        let line = trace.last().map_or(0, |step| step.line);
        let reason = Frame {
            text: message,
            within: None,
        };
        let source = trace.iter().fold(reason, |within, step| Frame {
            text: frame_text(file, step),
            within: Some(Box::new(within)),
        });
        Self::Template {
            file: file.to_owned(),
            line,
            source,
            missing,
        }
    }
}

impl Error {
    /// The whole chain in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = error::Error::source(self);
        while let Some(link) = next {
            text.push_str(": ");
            text.push_str(&link.to_string());
            next = link.source();
        }
        text
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl error::Error for Frame {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.within.as_deref().map(|within| within as _)
    }
}

/// What `fail` or `required` was told to say, if one of them is the reason.
fn stopped(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(STOP_START)?;
    rest.split_once(STOP_END).map(|(said, _)| said)
}

fn frame_text(file: &str, step: &Step) -> String {
    let Step {
        template,
        file: parsed_from,
        line,
        column,
        expression,
        ..
    } = step;
    let place = if **parsed_from == *file {
        String::new()
    } else {
        format!("{parsed_from}:")
    };
    let named = if template == parsed_from {
        String::new()
    } else {
        format!("in \"{template}\" ")
    };
    format!("{named}at {place}{line}:{column} <{expression}>")
}
