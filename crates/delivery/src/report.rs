//! What the statuses of objects say, from what was decided and from each other. The loops write it as it is here.
//!
//! ```text
//! step carried out ──record──► Promotion      cluster done ──finish──► Promotion
//! promotions ──statuses──► Artifact, then Application      ──stage, window──► Stage, FreezeWindow
//! ```
//!
//! Every one is made anew from the world each time, so that a write that was left out is made up for by the next.

mod promotion;
mod stage;
mod standing;

use jiff::Timestamp;
use kinds::condition::{Condition, READY, reason as why};
use kinds::{Deployed, Soaked};
use objects::time;

use crate::Name;
use crate::board::{Cell, CellState, cell};
use crate::gate::failed_before;
use crate::world::{World, first_step};
pub(crate) use promotion::cut;
pub use promotion::{Outcome, brief, finish, gates, plan, record};
pub use stage::{stage, window};
pub use standing::{Stands, drifted, stand};

/// What the statuses of an application and its artifacts say. The artifacts' are written first: how long one was ready is
/// known from the application's status until that is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Statuses {
    /// Of each artifact, by name.
    pub artifacts: Vec<(String, Traces)>,
    /// The version that was published last.
    pub latest: String,
    /// What is in each stage. What clusters say of it (ready, drifted, checks) is kept while the same promotion counts.
    pub stages: Vec<Deployed>,
    /// The condition `Ready`, but for its time.
    pub ready: Condition,
}

/// What an artifact has left in the stages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Where it is.
    pub stages: Vec<String>,
    /// Where it failed, and was not taken up again.
    pub failed: Vec<String>,
    /// How long it was ready where it is no longer.
    pub soaked: Vec<Soaked>,
}

/// The statuses of an application and its artifacts; `None` if it is not there.
#[must_use]
pub fn statuses(world: &World, application: &Name, now: Timestamp) -> Option<Statuses> {
    let object = world.application(application)?;
    let traces = world
        .newest_first(application)
        .map(|one| (one.name().to_owned(), traces(world, application, one.name())));
    let stages = world.route().map(|stage| stage.metadata.name.as_str());
    let cells: Vec<(&str, Cell)> = stages
        .map(|stage| (stage, cell(world, application, stage, now)))
        .collect();
    let latest = world.newest_first(application).next();
    let (status, reason, message) = match latest {
        None => ("False", why::NO_CHART, "nothing was published yet".to_owned()),
        Some(_) => ready(&cells),
    };
    Some(Statuses {
        artifacts: traces.collect(),
        latest: latest.map(|one| one.version().to_owned()).unwrap_or_default(),
        stages: cells
            .iter()
            .filter_map(|(stage, _)| deployed(world, application, stage))
            .collect(),
        ready: Condition::of(READY, object.metadata.generation, (status, reason, message)),
    })
}

fn deployed(world: &World, application: &Name, stage: &str) -> Option<Deployed> {
    let current = world.current(application, stage)?;
    let said = world.deployed(application, stage);
    if let Some(said) = said.filter(|said| said.promotion == current.promotion) {
        return Some(said.clone());
    }
    let artifact = world.artifact(application, &current.artifact);
    Some(Deployed {
        name: stage.to_owned(),
        version: artifact.map(|one| one.version().to_owned()).unwrap_or_default(),
        artifact: current.artifact,
        promotion: current.promotion,
        turn: current.turn,
        ready: current.ready_since.is_some(),
        ready_since: current.ready_since.map(time::seconds),
        since: current.since.map(time::seconds),
        settings: current.settings,
        ..Deployed::default()
    })
}

fn traces(world: &World, application: &Name, artifact: &str) -> Traces {
    let (Some(object), Some(published)) = (
        world.application(application),
        world.artifact(application, artifact),
    ) else {
        return Traces::default();
    };
    let mut traces = Traces {
        soaked: published.object.status.soaked.clone(),
        ..Traces::default()
    };
    for stage in world.route() {
        let name = stage.metadata.name.as_str();
        let is_there = world
            .current(application, name)
            .is_some_and(|current| current.artifact == artifact);
        if is_there {
            traces.stages.push(name.to_owned());
        } else if let Some(seconds) = left_after(world, application, name, artifact) {
            remember(&mut traces.soaked, name, seconds);
        }
        if failed_before(world, object, stage, published).is_some() {
            traces.failed.push(name.to_owned());
        }
    }
    traces
}

/// How long an artifact was ready that the status of its application still names, though another one is there.
fn left_after(world: &World, application: &Name, stage: &str, artifact: &str) -> Option<u64> {
    let said = world
        .deployed(application, stage)
        .filter(|said| said.artifact == artifact)?;
    let current = world.current(application, stage)?;
    let promotion = world.promotion(&application.beside(&current.promotion));
    let left = promotion.and_then(first_step).or(current.since);
    let ready = said.ready_since.as_deref().and_then(time::parse);
    let seconds = match (ready, left) {
        (Some(ready), Some(left)) if said.ready => left.duration_since(ready).as_secs(),
        _ => 0,
    };
    Some(seconds.try_into().unwrap_or(0))
}

/// The longest time counts. Even none is worth remembering: the artifact was there.
fn remember(soaked: &mut Vec<Soaked>, stage: &str, seconds: u64) {
    match soaked.iter_mut().find(|one| one.stage == stage) {
        Some(one) => one.seconds = one.seconds.max(seconds),
        None => soaked.push(Soaked {
            stage: stage.to_owned(),
            seconds,
        }),
    }
}

/// Whether an application has what it should, in all stages; what is worst comes first.
fn ready(cells: &[(&str, Cell)]) -> (&'static str, &'static str, String) {
    let worst = [
        (CellState::Failed, why::FAILED),
        (CellState::NotReady, why::FAILED),
        (CellState::Refused, why::WAITING),
        (CellState::Waiting, why::WAITING),
        (CellState::Held, why::WAITING),
        (CellState::Running, why::AT_WORK),
    ];
    for (state, reason) in worst {
        let Some((stage, cell)) = cells.iter().find(|(_, cell)| cell.state == state) else {
            continue;
        };
        let message = match &cell.closed {
            Some(closed) if closed.command.is_empty() => closed.message.clone(),
            Some(closed) => format!("{}; {}", closed.message, closed.command),
            None => format!("{} is under way", cell.next),
        };
        return ("False", reason, format!("{stage}: {message}"));
    }
    (
        "True",
        why::AS_WRITTEN,
        "every stage has what it should".to_owned(),
    )
}
