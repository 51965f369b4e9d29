//! Rendering a chart for a cluster: with its version and kinds as capabilities, and its objects for `lookup`.

use chart::capabilities::Capabilities;
use chart::functions::host::{Lookup, Query};
use chart::render::{self, Request};
use cluster::{Cluster, ListQuery};
use manifest::Object;
use model::{Namespace, ReleaseName, Revision};
use release::StoredChart;
use release::record::Contents;
use release::values::Chosen;
use template::Value;
use template::value::{Elem, IntKind, List};

use super::Session;
use crate::Failure;
use crate::command::host::host;
use crate::command::values::ValueArgs;
use crate::console::Console;

/// How a chart is rendered, beside its values.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rendering")]
pub(crate) struct RenderArgs {
    /// Do not hold the values against the charts' schemas.
    #[arg(long)]
    pub(crate) skip_schema_validation: bool,
    /// Do not install the CRDs of `crds/`.
    #[arg(long)]
    pub(crate) skip_crds: bool,
    /// Add the notes of subcharts to the chart's own.
    #[arg(long)]
    pub(crate) render_subchart_notes: bool,
    #[command(flatten)]
    pub(crate) values: ValueArgs,
}

/// What a chart came to.
pub(crate) struct Made {
    pub(crate) contents: Contents,
    pub(crate) crds: Vec<Object>,
}

/// Which revision of which release a chart is rendered for.
pub(crate) struct For<'a> {
    pub(crate) name: &'a ReleaseName,
    pub(crate) revision: Revision,
    pub(crate) is_upgrade: bool,
}

/// Renders a chart with what the user gave.
pub(crate) fn render(
    session: &Session,
    args: &RenderArgs,
    loaded: &chart::Chart,
    (chosen, target): (Chosen, &For<'_>),
    console: &mut Console,
) -> Result<Made, Failure> {
    let namespace: Namespace = session.namespace.parse()?;
    let crds = match args.skip_crds {
        true => Vec::new(),
        false => crds(loaded)?,
    };
    let (version, mut api_versions) = session.wait(async {
        let version = session.cluster.version().await?;
        Ok::<_, cluster::Error>((version, session.cluster.api_versions().await?))
    })?;
    // They are installed first, so their kinds are there by the time that matters.
    api_versions.extend(served_by(&crds));
    let version = version.get("gitVersion").and_then(serde_json::Value::as_str);
    let capabilities = Capabilities::new(version, &api_versions)?;
    let Chosen { given, defaults } = chosen;
    let chart = match defaults {
        Some(defaults) => loaded.with_values(defaults),
        None => loaded.clone(),
    };
    let mut host = host(None);
    host.lookup = Box::new(LiveObjects {
        cluster: session.cluster.clone(),
        runtime: session.handle(),
    });
    let request = Request {
        release: render::Release {
            name: target.name,
            namespace: &namespace,
            revision: target.revision,
            is_upgrade: target.is_upgrade,
        },
        values: given.clone(),
        capabilities: &capabilities,
        skip_schema_validation: args.skip_schema_validation,
        subchart_notes: args.render_subchart_notes,
    };
    let rendered = render::render(&chart, request, &host)?;
    console.warnings(&rendered.warnings);
    let config = release::values::to_json(&given)?;
    let stored = StoredChart::of(&chart, &given)?;
    Ok(Made {
        contents: Contents::of(stored, config, &rendered),
        crds,
    })
}

/// The objects of `crds/`.
fn crds(chart: &chart::Chart) -> Result<Vec<Object>, Failure> {
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
struct LiveObjects {
    cluster: Cluster,
    runtime: tokio::runtime::Handle,
}

impl Lookup for LiveObjects {
    fn lookup(&self, query: &Query<'_>) -> Result<Value, String> {
        let found = self.runtime.block_on(find(&self.cluster, query));
        let found = found.map_err(|error| error.to_string())?;
        Ok(value(&found.unwrap_or_else(|| serde_json::json!({}))))
    }
}

/// What `lookup` finds; `None` for what is not there, of kinds that are not there either.
async fn find(cluster: &Cluster, query: &Query<'_>) -> Result<Option<serde_json::Value>, cluster::Error> {
    let Some(resource) = cluster.resource(query.api_version, query.kind).await? else {
        return Ok(None);
    };
    if !query.name.is_empty() {
        return cluster.get(resource.at(query.namespace, query.name)).await;
    }
    let place = Some(query.namespace).filter(|namespace| !namespace.is_empty());
    let listed = cluster.list(&resource, place, &ListQuery::default()).await?;
    Ok(Some(serde_json::json!({
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
