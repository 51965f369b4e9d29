//! Which kinds a cluster serves: asked once, kept for all clones, asked again when one is missing.
//!
//! ```text
//! /api, /apis ──aggregated──► Catalog ──► Resource
//!          └──as of old, one request for each group and version──┘
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use objects::{Kind, meta};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::Cluster;
use crate::error::{Error, Why};
use crate::resource::Resource;
use crate::send::Call;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// A kind that was missing is not asked for again for so long, so that a chart with a hundred objects of a kind that is
/// missing costs two requests and not two hundred.
const MISSING_FOR: Duration = Duration::from_secs(5);

/// Everything a cluster serves.
#[derive(Debug, Default)]
pub struct Catalog {
    /// By `apiVersion` and kind.
    resources: HashMap<(String, String), Resource>,
    /// `apps/v1` and `apps/v1/Deployment`, in the cluster's order.
    names: Vec<String>,
    /// The version that the cluster prefers, by kind.
    preferred: HashMap<Kind, String>,
}

/// What is known of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    catalog: Option<Arc<Catalog>>,
    /// Kinds that were not there when they were asked for last.
    missing: HashSet<(String, String)>,
    missing_since: Option<Instant>,
}

impl Catalog {
    /// The kind in this version.
    #[must_use]
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        self.resources.get(&(api_version.to_owned(), kind.to_owned()))
    }

    /// The kind in the version that the cluster prefers.
    #[must_use]
    pub fn preferred(&self, kind: &Kind) -> Option<&Resource> {
        self.find(self.preferred.get(kind)?, &kind.name)
    }

    /// What `.Capabilities.APIVersions` holds.
    #[must_use]
    pub fn api_versions(&self) -> Vec<String> {
        self.names.clone()
    }

    /// All kinds, in no order.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    fn add(&mut self, api_version: &str, resource: Resource) {
        let name = resource.kind.name.to_string();
        self.names.push(format!("{api_version}/{name}"));
        self.preferred
            .entry(resource.kind.clone())
            .or_insert_with(|| api_version.to_owned());
        self.resources.insert((api_version.to_owned(), name), resource);
    }

    /// Adds what an `APIGroupDiscoveryList` says.
    fn add_aggregated(&mut self, list: &Value) {
        for group in meta::list_at(list, "/items") {
            for version in meta::list_at(group, "/versions") {
                let (group, version_name) = (meta::name(group), meta::text(version, "version"));
                let api_version = join(group, version_name);
                self.names.push(api_version.clone());
                for found in meta::list_at(version, "/resources") {
                    if let Some(resource) = aggregated(group, version_name, found) {
                        self.add(&api_version, resource);
                    }
                }
            }
        }
    }

    /// Adds what an `APIResourceList` says.
    fn add_listed(&mut self, group: &str, version: &str, list: &Value) {
        let api_version = join(group, version);
        self.names.push(api_version.clone());
        let all = meta::list_at(list, "/resources");
        let subresource = |of: &str, each: &Value| {
            let (parent, name) = meta::text(each, "name").split_once('/')?;
            (parent == of).then(|| name.to_owned())
        };
        for each in all.iter().filter(|each| !meta::text(each, "name").contains('/')) {
            let plural = meta::text(each, "name");
            let resource = Resource {
                kind: Kind::new(group, meta::text(each, "kind")),
                version: version.to_owned(),
                plural: plural.to_owned(),
                namespaced: each.get("namespaced") == Some(&Value::Bool(true)),
                verbs: texts(each, "/verbs"),
                subresources: all.iter().filter_map(|each| subresource(plural, each)).collect(),
            };
            self.add(&api_version, resource);
        }
    }
}

impl Cache {
    pub(crate) async fn forget(&self) {
        *self.0.lock().await = Known::default();
    }
}

/// The catalog, asked for if it is not known. Whoever comes meanwhile waits for the same answer.
pub(crate) async fn catalog(cluster: &Cluster) -> Result<Arc<Catalog>, Error> {
    let mut known = cluster.shared.catalog.0.lock().await;
    match &known.catalog {
        Some(catalog) => Ok(Arc::clone(catalog)),
        None => renew(cluster, &mut known).await,
    }
}

/// A kind. If it is missing in what is known, the cluster is asked once more.
pub(crate) async fn resource(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
) -> Result<Option<Resource>, Error> {
    let mut known = cluster.shared.catalog.0.lock().await;
    let fresh = known.catalog.is_none();
    let mut catalog = match &known.catalog {
        Some(catalog) => Arc::clone(catalog),
        None => renew(cluster, &mut known).await?,
    };
    if known
        .missing_since
        .is_some_and(|since| since.elapsed() > MISSING_FOR)
    {
        known.missing.clear();
        known.missing_since = None;
    }
    let name = (api_version.to_owned(), kind.to_owned());
    if !catalog.resources.contains_key(&name) && !fresh && !known.missing.contains(&name) {
        catalog = renew(cluster, &mut known).await?;
    }
    let found = catalog.resources.get(&name).cloned();
    if found.is_none() {
        known.missing.insert(name);
        known.missing_since.get_or_insert_with(Instant::now);
    }
    Ok(found)
}

async fn renew(cluster: &Cluster, known: &mut Known) -> Result<Arc<Catalog>, Error> {
    let catalog = Arc::new(ask(cluster).await?);
    known.catalog = Some(Arc::clone(&catalog));
    Ok(catalog)
}

async fn ask(cluster: &Cluster) -> Result<Catalog, Error> {
    let (core, groups) = tokio::try_join!(root(cluster, "/api"), root(cluster, "/apis"))?;
    let mut catalog = Catalog::default();
    for answer in [&core, &groups] {
        if meta::text(answer, "kind") == "APIGroupDiscoveryList" {
            catalog.add_aggregated(answer);
        } else {
            each(cluster, &mut catalog, answer).await?;
        }
    }
    Ok(catalog)
}

async fn root(cluster: &Cluster, path: &str) -> Result<Value, Error> {
    let mut call = Call::get(path.to_owned(), path);
    call.accept = AGGREGATED;
    cluster.value(call).await
}

/// Asks for the kinds of each group and version, as clusters before 1.26 want it.
async fn each(cluster: &Cluster, catalog: &mut Catalog, answer: &Value) -> Result<(), Error> {
    let core = meta::list_at(answer, "/versions")
        .iter()
        .filter_map(Value::as_str);
    let core = core.map(|version| (String::new(), version.to_owned()));
    let groups = meta::list_at(answer, "/groups").iter().flat_map(|group| {
        let preferred = meta::text_at(group, "/preferredVersion/version");
        let versions = meta::list_at(group, "/versions").iter();
        let versions = versions.map(|version| meta::text(version, "version"));
        let others = versions.filter(move |version| *version != preferred);
        let all = std::iter::once(preferred)
            .chain(others)
            .filter(|version| !version.is_empty());
        all.map(|version| (meta::text(group, "name").to_owned(), version.to_owned()))
    });
    // A task can't be held across an answer by what still borrows from this one.
    let all: Vec<(String, String)> = core.chain(groups).collect();
    for (group, version) in all {
        let path = match group.as_str() {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match cluster.value(Call::get(path.clone(), path)).await {
            Ok(list) => catalog.add_listed(&group, &version, &list),
            // A group that another server should serve, which is down: the kinds of all others are still there.
            Err(error) if matches!(error.why(), Some(Why::Server | Why::NotFound)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn aggregated(group: &str, version: &str, found: &Value) -> Option<Resource> {
    // A resource that is known but not served has no kind.
    let kind = Some(meta::text_at(found, "/responseKind/kind")).filter(|kind| !kind.is_empty())?;
    let below = meta::list_at(found, "/subresources").iter();
    Some(Resource {
        kind: Kind::new(group, kind),
        version: version.to_owned(),
        plural: meta::text(found, "resource").to_owned(),
        namespaced: meta::text(found, "scope") == "Namespaced",
        verbs: texts(found, "/verbs"),
        subresources: below
            .map(|each| meta::text(each, "subresource").to_owned())
            .collect(),
    })
}

fn texts(value: &Value, pointer: &str) -> Vec<String> {
    let all = meta::list_at(value, pointer).iter().filter_map(Value::as_str);
    all.map(str::to_owned).collect()
}

fn join(group: &str, version: &str) -> String {
    match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_discovery_say_the_same() {
        let verbs = json!(["get", "list"]);
        let new = json!({"items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
            {"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced", "verbs": verbs,
             "subresources": [{"subresource": "scale"}, {"subresource": "status"}]},
            {"resource": "gone", "scope": "Namespaced"}]}]}]});
        let old = json!({"resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": verbs},
            {"name": "deployments/scale", "kind": "Scale", "namespaced": true},
            {"name": "deployments/status", "kind": "Deployment", "namespaced": true}]});
        let (mut one, mut other) = (Catalog::default(), Catalog::default());
        one.add_aggregated(&new);
        other.add_listed("apps", "v1", &old);
        assert_eq!(
            one.find("apps/v1", "Deployment"),
            other.find("apps/v1", "Deployment")
        );
        assert_eq!(one.api_versions(), ["apps/v1", "apps/v1/Deployment"]);
        assert_eq!(one.api_versions(), other.api_versions());
        assert_eq!(
            one.preferred(&Kind::DEPLOYMENT)
                .map(|found| found.subresources.len()),
            Some(2)
        );
    }

    #[test]
    fn the_first_version_is_preferred() {
        let mut catalog = Catalog::default();
        let list = json!({"resources": [{"name": "things", "kind": "Thing", "namespaced": false}]});
        catalog.add_listed("a.b", "v2", &list);
        catalog.add_listed("a.b", "v1", &list);
        let preferred = catalog.preferred(&Kind::new("a.b", "Thing"));
        assert_eq!(preferred.map(|found| found.version.as_str()), Some("v2"));
    }
}
