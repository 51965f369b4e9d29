//! What a verification is made with: the chart's files at the commit, and each stage as its cluster is now.
//!
//! What can't be known of a cluster, because there is none, it does not answer or it refuses, is taken as `verify` takes what
//! nobody described; the report then says what it stands on.

use std::path::Path;
use std::time::Duration;

use chart::values::{Map, user};
use chart::{Chart, File, lint};
use cluster::run::Releases;
use cluster::{Cluster, Impersonate, ListQuery};
use jiff::Timestamp;
use kinds::{Application, ApplicationStage, Artifact, Object, Tenant};
use kubelet::nodes;
use manifest::Finding;
use minicluster::schema::{MINORS, NEWEST_MINOR};
use model::{Diagnose as _, Namespace, ReleaseName};
use objects::time;
use release::History;
use release::record::Contents;
use release::storage::Driver;
use serde_json::Value;
use source::{Authors, ObjectId, Use, snapshot};
use verify::{Checks, Exceptions, Live, Request, Stage, Target};

use crate::clusters::AllKnown;
use crate::error::Error;
use crate::sites::Site;

use super::stages::OnRoad;

/// How long something may take to become ready, in simulated time: what a stage has if it says nothing.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What of a cluster a chart may lean on, and that no chart of a tenant brings.
const GIVEN: &[(&str, &str)] = &[
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("networking.k8s.io/v1", "IngressClass"),
];

/// A chart as it stands in a commit, with the files that the stages name.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) chart: Vec<File>,
    /// By stage, each with its name and content.
    values: Vec<Vec<(String, Vec<u8>)>>,
    /// Everything that the chart is made of, as paths in the repository.
    paths: Vec<String>,
}

/// Who made a commit and when, as git has it.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) author: String,
    pub(crate) committed: Timestamp,
    /// Who made all that came since the version before.
    pub(crate) authors: Authors,
}

/// Who is verified for whom.
#[derive(Clone, Debug)]
pub(crate) struct Whose {
    pub(crate) application: Object<Application>,
    pub(crate) tenant: Option<Object<Tenant>>,
}

/// Reads the files.
///
/// # Errors
/// The chart or a file with values is not there, which is the change's own fault, or git fails, which is not.
pub(crate) async fn files(
    site: &mut Site,
    commit: &str,
    application: &Object<Application>,
    road: &[OnRoad],
) -> Result<Files, Error> {
    let commit: ObjectId = commit.parse()?;
    let repository = site.repository()?;
    let snapshot = repository.snapshot(commit).await?;
    let folder = snapshot::clean(&application.spec.chart.path).to_owned();
    let chart = repository.chart(&snapshot, &folder).await?.files;
    let mut values = Vec::with_capacity(road.len());
    for stage in road {
        let mut files = Vec::new();
        for name in &stage.application.values_files {
            let path = snapshot::join(&folder, name).ok_or_else(|| source::Error::NotThere {
                what: format!("{name}, which stage {} names", stage.application.name),
                problem: "leads out of the repository".to_owned(),
            })?;
            let bytes = repository.file(&snapshot, &path).await?;
            files.push((name.clone(), bytes.to_vec()));
        }
        values.push(files);
    }
    let paths = source::paths(&snapshot, &Use::of(&application.metadata.name, &application.spec));
    Ok(Files { chart, values, paths })
}

/// Reads who made a commit, and everything in it that these files are made of and the commit that was published before has not.
///
/// # Errors
/// The commit is not there, or git fails.
pub(crate) async fn by(
    site: &mut Site,
    commit: &str,
    files: &Files,
    published: Option<&str>,
) -> Result<By, Error> {
    let id: ObjectId = commit.parse()?;
    // What is no commit of git was published by hand; then all of history counts.
    let since = published.and_then(|published| published.parse().ok());
    let repository = site.repository()?;
    let authors = repository.authors(id, since, &files.paths).await?;
    let commit = repository.commit(id).await?;
    Ok(By {
        author: format!("{} <{}>", commit.author, commit.email),
        committed: commit.at,
        authors,
    })
}

/// The commit of the version of an application that was published last, of all that there are.
pub(crate) fn published_last<'a>(
    artifacts: impl Iterator<Item = &'a Object<Artifact>>,
    application: &Object<Application>,
) -> Option<String> {
    let is_its = |one: &&Object<Artifact>| {
        one.metadata.namespace == application.metadata.namespace
            && one.spec.application == application.metadata.name
            && one.spec.origin.source == application.spec.chart.source
    };
    let last = artifacts
        .filter(is_its)
        .max_by_key(|one| time::parse(&one.spec.origin.time))?;
    Some(last.spec.origin.commit.clone())
}

/// What the clusters of the stages are like.
pub(crate) async fn targets(road: &[OnRoad], whose: &Whose, known: &AllKnown) -> Vec<(Target, Option<Live>)> {
    let looks = road.iter().map(|stage| async {
        let known = stage.cluster.as_ref().and_then(|name| known.get(name));
        let Some((object, (_, cluster))) = known.and_then(|known| Some((&known.object, known.way.as_ref()?)))
        else {
            return (Target::default(), None);
        };
        let mut target = Target {
            minor: minor(&object.status.version),
            cluster: Some(Object::clone(object)),
            ..Target::default()
        };
        if let Some(nodes) = list(cluster, "v1", "Node").await
            && let Ok(nodes) = nodes::copied(&serde_json::json!({"items": nodes}))
        {
            target.nodes = nodes;
        }
        for (api_version, kind) in GIVEN {
            let given = list(cluster, api_version, kind).await.unwrap_or_default();
            target.objects.extend(given.iter().map(as_written));
        }
        let live = live(cluster, whose).await;
        (target, live.map(|record| Live::Record(Box::new(record))))
    });
    futures::future::join_all(looks).await
}

async fn list(cluster: &Cluster, api_version: &str, kind: &str) -> Option<Vec<Value>> {
    let resource = cluster.resource(api_version, kind).await.ok()??;
    let listed = cluster.list(&resource, None, &ListQuery::default()).await.ok()?;
    let mut items = listed.items;
    for item in &mut items {
        item["apiVersion"] = api_version.into();
        item["kind"] = kind.into();
    }
    Some(items)
}

/// An object without what only its cluster says of it.
fn as_written(object: &Value) -> Value {
    let mut written = object.clone();
    if let Some(fields) = written.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = written["metadata"].as_object_mut() {
        metadata.retain(|field, _| matches!(field.as_str(), "name" | "labels" | "annotations"));
    }
    written
}

/// The release that is deployed, read as whom it was deployed.
async fn live(cluster: &Cluster, whose: &Whose) -> Option<Contents> {
    let tenant = whose.tenant.as_ref()?;
    let deployer = cluster.impersonating(Impersonate {
        user: tenancy::names::deploy_identity(&tenant.metadata.name),
        ..Impersonate::default()
    });
    let (namespace, name) = (namespace_of(&whose.application), release_of(&whose.application));
    let labels = format!("name={name}");
    let read = Releases::read(&deployer, Some(namespace), Driver::Secret, &labels)
        .await
        .ok()?;
    let history = History::new(name, read.records);
    history.deployed()?.contents()
}

/// Where the releases of an application are.
pub(crate) fn namespace_of(application: &Object<Application>) -> &str {
    let stated = application.spec.namespace.as_deref();
    stated.unwrap_or(&application.metadata.namespace)
}

/// What the releases of an application are called.
pub(crate) fn release_of(application: &Object<Application>) -> &str {
    application
        .spec
        .release
        .as_deref()
        .unwrap_or(&application.metadata.name)
}

/// The versions that can be verified for; what is older or newer is taken as the nearest of them.
fn minor(version: &str) -> u32 {
    let minor = version.trim_start_matches('v').split('.').nth(1);
    let digits: Option<String> = minor.map(|minor| minor.chars().take_while(char::is_ascii_digit).collect());
    let minor: Option<u32> = digits.and_then(|digits| digits.parse().ok());
    let least = MINORS.iter().min().copied().unwrap_or(NEWEST_MINOR);
    minor.unwrap_or(NEWEST_MINOR).clamp(least, NEWEST_MINOR)
}

/// What is wrong with the chart before it can be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error(transparent)]
    Chart(#[from] chart::Error),
    #[error(transparent)]
    Name(#[from] model::NameError),
    #[error(transparent)]
    Exceptions(#[from] verify::BadExceptions),
    #[error("the chart can't be laid out as files")]
    Files(#[from] std::io::Error),
}

impl Unfit {
    pub(crate) fn cure(&self) -> String {
        let hint = match self {
            Self::Chart(error) => error.hint(),
            Self::Exceptions(error) => error.hint(),
            Self::Name(_) | Self::Files(_) => None,
        };
        hint.unwrap_or_default()
    }
}

/// Puts the request together, and gives the chart as it is packed. Takes some milliseconds of CPU.
///
/// # Errors
/// See [`Unfit`]: the change's own fault, all but the last.
pub(crate) fn request(
    files: &Files,
    road: &[OnRoad],
    targets: Vec<(Target, Option<Live>)>,
    whose: &Whose,
    now: Timestamp,
) -> Result<Request, Unfit> {
    let chart: Chart = chart::load::files(files.chart.clone())?.chart;
    let release: ReleaseName = release_of(&whose.application).parse()?;
    let namespace: Namespace = namespace_of(&whose.application).parse()?;
    let mut stages = Vec::with_capacity(road.len());
    for ((one, given), (target, live)) in road.iter().zip(&files.values).zip(targets) {
        stages.push(Stage {
            name: one.application.name.clone(),
            release: release.clone(),
            namespace: namespace.clone(),
            values: values(&one.application, given)?,
            tenant: whose.tenant.clone(),
            target,
            live,
            serves_users: one.serves_users,
            real: None,
        });
    }
    let exceptions = files
        .chart
        .iter()
        .find(|file| &*file.name == verify::EXCEPTIONS_FILE);
    let exceptions = match exceptions {
        Some(file) => Exceptions::parse(&String::from_utf8_lossy(&file.data))?,
        None => Exceptions::default(),
    };
    let lint = match stages.first() {
        Some(stage) => linted(files, stage)?,
        None => Vec::new(),
    };
    Ok(Request {
        chart,
        stages,
        lint,
        exceptions,
        checks: Checks::default(),
        today: now.to_zoned(jiff::tz::TimeZone::UTC).date(),
        timeout: TIMEOUT,
        seed: 1,
        evidence: true,
    })
}

/// The values of a stage: its files, then its own.
pub(crate) fn values(stage: &ApplicationStage, files: &[(String, Vec<u8>)]) -> Result<Map, chart::Error> {
    let mut files = files.to_vec();
    let own = Value::Object(stage.values.clone()).to_string();
    files.push((format!("the values of stage {}", stage.name), own.into_bytes()));
    let sources = user::Sources {
        files,
        ..user::Sources::default()
    };
    sources.values(&mut |path: &str| Err(format!("{path} is not read here")))
}

fn linted(files: &Files, stage: &Stage) -> Result<Vec<Finding>, Unfit> {
    let folder = tempfile::tempdir()?;
    for file in &files.chart {
        write(folder.path(), file)?;
    }
    let options = lint::Options {
        values: stage.values.clone(),
        ..lint::Options::default()
    };
    let host = chart::functions::Host::new(0, Box::new(chart::random::Seeded::new(1)));
    Ok(verify::linted(folder.path(), &options, &stage.namespace, host)?)
}

/// Names come from `source`, which lets none lead out of the chart.
fn write(folder: &Path, file: &File) -> std::io::Result<()> {
    let path = folder.join(&*file.name);
    std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
    std::fs::write(path, &file.data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_published_last_is_of_the_same_application_and_source() {
        let of = |name: &str| {
            let spec = json!({"chart": {"source": "charts", "path": "charts/web"}});
            let mut object: Object<Application> =
                Object::new(name, serde_json::from_value(spec).expect("a spec"));
            object.metadata.namespace = "shop".to_owned();
            object
        };
        let artifact = |application: &str, commit: &str, source: &str, time: &str| {
            let origin = json!({"source": source, "commit": commit, "time": time});
            let spec = json!({"application": application, "chart": "web", "version": "1.0.0", "digest": "",
                              "location": "", "origin": origin});
            let mut object: Object<Artifact> =
                Object::new(commit, serde_json::from_value(spec).expect("a spec"));
            object.metadata.namespace = "shop".to_owned();
            object
        };
        let all = [
            artifact("web", "old", "charts", "2026-03-02T09:00:00Z"),
            artifact("web", "last", "charts", "2026-03-02T11:30:00+01:00"),
            artifact("web", "moved", "before", "2026-03-02T12:00:00Z"),
            artifact("api", "other", "charts", "2026-03-02T12:00:00Z"),
        ];
        assert_eq!(published_last(all.iter(), &of("web")), Some("last".to_owned()));
        assert_eq!(published_last(all.iter(), &of("new")), None);
    }
}
