//! Which subcharts take part in a render, under which names, and what they export to their parent.
//!
//! ```text
//! loaded chart + given values ──enable──► aliased, filtered ──import──► defaults of parents extended
//! ```
//!
//! The result is a new chart that shares its files with the loaded one. Fetching charts is not done here;
//! [`index`] chooses versions from an index that somebody else fetched.

mod enable;
mod import;
pub mod index;

use crate::chart::Chart;
use crate::error::Error;
use crate::semver::{Constraint, Version};
use crate::values::Map;
use crate::warning::Warning;

/// Applies conditions, tags, aliases and `import-values` (`ProcessDependencies`).
///
/// # Errors
/// When something that is no table stands where a subchart's values belong.
pub fn process(chart: &Chart, given: &Map, warnings: &mut Vec<Warning>) -> Result<Chart, Error> {
    let mut chart = chart.clone();
    let wrap = |source| Error::Dependencies {
        source: Box::new(source),
    };
    enable::apply(&mut chart, given, warnings).map_err(wrap)?;
    import::apply(&mut chart, warnings).map_err(wrap)?;
    Ok(chart)
}

/// Checks that every dependency in `Chart.yaml` was found in `charts/`, as Helm does before it renders.
///
/// # Errors
/// [`Error::MissingDependencies`] with all the names.
pub fn check(chart: &Chart) -> Result<(), Error> {
    let names = missing(chart);
    if names.is_empty() {
        Ok(())
    } else {
        Err(Error::MissingDependencies { names })
    }
}

/// The names in `Chart.yaml` for which `charts/` has no chart.
pub fn missing(chart: &Chart) -> Vec<String> {
    let is_missing = |name: &str| chart.dependency(name).is_none();
    let declared = chart.metadata().dependencies();
    declared
        .filter(|entry| is_missing(&entry.name))
        .map(|entry| entry.name.clone())
        .collect()
}

/// Whether a version satisfies a range; neither being readable means no.
pub fn is_compatible(range: &str, version: &str) -> bool {
    match (Version::parse(version), Constraint::parse(range)) {
        (Ok(version), Ok(range)) => range.check(&version),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
