//! What `.` is in a chart's templates: one map per chart of the tree, sharing the values of its parent.

use std::rc::Rc;
use std::sync::Arc;

use template::value::{MapKind, Str};
use template::{Map, Value};

use super::Release;
use crate::capabilities::{Capabilities, HELM_VERSION};
use crate::chart::Chart;
use crate::objects;
use crate::objects::capabilities::{ApiVersions, HelmVersion, KubeVersion};
use crate::objects::files::Files;
use crate::{tree, values};

/// A chart of the tree with its place in it and its `.`.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) chart: &'a Chart,
    /// `root/charts/sub`, which the names of its templates begin with.
    pub(crate) path: Arc<str>,
    pub(crate) dot: Map,
}

/// What every chart of a release sees alike.
struct Shared {
    release: Value,
    capabilities: Value,
}

/// The scopes of a chart and all its subcharts, parents after their children.
pub(crate) fn build<'a>(
    chart: &'a Chart,
    release: &Release<'_>,
    capabilities: &Capabilities,
    values: values::Map,
) -> Vec<Scope<'a>> {
    let shared = Shared {
        release: release_value(release),
        capabilities: capabilities_value(capabilities),
    };
    let mut scopes = Vec::new();
    let values = tree::map(values);
    visit(chart, &chart.name().into(), &values, &shared, &mut scopes);
    scopes
}

/// Charts nest no deeper than the loader lets them.
fn visit<'a>(
    chart: &'a Chart,
    path: &Arc<str>,
    values: &Map,
    shared: &Shared,
    scopes: &mut Vec<Scope<'a>>,
) -> Map {
    let is_root = !path.contains('/');
    let subcharts = Map::new();
    for child in chart.dependencies() {
        let own = match values.get(child.name()) {
            Some(Value::Map(own)) => own,
            _ => Map::new(),
        };
        let dot = visit(
            child,
            &format!("{path}/charts/{}", child.name()).into(),
            &own,
            shared,
            scopes,
        );
        subcharts.set(child.name(), Value::Map(dot));
    }
    let fields = [
        ("Chart", metadata(chart, is_root)),
        ("Files", files(chart)),
        ("Release", shared.release.clone()),
        ("Capabilities", shared.capabilities.clone()),
        ("Values", Value::Map(values.seen_as(MapKind::Values))),
        ("Subcharts", Value::Map(subcharts)),
    ];
    let dot: Map = fields
        .into_iter()
        .map(|(name, value)| (Str::from(name), value))
        .collect();
    scopes.push(Scope {
        chart,
        path: Arc::clone(path),
        dot: dot.seen_as(MapKind::Values),
    });
    dot
}

/// `.Chart`. Its annotations are a `map[string]string` in Go, which is nil where there are none: asked for a key, it
/// gives the empty text.
fn metadata(chart: &Chart, is_root: bool) -> Value {
    let value = tree::value(chart.metadata().to_value(is_root));
    if let Value::Map(fields) = &value {
        let annotations = match fields.get("Annotations") {
            Some(Value::Map(annotations)) => annotations.seen_as(MapKind::String),
            _ => Map::nil().seen_as(MapKind::String),
        };
        fields.set("Annotations", Value::Map(annotations));
    }
    value
}

fn release_value(release: &Release<'_>) -> Value {
    let Release {
        name,
        namespace,
        revision,
        is_upgrade,
    } = release;
    let fields = [
        ("Name", Value::str(name.as_str())),
        ("Namespace", Value::str(namespace.as_str())),
        ("Revision", Value::int(i64::from(revision.get()))),
        ("IsInstall", Value::Bool(!is_upgrade)),
        ("IsUpgrade", Value::Bool(*is_upgrade)),
        ("Service", Value::str("Helm")),
    ];
    Value::Map(
        fields
            .into_iter()
            .map(|(name, value)| (Str::from(name), value))
            .collect(),
    )
}

fn capabilities_value(capabilities: &Capabilities) -> Value {
    let version = &capabilities.kube_version;
    Value::Object(Rc::new(objects::capabilities::Capabilities {
        kube_version: KubeVersion {
            version: version.version.clone(),
            normalized: version.normalized.clone(),
            major: version.major.clone(),
            minor: version.minor.clone(),
        },
        api_versions: ApiVersions(capabilities.api_versions.clone().into()),
        helm_version: HelmVersion {
            version: HELM_VERSION.version.to_owned(),
            git_commit: HELM_VERSION.git_commit.to_owned(),
            git_tree_state: HELM_VERSION.git_tree_state.to_owned(),
            go_version: HELM_VERSION.go_version.to_owned(),
            kube_client_version: HELM_VERSION.kube_client_version.to_owned(),
        },
    }))
}

/// `.Files`; the contents are shared with the loaded chart.
fn files(chart: &Chart) -> Value {
    let files = chart
        .content()
        .files
        .iter()
        .map(|file| (Str::from(&*file.name), Str::from(Arc::clone(&file.data))));
    Value::Object(Rc::new(files.collect::<Files>()))
}
