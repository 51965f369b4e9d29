//! What lint finds in the files of a chart, as findings like all others.

use std::borrow::Cow;
use std::path::Path;

use chart::functions::Host;
use chart::lint;
use manifest::{Finding, Severity};
use model::Namespace;

/// Lints a chart in a folder. What is only recommended, such as an icon, is left to `shipway lint`.
///
/// # Errors
/// What can't be linted at all.
pub fn linted(
    folder: &Path,
    options: &lint::Options,
    namespace: &Namespace,
    host: Host,
) -> Result<Vec<Finding>, chart::Error> {
    let found = lint::lint_rendered(folder, options, namespace, host)?;
    let counts = |one: &lint::Finding| one.severity > lint::Severity::Info;
    Ok(found.into_iter().filter(counts).map(finding).collect())
}

fn finding(one: lint::Finding) -> Finding {
    Finding {
        check: "lint",
        severity: match one.severity {
            lint::Severity::Error => Severity::Error,
            lint::Severity::Warning => Severity::Warning,
            lint::Severity::Info => Severity::Note,
        },
        object: String::new(),
        path: String::new(),
        source: one.path,
        line: one
            .line
            .and_then(|line| usize::try_from(line).ok())
            .unwrap_or_default(),
        message: one.message,
        cure: Cow::Borrowed(""),
    }
}
