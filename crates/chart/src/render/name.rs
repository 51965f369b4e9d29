//! Names for releases that are given none: made from a template, or from the chart and the time.

use std::path::Path;
use std::sync::Arc;

use template::{Executor, Options, Set, Value};

use super::Error;
use crate::functions::{Host, shared};

/// What Helm calls the template of a name in errors.
const NAME_TEMPLATE: &str = "name-template";

/// Executes the template of a name, which sees functions and nothing else (`--name-template`).
///
/// # Errors
/// As of any template. Whether the result is a release name is the caller's to check.
pub fn name_from_template(source: &str, host: &Host) -> Result<String, Error> {
    let mut set = Set::new(Arc::clone(shared()));
    set.parse(NAME_TEMPLATE, source.as_bytes())
        .map_err(Error::syntax)?;
    let mut executor = Executor::new(&set, host, Options::default());
    let bytes = executor
        .execute(NAME_TEMPLATE, Value::Nil)
        .map_err(|error| Error::template(NAME_TEMPLATE, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The chart's file name up to its first dot, and the seconds since 1970 (`--generate-name`).
pub fn generated_name(chart: &Path, host: &Host) -> String {
    let base = chart.file_name().unwrap_or_default().to_string_lossy();
    let base = match base.split('.').next() {
        Some("") | None => "chart",
        Some(base) => base,
    };
    format!("{base}-{}", host.now_ns / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seeded;

    fn host() -> Host {
        Host::new(1_700_000_000_000_000_000, Box::new(Seeded::new(1)))
    }

    #[test]
    fn templates_of_names_have_functions() {
        let name = |source| name_from_template(source, &host()).map_err(|error| error.chain());
        assert_eq!(name("api-{{ \"X\" | lower }}").as_deref(), Ok("api-x"));
        assert!(name("{{ nope }}").expect_err("no such function").contains("nope"));
    }

    #[test]
    fn generated_names_are_the_chart_and_the_time() {
        let name = |path: &str| generated_name(Path::new(path), &host());
        assert_eq!(name("charts/api"), "api-1700000000");
        assert_eq!(name("api-1.2.0.tgz"), "api-1-1700000000");
        assert_eq!(name("."), "chart-1700000000");
    }
}
