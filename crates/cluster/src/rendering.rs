//! Rendering a chart for a cluster: with its version and kinds as capabilities, and its objects for `lookup`.
//!
//! ```text
//! Chart, values ──► capabilities of the cluster and of the chart's own CRDs ──► chart::render ──► contents of a record
//!                                    lookup ──► the cluster's objects ──┘
//! ```
//!
//! A chart is rendered by a plain function that looks things up while it runs. So this is one too: whoever calls says
//! how to wait for the cluster, and calls it from outside of the runtime.

use std::fmt;
use std::pin::Pin;

use chart::Chart;
use chart::capabilities::Capabilities;
use chart::functions::Host;
use chart::functions::host::{Lookup, Query};
use chart::render::{self, Rendered, Request};
use manifest::Object;
use model::{Code, Diagnose, Namespace, ReleaseName, Revision};
use release::StoredChart;
use release::record::Contents;
use release::values::Chosen;
use serde_json::json;
use template::Value;
use template::value::{Elem, IntKind, List};

use crate::{Cluster, ListQuery};

/// What is rendered.
#[derive(Debug)]
pub struct Template<'a> {
    pub chart: &'a Chart,
    pub values: Chosen,
    pub name: &'a ReleaseName,
    pub namespace: &'a Namespace,
    pub revision: Revision,
    pub is_upgrade: bool,
    pub skip_crds: bool,
    pub skip_schema_validation: bool,
    pub subchart_notes: bool,
    /// Whether it is kept which line of the chart wrote which.
    pub is_traced: bool,
}

/// What a chart came to.
#[derive(Debug)]
pub struct Made {
    pub contents: Contents,
    /// The objects of `crds/`.
    pub crds: Vec<Object>,
    pub rendered: Rendered,
}

/// Why a chart can't be rendered for a cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cluster(#[from] crate::Error),
    #[error(transparent)]
    Chart(#[from] chart::Error),
    #[error(transparent)]
    Render(#[from] render::Error),
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    #[error(transparent)]
    Release(#[from] release::Error),
}

/// What is waited for.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Waits for work on a runtime, from outside of it.
pub trait Wait: fmt::Debug + Send + Sync + 'static {
    fn wait(&self, work: Work<'_>);
}

impl Wait for tokio::runtime::Handle {
    fn wait(&self, work: Work<'_>) {
        self.block_on(work);
    }
}

/// Does the work of the runtime's other tasks meanwhile, also of one that has no thread of its own.
impl Wait for std::sync::Arc<tokio::runtime::Runtime> {
    fn wait(&self, work: Work<'_>) {
        self.block_on(work);
    }
}

/// Renders a chart.
///
/// # Errors
/// See [`Error`].
pub fn render(
    cluster: &Cluster,
    wait: impl Wait,
    mut host: Host,
    template: Template<'_>,
) -> Result<Made, Error> {
    let crds = match template.skip_crds {
        true => Vec::new(),
        false => crds(template.chart)?,
    };
    let mut asked = None;
    wait.wait(Box::pin(async {
        asked = Some(capabilities(cluster, &crds).await);
    }));
    let capabilities = asked.expect("the work was waited for")?;
    let Chosen { given, defaults } = template.values;
    let chart = match defaults {
        Some(defaults) => template.chart.with_values(defaults),
        None => template.chart.clone(),
    };
    host.lookup = Box::new(LiveObjects {
        cluster: cluster.clone(),
        wait,
    });
    let request = Request {
        release: render::Release {
            name: template.name,
            namespace: template.namespace,
            revision: template.revision,
            is_upgrade: template.is_upgrade,
        },
        values: given.clone(),
        capabilities: &capabilities,
        skip_schema_validation: template.skip_schema_validation,
        subchart_notes: template.subchart_notes,
    };
    let rendered = match template.is_traced {
        true => render::render_traced(&chart, request, &host)?,
        false => render::render(&chart, request, &host)?,
    };
    let config = release::values::to_json(&given)?;
    let stored = StoredChart::of(&chart, &given)?;
    Ok(Made {
        contents: Contents::of(stored, config, &rendered),
        crds,
        rendered,
    })
}

/// The objects of a chart's `crds/`.
///
/// # Errors
/// When one can't be read.
pub fn crds(chart: &Chart) -> Result<Vec<Object>, manifest::Error> {
    let mut objects = Vec::new();
    for crd in chart.crds() {
        let text = format!(
            "---\n# Source: {}\n{}\n",
            crd.path,
            String::from_utf8_lossy(&crd.file.data)
        );
        objects.extend(manifest::read(&text)?);
    }
    Ok(objects)
}

/// What a chart is told of a cluster. The CRDs are installed first, so their kinds are there by the time that matters.
async fn capabilities(cluster: &Cluster, crds: &[Object]) -> Result<Capabilities, Error> {
    let version = cluster.version().await?;
    let mut api_versions = cluster.api_versions().await?;
    api_versions.extend(served_by(crds));
    let version = version.get("gitVersion").and_then(serde_json::Value::as_str);
    Ok(Capabilities::new(version, &api_versions)?)
}

/// The names under which `.Capabilities.APIVersions` has the kinds of CRDs.
fn served_by(crds: &[Object]) -> Vec<String> {
    let mut names = Vec::new();
    for crd in crds {
        let text = |path: &str| objects::meta::text_at(&crd.value, path);
        for version in objects::meta::list_at(&crd.value, "/spec/versions") {
            let version = format!("{}/{}", text("/spec/group"), objects::meta::text(version, "name"));
            names.push(format!("{version}/{}", text("/spec/names/kind")));
            names.push(version);
        }
    }
    names
}

/// The objects of a cluster, for the function `lookup`.
#[derive(Debug)]
struct LiveObjects<W> {
    cluster: Cluster,
    wait: W,
}

impl<W: Wait> Lookup for LiveObjects<W> {
    fn lookup(&self, query: &Query<'_>) -> Result<Value, String> {
        let mut found = Ok(None);
        let work = async { found = find(&self.cluster, query).await };
        self.wait.wait(Box::pin(work));
        let found = found.map_err(|error| error.to_string())?;
        Ok(value(&found.unwrap_or_else(|| json!({}))))
    }
}

/// What `lookup` finds; `None` for what is not there, of kinds that are not there either.
async fn find(cluster: &Cluster, query: &Query<'_>) -> Result<Option<serde_json::Value>, crate::Error> {
    let Some(resource) = cluster.resource(query.api_version, query.kind).await? else {
        return Ok(None);
    };
    if !query.name.is_empty() {
        return cluster.get(resource.at(query.namespace, query.name)).await;
    }
    let place = Some(query.namespace).filter(|namespace| !namespace.is_empty());
    let listed = cluster.list(&resource, place, &ListQuery::default()).await?;
    Ok(Some(json!({
        "apiVersion": query.api_version, "kind": format!("{}List", query.kind),
        "metadata": {"resourceVersion": listed.resource_version}, "items": listed.items,
    })))
}

/// An object as Go's client hands it to templates: whole numbers are `int64` there.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(yes) => Value::Bool(*yes),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole, IntKind::Int64),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::Str(text.as_str().into()),
        serde_json::Value::Array(items) => {
            Value::List(List::new(Elem::Any, items.iter().map(value).collect::<Vec<_>>()))
        }
        serde_json::Value::Object(fields) => {
            let map = template::Map::new();
            for (key, field) in fields {
                map.set(key.as_str(), value(field));
            }
            Value::Map(map)
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Cluster(error) => error.code(),
            Self::Chart(error) => error.code(),
            Self::Render(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Release(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::Chart(error) => error.hint(),
            Self::Render(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
            Self::Release(error) => error.hint(),
        }
    }
}
