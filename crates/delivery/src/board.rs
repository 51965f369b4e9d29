//! The board: applications by stages, with what each has, what comes next, and why it is not there yet.

use jiff::Timestamp;
use kinds::{Object, Phase, Promotion};
use objects::time;

use crate::gate::{self, Case, Closed, Decision};
use crate::plan::coming;
use crate::request::newest_for;
use crate::world::{Published, World, created, ended, first_step, is_live, moment, why};
use crate::{Name, command, reason};

/// Applications by stages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// In the order in which artifacts meet them.
    pub stages: Vec<String>,
    /// By name.
    pub rows: Vec<Row>,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub application: Name,
    pub tenant: String,
    /// The version that was published last; empty when none was.
    pub latest: String,
    /// As many as there are stages.
    pub cells: Vec<Cell>,
}

/// An application in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub state: CellState,
    /// The version that is there; empty when none is.
    pub version: String,
    /// The version that comes next; empty when none does.
    pub next: String,
    /// The promotion that the state is about; empty when it is about none.
    pub promotion: String,
    /// What is the matter, first of what there is.
    pub closed: Option<Closed>,
    /// How many further gates are closed.
    pub more: usize,
    /// Since when it is what it is.
    pub since: Option<Timestamp>,
}

/// How an application is in a stage: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellState {
    /// A promotion is under way.
    Running,
    /// A promotion is closed until a person acts.
    Refused,
    /// A promotion waits.
    Waiting,
    /// The last promotion failed, or was left half done, and nothing came after it.
    Failed,
    /// What is there is not ready.
    NotReady,
    /// Somebody else changed what is there.
    Drifted,
    /// Somebody holds it as it is.
    Held,
    /// A newer version could come, and nobody asked.
    Behind,
    /// It has what it should.
    Current,
    /// Nothing is there.
    Empty,
}

/// Looks at every application.
#[must_use]
pub fn board(world: &World, now: Timestamp) -> Board {
    let rows = world.applications().map(|(name, _)| Row {
        application: name.clone(),
        tenant: world
            .tenant_of(&name.namespace)
            .map(|one| one.metadata.name.clone())
            .unwrap_or_default(),
        latest: world
            .newest_first(name)
            .next()
            .map(|one| one.version().to_owned())
            .unwrap_or_default(),
        cells: world
            .route()
            .map(|stage| cell(world, name, &stage.metadata.name, now))
            .collect(),
    });
    Board {
        stages: world.route().map(|stage| stage.metadata.name.clone()).collect(),
        rows: rows.collect(),
    }
}

/// Looks at one application in one stage.
pub(crate) fn cell(world: &World, application: &Name, stage: &str, now: Timestamp) -> Cell {
    let current = world.current(application, stage);
    let there = current
        .as_ref()
        .and_then(|current| world.artifact(application, &current.artifact));
    let cell = Cell {
        state: if current.is_some() {
            CellState::Current
        } else {
            CellState::Empty
        },
        version: match (there, &current) {
            (Some(there), _) => there.version().to_owned(),
            (None, Some(current)) => current.artifact.clone(),
            (None, None) => String::new(),
        },
        next: String::new(),
        promotion: String::new(),
        closed: None,
        more: 0,
        since: current.as_ref().and_then(|current| current.since),
    };
    let live = world.promotions(application, stage).filter(|one| is_live(one));
    let live = live.max_by_key(|one| {
        (
            one.status.phase == Phase::Running,
            created(one),
            &one.metadata.name,
        )
    });
    if let Some(live) = live {
        return on_its_way(world, live, now, cell);
    }
    failed(world, application, stage, &cell)
        .or_else(|| not_as_it_was(world, application, stage, &cell))
        .or_else(|| held(world, application, stage, &cell))
        .or_else(|| behind(world, application, stage, there, now).map(|behind| behind.put_into(&cell)))
        .unwrap_or(cell)
}

fn on_its_way(world: &World, promotion: &Object<Promotion>, now: Timestamp, cell: Cell) -> Cell {
    let application = Name::new(&promotion.metadata.namespace, &promotion.spec.application);
    let artifact = world.artifact(&application, &promotion.spec.artifact);
    let mut cell = Cell {
        state: CellState::Running,
        next: artifact.map_or_else(
            || promotion.spec.artifact.clone(),
            |artifact| artifact.version().to_owned(),
        ),
        promotion: promotion.metadata.name.clone(),
        since: first_step(promotion).or(created(promotion)),
        ..cell
    };
    if promotion.status.phase == Phase::Running {
        let held = Case::of(world, promotion, now).ok().map(|case| gate::hold(&case));
        cell.closed = held.and_then(|held| held.closed().cloned());
        return cell;
    }
    let (state, closed, more) = match Case::of(world, promotion, now) {
        Err(closed) => (CellState::Refused, Some(*closed), 0),
        Ok(case) => {
            let decisions: Vec<Decision> = gate::decide(&case)
                .into_iter()
                .map(|one| one.decision)
                .filter(|one| !one.is_open())
                .collect();
            let refused = decisions.iter().find(|one| matches!(one, Decision::Refused(_)));
            let state = match (decisions.is_empty(), refused) {
                // It begins with the next plan.
                (true, _) => CellState::Running,
                (false, Some(_)) => CellState::Refused,
                (false, None) => CellState::Waiting,
            };
            let first = refused.or(decisions.first()).and_then(Decision::closed);
            (state, first.cloned(), decisions.len().saturating_sub(1))
        }
    };
    cell.since = closed
        .as_ref()
        .and_then(|closed| closed.since)
        .or_else(|| moment(promotion.status.started.as_ref()))
        .or(cell.since);
    Cell {
        state,
        closed,
        more,
        ..cell
    }
}

/// The last promotion failed, and nothing came after it.
fn failed(world: &World, application: &Name, stage: &str, cell: &Cell) -> Option<Cell> {
    let begun = world
        .promotions(application, stage)
        .filter(|one| one.status.turn > 0);
    let last = begun.max_by_key(|one| ended(one))?;
    let is_left = world
        .left(application, stage)
        .into_values()
        .any(|one| one == last);
    if last.status.phase != Phase::RolledBack && !is_left {
        return None;
    }
    let end = moment(last.status.ended.as_ref());
    let artifact = world.artifact(application, &last.spec.artifact);
    let name = application.beside(&last.metadata.name);
    let message = match why(last) {
        "" => format!("{} failed", last.metadata.name),
        why => why.to_owned(),
    };
    let closed = Closed::new(reason::FAILED, message);
    Some(Cell {
        state: CellState::Failed,
        next: artifact.map(|one| one.version().to_owned()).unwrap_or_default(),
        promotion: last.metadata.name.clone(),
        closed: Some(
            closed
                .since(end)
                .opened_by("whoever may deploy", command::retry(&name)),
        ),
        since: end,
        ..cell.clone()
    })
}

/// What is there is not ready, or was changed.
fn not_as_it_was(world: &World, application: &Name, stage: &str, cell: &Cell) -> Option<Cell> {
    let said = world.deployed(application, stage)?;
    let current = world.current(application, stage)?;
    if said.promotion != current.promotion || said.ready && said.drifted == 0 {
        return None;
    }
    let (state, word, message) = match said.ready {
        false => (
            CellState::NotReady,
            reason::NOT_READY,
            format!("{} is not ready", cell.version),
        ),
        true => (
            CellState::Drifted,
            reason::DRIFTED,
            format!("somebody else changed {} objects", said.drifted),
        ),
    };
    let message = match said.message.as_str() {
        "" => message,
        said => said.to_owned(),
    };
    let command = command::explain("application", application);
    Some(Cell {
        state,
        closed: Some(Closed::new(word, message).opened_by("whoever may deploy", command)),
        ..cell.clone()
    })
}

fn held(world: &World, application: &Name, stage: &str, cell: &Cell) -> Option<Cell> {
    let holds = &world.application(application)?.spec.holds;
    let hold = holds.iter().find(|one| one.stage == stage)?;
    let since = hold.since.as_deref().and_then(time::parse);
    let closed = Closed::new(reason::HELD, format!("{} holds it: {}", hold.by, hold.reason))
        .since(since)
        .opened_by(hold.by.clone(), command::let_go(application, stage));
    Some(Cell {
        state: CellState::Held,
        closed: Some(closed),
        since: since.or(cell.since),
        ..cell.clone()
    })
}

/// A newer version that could come.
struct Behind {
    version: String,
    closed: Closed,
}

impl Behind {
    fn put_into(self, cell: &Cell) -> Cell {
        Cell {
            state: CellState::Behind,
            next: self.version,
            closed: Some(self.closed),
            ..cell.clone()
        }
    }
}

fn behind(
    world: &World,
    application: &Name,
    stage: &str,
    there: Option<&Published>,
    now: Timestamp,
) -> Option<Behind> {
    let newest = newest_for(world, application, stage)?;
    let stage = world.stage(stage)?;
    if there.is_some_and(|there| newest.order <= there.order) {
        return None;
    }
    let (name, version) = (&stage.metadata.name, newest.version());
    let closed = match coming(world, application, name, now) {
        Some(because) => Closed::new(
            because.reason,
            format!("{}, and comes by itself", because.message),
        ),
        None => {
            let failure = gate::failed_before(world, world.application(application)?, stage, newest);
            let (word, message) = match &failure {
                Some(_) => (
                    reason::FAILED_BEFORE,
                    format!("{version} failed there, and is not tried again by itself"),
                ),
                None => (
                    reason::NOBODY_ASKED,
                    format!("{version} could come, and nobody asked"),
                ),
            };
            let command = command::promote(application, version, name);
            Closed::new(word, message)
                .since(failure.and_then(|failure| failure.at))
                .opened_by("whoever may deploy", command)
        }
    };
    Some(Behind {
        version: version.to_owned(),
        closed,
    })
}
