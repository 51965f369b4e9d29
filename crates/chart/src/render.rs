//! From a chart and values to manifests in install order.
//!
//! ```text
//! Chart ─► dependencies ─► values ─► schema ─► scopes ┐
//!                                       templates ────┴► execute ─► split ─► head ─► order ─► Rendered
//! ```
//!
//! A loaded chart is rendered any number of times: its templates are parsed once and shared. The clock, randomness
//! and the cluster come with the [`Host`]; the same chart, request and host give the same bytes.

mod error;
mod hook;
mod lint;
mod name;
mod order;
mod origin;
pub(crate) mod parsed;
mod print;
mod scope;
mod split;
mod templates;

use std::ops::Range;
use std::sync::Arc;

use model::{Namespace, ReleaseName, Revision};

pub use error::{Error, Frame};
pub use hook::HookEvent;
pub use lint::render_for_lint;
pub use name::{generated_name, name_from_template};
pub use origin::{Origin, Origins};
pub use print::{NotShown, Shown};

use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::functions::Host;
use crate::values::{self, Map};
use crate::warning::Warning;
use crate::{dependencies, schema};

/// Helm's name for the notes of a chart; they are neither manifest nor hook.
const NOTES: &str = "NOTES.txt";

/// What a chart is rendered with.
#[derive(Debug)]
pub struct Request<'a> {
    pub release: Release<'a>,
    /// What the user gives, composed; the chart's defaults come below it.
    pub values: Map,
    pub capabilities: &'a Capabilities,
    pub skip_schema_validation: bool,
    /// Whether the notes of subcharts are rendered along with the chart's own.
    pub subchart_notes: bool,
}

/// `.Release`
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    pub name: &'a ReleaseName,
    pub namespace: &'a Namespace,
    pub revision: Revision,
    /// Whether this is an upgrade rather than an install.
    pub is_upgrade: bool,
}

/// A rendered chart.
#[derive(Debug)]
pub struct Rendered {
    /// In install order.
    pub manifests: Vec<Manifest>,
    /// By kind in install order; they run by event and weight.
    pub hooks: Vec<Hook>,
    /// The CRDs of `crds/`, which are not rendered.
    pub crds: Vec<Crd>,
    pub notes: String,
    pub warnings: Vec<Warning>,
}

/// One document that is installed.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The template it comes from, as in `# Source:`.
    pub source: Arc<str>,
    pub api_version: String,
    /// Empty for a document that holds only comments.
    pub kind: String,
    pub name: String,
    text: Text,
}

/// One document that runs at a point of the release's life.
#[derive(Clone, Debug)]
pub struct Hook {
    pub source: Arc<str>,
    pub kind: String,
    pub name: String,
    pub events: Vec<HookEvent>,
    /// Hooks of one event run by weight, lightest first; what is not a whole number counts as 0.
    pub weight: i64,
    /// As written, in lower case. Helm knows `before-hook-creation`, `hook-succeeded` and `hook-failed`.
    pub delete_policies: Vec<String>,
    /// As written, in lower case. Helm knows `hook-succeeded` and `hook-failed`.
    pub output_log_policies: Vec<String>,
    text: Text,
}

/// A file of `crds/`.
#[derive(Clone, Debug)]
pub struct Crd {
    pub source: String,
    pub data: Arc<[u8]>,
}

/// A document within the file that was rendered, which all its documents share.
#[derive(Clone, Debug)]
struct Text {
    file: Arc<str>,
    range: Range<usize>,
    /// The template's line of each of the file's lines, when they were asked for.
    lines: Option<Arc<[u32]>>,
}

/// A template's output.
struct Output {
    source: Arc<str>,
    bytes: Vec<u8>,
    lines: Option<Arc<[u32]>>,
}

/// Whether it is kept which line of a template wrote which of the rendered ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    Off,
    On,
}

impl Manifest {
    pub fn text(&self) -> &str {
        self.text.as_str()
    }
}

impl Hook {
    pub fn text(&self) -> &str {
        self.text.as_str()
    }
}

impl Text {
    fn as_str(&self) -> &str {
        &self.file[self.range.clone()]
    }
}

/// Refuses charts that only have named templates for others to include.
///
/// # Errors
/// When the chart's type is neither `application` nor left out.
pub fn check_installable(chart: &Chart) -> Result<(), crate::Error> {
    match chart.metadata().kind.as_str() {
        "" | "application" => Ok(()),
        kind => Err(crate::Error::NotInstallable {
            kind: kind.to_owned(),
        }),
    }
}

/// Renders a chart.
///
/// # Errors
/// Whatever Helm refuses, with the chart, file and line where there is one; see [`Error`].
pub fn render(chart: &Chart, request: Request<'_>, host: &Host) -> Result<Rendered, Error> {
    render_with(chart, request, host, Trace::Off)
}

/// Renders a chart to the same bytes, and keeps which line of its templates wrote which: see [`Rendered::origins`].
///
/// # Errors
/// Those of [`render`].
pub fn render_traced(chart: &Chart, request: Request<'_>, host: &Host) -> Result<Rendered, Error> {
    render_with(chart, request, host, Trace::On)
}

fn render_with(chart: &Chart, request: Request<'_>, host: &Host, trace: Trace) -> Result<Rendered, Error> {
    let Request {
        release,
        values,
        capabilities,
        skip_schema_validation,
        subchart_notes,
    } = request;
    let mut warnings = Vec::new();
    let chart = dependencies::process(chart, &values, &mut warnings)?;
    let values = values::coalesce(&chart, values, &mut warnings)?;
    if !skip_schema_validation {
        schema::check(&chart, &values)?;
    }
    capabilities.kube_version.check(&chart.metadata().kube_version)?;
    let scopes = scope::build(&chart, &release, capabilities, values);
    let outputs = templates::execute(&scopes, host, trace)?;
    let (notes, files) = take_notes(outputs, &chart, subchart_notes);
    let (manifests, hooks) = sort(files, &mut warnings)?;
    let crds = chart.crds().into_iter().map(|crd| Crd {
        source: crd.path,
        data: Arc::clone(&crd.file.data),
    });
    Ok(Rendered {
        manifests,
        hooks,
        crds: crds.collect(),
        notes,
        warnings,
    })
}

/// Sets the notes apart: the chart's own, and its subcharts' when asked for, an empty line between them.
fn take_notes(outputs: Vec<Output>, chart: &Chart, with_subcharts: bool) -> (String, Vec<Output>) {
    let own = format!("{}/templates/{NOTES}", chart.name());
    let (notes, files): (Vec<_>, Vec<_>) = outputs
        .into_iter()
        .partition(|output| output.source.ends_with(NOTES));
    let shown = notes
        .iter()
        .filter(|output| with_subcharts || *output.source == *own);
    let texts: Vec<_> = shown
        .map(|output| String::from_utf8_lossy(&output.bytes))
        .collect();
    (texts.join("\n"), files)
}

/// Splits the files into documents and puts them in order, hooks apart.
fn sort(mut files: Vec<Output>, warnings: &mut Vec<Warning>) -> Result<(Vec<Manifest>, Vec<Hook>), Error> {
    files.sort_by(|a, b| a.source.cmp(&b.source));
    let (mut manifests, mut hooks) = (Vec::new(), Vec::new());
    for Output { source, bytes, lines } in files {
        let file: Arc<str> = utf8(&source, bytes)?.into();
        for document in split::documents(&file) {
            let start = document.as_ptr() as usize - file.as_ptr() as usize;
            let text = Text {
                file: Arc::clone(&file),
                range: start..start + document.len(),
                lines: lines.clone(),
            };
            let head = yaml::head(document.as_bytes()).map_err(|error| Error::Manifest {
                file: source.to_string(),
                source: error,
            })?;
            match hook::role(|name| head.annotations.get(name).map(String::as_str)) {
                hook::Role::Installed => manifests.push(manifest(&source, head, text)),
                hook::Role::Hook(marks) => hooks.push(hook(&source, head, marks, text)),
                hook::Role::UnknownEvent { events } => {
                    warnings.push(Warning::info("skipping unknown hooks").with("hookTypes", events));
                }
            }
        }
    }
    order::sort_by_kind(&mut manifests, |manifest| &manifest.kind);
    order::sort_by_kind(&mut hooks, |hook| &hook.kind);
    Ok((manifests, hooks))
}

fn manifest(source: &Arc<str>, head: yaml::Head, text: Text) -> Manifest {
    let yaml::Head {
        api_version,
        kind,
        name,
        ..
    } = head;
    Manifest {
        source: Arc::clone(source),
        api_version,
        kind,
        name,
        text,
    }
}

fn hook(source: &Arc<str>, head: yaml::Head, marks: hook::Marks, text: Text) -> Hook {
    let hook::Marks {
        events,
        weight,
        delete_policies,
        output_log_policies,
    } = marks;
    let yaml::Head { kind, name, .. } = head;
    Hook {
        source: Arc::clone(source),
        kind,
        name,
        events,
        weight,
        delete_policies,
        output_log_policies,
        text,
    }
}

/// Rendered bytes as text; YAML is UTF-8, and Helm's reader says the same of other bytes.
fn utf8(source: &str, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        file: source.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })
}
