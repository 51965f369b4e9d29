//! What a chart is verified with, read from the files that the command line names.

use std::path::Path;
use std::sync::Arc;

use ::manifest::Finding;
use chart::Chart;
use chart::lint;
use chart::values::{Map, overlay, user::Sources};
use kinds::{Application, ApplicationStage, Object, Tenant};
use kubelet::{Behaviour, behaviour, nodes};
use minicluster::schema::{MINORS, NEWEST_MINOR};
use model::{Namespace, ReleaseName};
use serde_json::Value;
use verify::{Exceptions, Live, Stage, Target};

use super::{Args, Problem, load, read};
use crate::Failure;
use crate::command::host::host;
use crate::command::tenant::manifest as tenant_manifest;
use crate::command::unpacked::Unpacked;
use crate::console::Console;

/// The file of an Application beside its chart.
const APPLICATION: &str = "application.yaml";

/// The stage of a chart without an Application.
const ONLY_STAGE: &str = "default";

/// The exceptions of a chart in a folder.
pub(super) fn exceptions(chart: &Path) -> Result<Exceptions, Failure> {
    let path = chart.join(verify::EXCEPTIONS_FILE);
    match path.is_file() {
        true => Ok(Exceptions::parse(&read(&path)?)?),
        false => Ok(Exceptions::default()),
    }
}

/// What lint finds, with the values of the first stage: the files are the same for all.
pub(super) fn lint(chart: &Path, stages: &[Stage]) -> Result<Vec<Finding>, Failure> {
    let Some(stage) = stages.first() else {
        return Ok(Vec::new());
    };
    let options = lint::Options {
        values: stage.values.clone(),
        ..lint::Options::default()
    };
    let folder = Unpacked::of(chart)?;
    Ok(verify::linted(
        folder.path(),
        &options,
        &stage.namespace,
        host(None),
    )?)
}

/// The stages that the chart is verified for.
pub(super) fn stages(args: &Args, chart: &Chart, console: &mut Console) -> Result<Vec<Stage>, Failure> {
    let application = application(args)?;
    let tenant = match &args.tenant {
        Some(path) => Some(tenant(path)?),
        None => None,
    };
    let target = target(args)?;
    let live = match &args.live {
        Some(path) => Some((path, load(path, console)?)),
        None => None,
    };
    let first_of_tenant = tenant.as_ref().map(|tenant| tenancy::home(tenant).to_owned());
    let of_application = application.as_ref().map(|one| {
        let namespace = one.spec.namespace.as_ref();
        namespace.unwrap_or(&one.metadata.namespace).clone()
    });
    let namespace = args
        .namespace
        .clone()
        .or(of_application)
        .filter(|one| !one.is_empty());
    let namespace: Namespace = namespace
        .or(first_of_tenant)
        .unwrap_or_else(|| "default".to_owned())
        .parse()?;
    let of_application = application.as_ref().map(|one| {
        let release = one.spec.release.as_ref();
        release.unwrap_or(&one.metadata.name).clone()
    });
    let release = args.release.clone().or(of_application);
    let release: ReleaseName = release.unwrap_or_else(|| chart.name().to_owned()).parse()?;
    let given = args.values.compose()?;
    let wanted = wanted(args, application.as_ref())?;
    let (count, mut stages) = (wanted.len(), Vec::new());
    for (place, stage) in wanted.iter().enumerate() {
        let live = match &live {
            Some((path, chart)) => Some(Live::Chart {
                chart: chart.clone(),
                values: values(path, stage, &given, Missing::Passes)?,
            }),
            None => None,
        };
        stages.push(Stage {
            name: stage.name.clone(),
            release: release.clone(),
            namespace: namespace.clone(),
            values: values(&args.chart, stage, &given, Missing::Fails)?,
            tenant: tenant.clone(),
            target: target.clone(),
            real: None,
            live,
            // The first of several is where things are tried.
            serves_users: place > 0 || count == 1,
        });
    }
    Ok(stages)
}

/// The stages that were asked for.
fn wanted(args: &Args, application: Option<&Object<Application>>) -> Result<Vec<ApplicationStage>, Problem> {
    let known = match application {
        Some(application) if !application.spec.stages.is_empty() => application.spec.stages.clone(),
        _ => vec![ApplicationStage {
            name: ONLY_STAGE.to_owned(),
            values_files: Vec::new(),
            values: serde_json::Map::new(),
            hosts: Vec::new(),
        }],
    };
    let names: Vec<&str> = known.iter().map(|stage| stage.name.as_str()).collect();
    if let Some(stage) = args.stages.iter().find(|one| !names.contains(&one.as_str())) {
        return Err(Problem::NoStage {
            application: application.map_or("the chart".to_owned(), |one| {
                format!("Application {}", one.metadata.name)
            }),
            stage: stage.clone(),
            known: names.join(", "),
        });
    }
    let is_wanted = |stage: &ApplicationStage| args.stages.is_empty() || args.stages.contains(&stage.name);
    Ok(known.into_iter().filter(is_wanted).collect())
}

/// What becomes of a file with values that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Fails,
    /// What is live may be from before the file.
    Passes,
}

/// The values of a stage: its files, its own, then those of the command line.
fn values(chart: &Path, stage: &ApplicationStage, given: &Map, missing: Missing) -> Result<Map, Failure> {
    let mut files = Vec::new();
    for file in &stage.values_files {
        let path = chart.join(file);
        if missing == Missing::Passes && !path.is_file() {
            continue;
        }
        files.push((path.display().to_string(), read(&path)?.into_bytes()));
    }
    let own = Value::Object(stage.values.clone()).to_string();
    files.push((format!("the values of stage {}", stage.name), own.into_bytes()));
    let sources = Sources {
        files,
        ..Sources::default()
    };
    let mut values = sources.values(&mut |path: &str| Err(format!("{path} is not read here")))?;
    overlay(&mut values, given.clone());
    Ok(values)
}

fn application(args: &Args) -> Result<Option<Object<Application>>, Failure> {
    let beside = args.chart.join(APPLICATION);
    let path = match &args.application {
        Some(path) => path.clone(),
        None if beside.is_file() => beside,
        None => return Ok(None),
    };
    let bad = |problem: String| Problem::Bad {
        path: path.clone(),
        problem,
    };
    let objects = ::manifest::read(&read(&path)?)?;
    let mut applications = objects
        .iter()
        .filter(|object| object.value["kind"] == "Application" && object.api_version == kinds::API_VERSION);
    let (Some(found), None) = (applications.next(), applications.next()) else {
        return Err(bad(format!(
            "it has to hold one Application of {}",
            kinds::API_VERSION
        ))
        .into());
    };
    let read = Object::<Application>::read(&found.value);
    Ok(Some(read.map_err(|error| bad(error.to_string()))?))
}

fn tenant(path: &Path) -> Result<Object<Tenant>, Failure> {
    let bad = |problem: String| Problem::Bad {
        path: path.to_owned(),
        problem,
    };
    let tenants = tenant_manifest::read(path)?;
    match tenants.as_slice() {
        [one] => Ok(Object::read(one).map_err(|error| bad(error.to_string()))?),
        many => Err(bad(format!(
            "it holds {} tenants, and one is verified for",
            many.len()
        ))
        .into()),
    }
}

fn target(args: &Args) -> Result<Target, Failure> {
    let mut objects = Vec::new();
    for path in &args.given {
        let read = ::manifest::read(&read(path)?)?;
        objects.extend(read.into_iter().map(|object| object.value));
    }
    let behaviour = match &args.behaviour {
        Some(path) => behaviour::parse(&read(path)?).map_err(|error| Problem::Bad {
            path: path.clone(),
            problem: error.to_string(),
        })?,
        None => Behaviour::default(),
    };
    let mut target = Target {
        minor: minor(args.kube_version.as_deref())?,
        behaviour: Arc::new(behaviour),
        objects,
        ..Target::default()
    };
    if let Some(path) = &args.nodes_from {
        let bad = |problem: String| Problem::Bad {
            path: path.clone(),
            problem,
        };
        let list = serde_json::from_str(&read(path)?).map_err(|error| bad(error.to_string()))?;
        target.nodes = nodes::copied(&list).map_err(bad)?;
    }
    Ok(target)
}

/// `1.34`, `v1.34.2` or nothing.
fn minor(version: Option<&str>) -> Result<u32, Problem> {
    let Some(version) = version else {
        return Ok(NEWEST_MINOR);
    };
    let parts = version.trim_start_matches('v').split('.').collect::<Vec<_>>();
    let minor = match parts.as_slice() {
        ["1", minor, ..] => minor.parse().ok(),
        _ => None,
    };
    minor.filter(|minor| MINORS.contains(minor)).ok_or_else(|| {
        let known: Vec<String> = MINORS.iter().map(|minor| format!("1.{minor}")).collect();
        Problem::Version {
            version: version.to_owned(),
            known: known.join(", "),
        }
    })
}
