//! `values.schema.json`: what a chart's values must look like.
//!
//! ```text
//! bytes ──json──► tree ──meta-schema──► checked ──compile──► nodes ──validate(values)──► every violation
//! ```
//!
//! Drafts 4, 6, 7, 2019-09 and 2020-12. The engine is ours, because the text and the order of the violations
//! are Helm's to the letter: which keywords are tried after which, what hides what, how causes nest. Where Helm
//! follows the random order of Go's maps we go by key. No reference leaves the file: what Helm would fetch
//! from the network or the disk is an error here.

mod compile;
mod decimal;
mod document;
mod format;
mod instance;
mod message;
mod meta;
mod node;
mod url;
mod validate;

use std::fmt::Write as _;

use yaml::Value;

use crate::chart::Chart;
use crate::json::{Decoder, Numbers};
use crate::values::Map;

pub use compile::Error as CompileError;
pub use node::Schema;
pub use validate::Violation;
pub(crate) use validate::print;

/// The URL under which Helm knows the schema it checks, which its messages print.
const ROOT: &str = "file:///values.schema.json";

/// Violations of all the charts in a tree.
#[derive(Clone, Debug, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{text}")]
pub struct Invalid {
    pub charts: Vec<ChartViolations>,
    text: String,
}

/// What one chart's schema has to say.
#[derive(Clone, Debug)]
pub struct ChartViolations {
    pub chart: String,
    pub problem: Problem,
}

/// A schema that cannot be used, or values that break it.
#[derive(Clone, Debug)]
pub enum Problem {
    Schema(CompileError),
    Values(Vec<Violation>),
    /// Something that is no table stands where the chart's values belong; its Go type.
    NoTable(&'static str),
}

/// Checks coalesced values against the schema of the chart and of every subchart.
///
/// # Errors
/// All violations, in Helm's words.
pub fn check(chart: &Chart, values: &Map) -> Result<(), Invalid> {
    let mut charts = Vec::new();
    collect(chart, values, &mut charts);
    if charts.is_empty() {
        return Ok(());
    }
    let text = charts.iter().map(ChartViolations::text).collect();
    Err(Invalid { charts, text })
}

fn collect(chart: &Chart, values: &Map, charts: &mut Vec<ChartViolations>) {
    let content = chart.content();
    if let Some(bytes) = &content.schema {
        let schema = content.compiled_schema.get_or_init(|| Schema::parse(bytes));
        let problem = match schema {
            Err(error) => Some(Problem::Schema(error.clone())),
            // The engine reads tables by reference, and the values are one.
            Ok(schema) => schema.violations_of_table(values).err().map(Problem::Values),
        };
        charts.extend(problem.map(|problem| ChartViolations {
            chart: chart.name().to_owned(),
            problem,
        }));
    }
    for dependency in chart.dependencies() {
        match values.get(dependency.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Map(values)) => collect(dependency, values, charts),
            Some(other) => charts.push(ChartViolations {
                chart: dependency.name().to_owned(),
                problem: Problem::NoTable(crate::go_text::type_name(other)),
            }),
        }
    }
}

impl ChartViolations {
    /// The chart's lines as Helm prints them.
    fn text(&self) -> String {
        let mut text = format!("{}:\n", self.chart);
        match &self.problem {
            Problem::Schema(error) => text.push_str(&error.to_string()),
            Problem::Values(violations) => {
                text.push_str(&validate::print(violations));
                text.push('\n');
            }
            Problem::NoTable(found) => {
                let written = writeln!(
                    text,
                    "invalid type for values: expected object (map), got {found}"
                );
                debug_assert!(written.is_ok(), "writing to a string cannot fail");
            }
        }
        text
    }
}

impl Schema {
    /// Reads and compiles a schema.
    ///
    /// # Errors
    /// Bad JSON, a document that is no schema, or a reference that leads nowhere.
    pub fn parse(bytes: &[u8]) -> Result<Self, CompileError> {
        let mut decoder = Decoder::new(bytes).with_numbers(Numbers::KeepIntegers);
        let document = decoder
            .value()
            .map_err(|failed| CompileError::Text(failed.message))?;
        if !decoder.is_at_end() {
            return Err(CompileError::Text(
                "invalid character after top-level value".to_owned(),
            ));
        }
        compile::compile(ROOT, document)
    }

    /// Checks a value.
    ///
    /// # Errors
    /// Every violation.
    pub fn violations(&self, value: &Value) -> Result<(), Vec<Violation>> {
        validate::run(self, value.into())
    }

    fn violations_of_table(&self, values: &Map) -> Result<(), Vec<Violation>> {
        validate::run(self, instance::Instance::Map(values))
    }
}

#[cfg(test)]
mod tests;
