//! Rendering for `lint`: what each template prints, with `fail` and `required` noted instead of obeyed.

use std::collections::BTreeMap;

use model::{Namespace, ReleaseName, Revision};

use super::{Error, Release, Trace, scope, templates};
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::functions::Host;
use crate::lint::Unrendered;
use crate::values::Map;

/// The release Helm pretends when it lints.
const RELEASE: &str = "test-release";

/// Renders a chart whose dependencies are processed and whose values are coalesced.
///
/// # Errors
/// The first template that does not parse or run.
pub fn render_for_lint(
    chart: &Chart,
    values: &Map,
    namespace: &Namespace,
    capabilities: &Capabilities,
    host: &Host,
) -> Result<BTreeMap<String, Vec<u8>>, Unrendered> {
    let name: ReleaseName = RELEASE.parse().expect("Helm's own name is a release name");
    let release = Release {
        name: &name,
        namespace,
        revision: Revision::FIRST,
        is_upgrade: false,
    };
    let scopes = scope::build(chart, &release, capabilities, values.clone());
    let outputs = templates::execute(&scopes, host, Trace::Off).map_err(|error| unrendered(chart, &error))?;
    Ok(outputs
        .into_iter()
        .map(|output| (output.source.to_string(), output.bytes))
        .collect())
}

fn unrendered(chart: &Chart, error: &Error) -> Unrendered {
    let within = |file: &str| {
        file.strip_prefix(chart.name())
            .and_then(|path| path.strip_prefix('/'))
            .map(str::to_owned)
    };
    let (file, line) = match error {
        Error::Syntax { file, line, .. } | Error::Refused { file, line, .. } => (file.as_str(), Some(*line)),
        Error::Template { file, line, .. } => (file.as_str(), Some(*line)),
        _ => ("", None),
    };
    Unrendered {
        path: within(file).unwrap_or_default(),
        line,
        message: error.chain(),
    }
}
