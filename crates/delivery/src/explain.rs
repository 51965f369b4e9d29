//! Why something is not there yet: blocked on what, since when, who can change it, with which command.

use jiff::Timestamp;
use kinds::{Object, Phase, Promotion};

use crate::board::{Cell, CellState, cell};
use crate::gate::{self, Case, Closed, Decision};
use crate::world::{World, is_live, why};
use crate::{Name, command, reason};

/// The most promotions that are named for a stage or a window: a person reads no more of them.
const NAMED: usize = 50;

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    Application(Name),
    Artifact(Name),
    Promotion(Name),
    Stage(String),
    FreezeWindow(Name),
}

/// What is the matter with something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// As in `promotion payments/api-1.4.2-production`.
    pub about: String,
    /// How it is, in a sentence.
    pub state: String,
    /// What is in the way; empty when nothing is.
    pub blockers: Vec<Blocker>,
    /// What is open, where that is not plain: `freeze: maria lets it through weekends: …`.
    pub notes: Vec<String>,
}

/// One thing in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// What it is in the way of: a stage, or a promotion.
    pub of: String,
    /// The gate, where it is one.
    pub gate: &'static str,
    /// Whether it stays until a person acts.
    pub is_final: bool,
    pub closed: Closed,
}

/// Explains an object; `None` if it is not there.
#[must_use]
pub fn explain(world: &World, thing: &Thing, now: Timestamp) -> Option<Explanation> {
    explain_to(world, thing, now, &|_| true)
}

/// Explains an object to somebody who sees these namespaces alone: what waits in others is neither told nor counted.
#[must_use]
pub fn explain_to(
    world: &World,
    thing: &Thing,
    now: Timestamp,
    sees: &dyn Fn(&str) -> bool,
) -> Option<Explanation> {
    match thing {
        Thing::Application(name) => application(world, name, now),
        Thing::Artifact(name) => artifact(world, name),
        Thing::Promotion(name) => world
            .promotion(name)
            .map(|promotion| explain_promotion(world, promotion, now)),
        Thing::Stage(name) => stage(world, name, now, sees),
        Thing::FreezeWindow(name) => window(world, name, now, sees),
    }
}

fn explain_promotion(world: &World, promotion: &Object<Promotion>, now: Timestamp) -> Explanation {
    let name = Name::of(promotion);
    let about = format!("promotion {name}");
    let spec = &promotion.spec;
    let said = |state: String| Explanation {
        about: about.clone(),
        state,
        blockers: Vec::new(),
        notes: Vec::new(),
    };
    match promotion.status.phase {
        Phase::Waiting => {}
        Phase::Running => {
            let under_way: Vec<String> = promotion
                .status
                .steps
                .iter()
                .map(|step| {
                    let fails = if step.failing { ", and fails already" } else { "" };
                    format!("{} in {}: {:?}{fails}", step.name, step.cluster, step.state)
                })
                .collect();
            let held = Case::of(world, promotion, now).ok().map(|case| gate::hold(&case));
            let held = held.and_then(|held| held.closed().cloned());
            let held = held.map(|closed| Blocker {
                of: name.to_string(),
                gate: "hold",
                is_final: true,
                closed,
            });
            return Explanation {
                blockers: held.into_iter().collect(),
                notes: under_way,
                ..said(format!("{} is under way into {}", spec.artifact, spec.stage))
            };
        }
        phase => {
            return said(format!("{phase:?}: {}", why(promotion)));
        }
    }
    let (blockers, notes) = match Case::of(world, promotion, now) {
        Err(closed) => {
            let blocker = Blocker {
                of: name.to_string(),
                gate: "target",
                is_final: true,
                closed: *closed,
            };
            (vec![blocker], Vec::new())
        }
        Ok(case) => gates(&case),
    };
    let state = match blockers.len() {
        0 => "every gate is open; it begins".to_owned(),
        1 => "it waits for one gate".to_owned(),
        several => format!("it waits for {several} gates"),
    };
    Explanation {
        blockers,
        notes,
        ..said(state)
    }
}

fn gates(case: &Case<'_>) -> (Vec<Blocker>, Vec<String>) {
    let (mut blockers, mut notes) = (Vec::new(), Vec::new());
    for verdict in gate::decide(case) {
        let is_final = matches!(verdict.decision, Decision::Refused(_));
        match verdict.decision {
            Decision::Open { note } if note.is_empty() => {}
            Decision::Open { note } => notes.push(format!("{}: {note}", verdict.gate)),
            Decision::Waiting(closed) | Decision::Refused(closed) => blockers.push(Blocker {
                of: case.own_name().to_string(),
                gate: verdict.gate,
                is_final,
                closed,
            }),
        }
    }
    (blockers, notes)
}

fn application(world: &World, name: &Name, now: Timestamp) -> Option<Explanation> {
    world.application(name)?;
    let mut explanation = Explanation {
        about: format!("application {name}"),
        state: String::new(),
        blockers: Vec::new(),
        notes: Vec::new(),
    };
    let mut states = Vec::new();
    for stage in world.route() {
        let stage = stage.metadata.name.as_str();
        let cell = cell(world, name, stage, now);
        states.push(format!("{stage}: {}", in_words(&cell)));
        let waiting = world
            .promotions(name, stage)
            .filter(|one| one.status.phase == Phase::Waiting);
        let mut has_gates = false;
        for promotion in waiting {
            let of = explain_promotion(world, promotion, now);
            has_gates = true;
            explanation.blockers.extend(of.blockers);
            explanation.notes.extend(of.notes);
        }
        if let Some(closed) = cell.closed.filter(|_| !has_gates) {
            explanation.blockers.push(Blocker {
                of: stage.to_owned(),
                gate: "",
                is_final: cell.state != CellState::Waiting,
                closed,
            });
        }
    }
    explanation.state = states.join("; ");
    Some(explanation)
}

fn in_words(cell: &Cell) -> String {
    let there = match cell.version.as_str() {
        "" => "nothing",
        version => version,
    };
    match (cell.state, cell.next.as_str()) {
        (CellState::Current, _) => format!("{there}, ready"),
        (CellState::Empty, _) => "nothing".to_owned(),
        (CellState::Running, next) => format!("{there}, {next} is under way"),
        (CellState::Waiting | CellState::Refused, next) => format!("{there}, {next} waits"),
        (CellState::Behind, next) => format!("{there}, {next} could come"),
        (CellState::Failed, next) => format!("{there}, {next} failed"),
        (CellState::Held, _) => format!("{there}, held"),
        (CellState::NotReady, _) => format!("{there}, not ready"),
        (CellState::Drifted, _) => format!("{there}, changed by somebody else"),
    }
}

fn artifact(world: &World, name: &Name) -> Option<Explanation> {
    let (application, artifact) = world.applications().find_map(|(application, _)| {
        let is_beside = application.namespace == name.namespace;
        let artifact = world.artifact(application, &name.name).filter(|_| is_beside)?;
        Some((application, artifact))
    })?;
    let mut explanation = Explanation {
        about: format!("artifact {name}"),
        state: String::new(),
        blockers: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(blocked) = &artifact.object.spec.blocked {
        let message = format!("{} blocked it: {}", blocked.by, blocked.reason);
        let command = command::unblock(application, artifact.version());
        explanation.blockers.push(Blocker {
            of: "every stage".to_owned(),
            gate: "blocked",
            is_final: true,
            closed: Closed::new(reason::BLOCKED, message).opened_by("whoever may override", command),
        });
    }
    let object = world.application(application)?;
    let mut states = Vec::new();
    for stage in world.route() {
        let stage_name = stage.metadata.name.as_str();
        let current = world.current(application, stage_name);
        let is_there = current.is_some_and(|one| one.artifact == artifact.name());
        let failure = gate::failed_before(world, object, stage, artifact);
        let state = match (is_there, &failure) {
            (true, _) => "is there",
            (false, Some(_)) => "failed",
            (false, None) if world.had(application, stage_name, artifact.name()) => "was there",
            (false, None) => "never there",
        };
        states.push(format!("{stage_name}: {state}"));
        if let Some(failure) = failure {
            let message = format!("it failed in {stage_name}, and is not tried again by itself");
            let command = command::promote(application, artifact.version(), stage_name);
            explanation.blockers.push(Blocker {
                of: stage_name.to_owned(),
                gate: "failure",
                is_final: true,
                closed: Closed::new(reason::FAILED_BEFORE, message)
                    .since(failure.at)
                    .opened_by("whoever may deploy", command),
            });
        }
    }
    explanation.state = states.join("; ");
    Some(explanation)
}

fn stage(world: &World, name: &str, now: Timestamp, sees: &dyn Fn(&str) -> bool) -> Option<Explanation> {
    world.stage(name)?;
    let is_its = |one: &Object<Promotion>| one.spec.stage == name && sees(&one.metadata.namespace);
    let waits = waiting(world, now, is_its);
    let running = every(world).filter(|one| is_its(one) && one.status.phase == Phase::Running);
    let running = running.count();
    Some(Explanation {
        about: format!("stage {name}"),
        state: format!("{running} promotions are under way, {} wait", waits.len()),
        blockers: first_of_each(waits),
        notes: Vec::new(),
    })
}

fn window(world: &World, name: &Name, now: Timestamp, sees: &dyn Fn(&str) -> bool) -> Option<Explanation> {
    let (_, window) = world.windows().find(|(other, _)| *other == name)?;
    let state = match (window.mistake(), window.on(now), window.next(now)) {
        (Some(mistake), ..) => format!("it can't be read, and is taken to be on: {mistake}"),
        (_, Some(span), _) => format!("it is on until {}", span.to),
        (_, None, Some(span)) => format!("it is on from {} to {}", span.from, span.to),
        (_, None, None) => "it is over".to_owned(),
    };
    let waits = waiting(world, now, |promotion| {
        sees(&promotion.metadata.namespace)
            && Case::of(world, promotion, now).is_ok_and(|case| gate::closes(&case, name))
    });
    Some(Explanation {
        about: format!("freezewindow {name}"),
        state,
        blockers: first_of_each(waits),
        notes: Vec::new(),
    })
}

fn every(world: &World) -> impl Iterator<Item = &Object<Promotion>> {
    let live = world
        .applications()
        .flat_map(|(name, _)| world.all_promotions(name));
    live.filter(|one| is_live(one))
}

/// What each promotion that waits waits for, of those that are asked about.
fn waiting(
    world: &World,
    now: Timestamp,
    is_asked: impl Fn(&Object<Promotion>) -> bool,
) -> Vec<Vec<Blocker>> {
    every(world)
        .filter(|one| one.status.phase == Phase::Waiting && is_asked(one))
        .map(|one| explain_promotion(world, one, now).blockers)
        .collect()
}

/// The first thing that each waits for; one that a person has to open before others.
fn first_of_each(waits: Vec<Vec<Blocker>>) -> Vec<Blocker> {
    let first = |blockers: Vec<Blocker>| blockers.into_iter().min_by_key(|one| !one.is_final);
    waits.into_iter().filter_map(first).take(NAMED).collect()
}
