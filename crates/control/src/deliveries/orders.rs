//! From a promotion to the order for one cluster.

use std::time::Duration;

use artifact::SigningKey;
use delivery::{Action, Name, World};
use jiff::Timestamp;
use kinds::{Application, ApplicationStage, Drift, Object, Promotion, Stage};
use objects::time;
use release::Brake;

use super::carry::{Goal, Order};
use super::shelf::Subject;
use crate::verifications::gather::{namespace_of, release_of};

/// The step of a promotion in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) promotion: Name,
    pub(super) cluster: String,
    /// [`Action::as_str`].
    pub(super) action: &'static str,
}

/// How long a release may take whose stage says nothing that can be read.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The order for a step, or why there can be none.
pub(super) fn order(
    world: &World,
    promotion: &Object<Promotion>,
    (action, cluster): (Action, &str),
    key: &SigningKey,
) -> Result<Order, String> {
    let own = Name::of(promotion);
    let name = own.beside(&promotion.spec.application);
    let application = world
        .application(&name)
        .ok_or_else(|| format!("there is no Application {name}"))?;
    let stage = world
        .stage(&promotion.spec.stage)
        .ok_or_else(|| format!("there is no Stage {}", promotion.spec.stage))?;
    let tenant = world
        .tenant_of(&name.namespace)
        .ok_or_else(|| format!("the namespace {} is no tenant's", name.namespace))?;
    let goal = match action {
        Action::Apply => version(world, (&name, application), &promotion.spec.artifact, stage)?,
        Action::PutBack => before(world, (&name, application), stage, cluster)?,
    };
    let seconds = |text: &str| kinds::duration(text).and_then(|stated| Duration::try_from(stated).ok());
    let note = format!(
        "{} {}, promotion {}, turn {}",
        action.as_str(),
        promotion.spec.artifact,
        promotion.metadata.name,
        promotion.status.turn
    );
    let namespace = namespace_of(application);
    let release = release_of(application);
    Ok(Order {
        cluster: cluster.to_owned(),
        tenant: tenant.metadata.name.clone(),
        namespace: namespace
            .parse()
            .map_err(|error| format!("{namespace}: {error}"))?,
        release: release.parse().map_err(|error| format!("{release}: {error}"))?,
        goal,
        secret: key.secret(&format!("{own} in {cluster}, {}", promotion.metadata.uid)),
        note,
        at: time::parse(&promotion.metadata.creation_timestamp).unwrap_or(Timestamp::UNIX_EPOCH),
        timeout: seconds(&stage.spec.timeout).unwrap_or(TIMEOUT),
        soak: seconds(&stage.spec.soak).unwrap_or_default(),
        takes_fields: stage.spec.drift == Drift::PutBack || action == Action::PutBack,
        brake: brake(world, &name, stage),
    })
}

fn version(
    world: &World,
    (name, application): (&Name, &Object<Application>),
    artifact: &str,
    stage: &Object<Stage>,
) -> Result<Goal, String> {
    Ok(Goal::Version(Box::new(subject(
        world,
        (name, application),
        artifact,
        stage,
    )?)))
}

/// What a cluster had before: what the stage has, by the revision that brought it there.
fn before(
    world: &World,
    (name, application): (&Name, &Object<Application>),
    stage: &Object<Stage>,
    cluster: &str,
) -> Result<Goal, String> {
    let Some(current) = world.current(name, &stage.metadata.name) else {
        return Ok(Goal::Nothing);
    };
    let brought = world.promotion(&name.beside(&current.promotion));
    let steps = brought.into_iter().flat_map(|one| &one.status.steps);
    let mut here = steps.filter(|step| step.cluster == cluster && step.name == Action::Apply.as_str());
    let subject = Box::new(subject(world, (name, application), &current.artifact, stage)?);
    Ok(match here.find_map(|step| step.revision) {
        Some(revision) => Goal::Revision(revision, subject),
        // The promotion is gone, or this cluster is new to the stage.
        None => Goal::Version(subject),
    })
}

fn subject(
    world: &World,
    (name, application): (&Name, &Object<Application>),
    artifact: &str,
    stage: &Object<Stage>,
) -> Result<Subject, String> {
    let published = world
        .artifact(name, artifact)
        .ok_or_else(|| format!("{name} has no artifact {artifact}"))?;
    let stated = application.spec.stages.iter();
    let mut stated = stated.filter(|one| one.name == stage.metadata.name);
    let plain = || ApplicationStage {
        name: stage.metadata.name.clone(),
        values_files: Vec::new(),
        values: serde_json::Map::new(),
        hosts: Vec::new(),
    };
    Ok(Subject {
        artifact: published.object.clone(),
        path: application.spec.chart.path.clone(),
        stage: stated.next().cloned().unwrap_or_else(plain),
    })
}

/// Where the stage has nothing yet, nobody looked at what a first release deletes of one that somebody else made.
fn brake(world: &World, name: &Name, stage: &Object<Stage>) -> Option<Brake> {
    let spec = &stage.spec.deletion_brake;
    let is_first = world.current(name, &stage.metadata.name).is_none();
    is_first.then_some(Brake {
        objects: spec.objects as usize,
        percent: spec.percent as usize,
    })
}
