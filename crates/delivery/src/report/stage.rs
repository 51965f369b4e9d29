//! The statuses of stages and freeze windows: what is under way there, and whether anything may move.

use jiff::Timestamp;
use kinds::condition::{self, Condition, FROZEN, READY, reason as why};
use kinds::{FreezeWindowStatus, Object, Phase, Stage, StageStatus};
use objects::time;

use crate::gate::{answers, closes, shares, unknown, wanted};
use crate::world::{World, is_live, is_reachable};
use crate::{Case, Name, Window};

/// The status of a stage; `None` if it is not there.
#[must_use]
pub fn stage(world: &World, name: &str, now: Timestamp) -> Option<StageStatus> {
    let stage = world.stage(name)?;
    let generation = stage.metadata.generation;
    let mut status = StageStatus {
        observed_generation: Some(generation),
        conditions: stage.status.conditions.clone(),
        ..StageStatus::default()
    };
    for (application, _) in world.applications() {
        status.applications += u32::from(world.current(application, name).is_some());
        for promotion in world.promotions(application, name) {
            status.waiting += u32::from(promotion.status.phase == Phase::Waiting);
            status.running += u32::from(promotion.status.phase == Phase::Running);
        }
    }
    let said = [(READY, ready(world, stage)), (FROZEN, frozen(world, name, now))];
    for (kind, said) in said {
        let said = Condition::of(kind, generation, said);
        condition::set(&mut status.conditions, said, now);
    }
    Some(status)
}

/// The status of a freeze window; `None` if it is not there.
#[must_use]
pub fn window(world: &World, name: &Name, now: Timestamp) -> Option<FreezeWindowStatus> {
    let (_, window) = world.windows().find(|(other, _)| *other == name)?;
    let generation = window.object.metadata.generation;
    let span = window.on(now).or_else(|| window.next(now));
    let frozen = match (window.mistake(), window.on(now), span) {
        (Some(_), ..) => ("True", why::FROZEN, "until it can be read".to_owned()),
        (None, Some(on), _) => ("True", why::FROZEN, format!("until {}", on.to)),
        (None, None, Some(next)) => (
            "False",
            why::NOT_FROZEN,
            format!("next from {} to {}", next.from, next.to),
        ),
        (None, None, None) => ("False", why::NOT_FROZEN, "it is over".to_owned()),
    };
    let ready = match window.mistake() {
        Some(mistake) => ("False", why::MISTAKES, mistake.to_owned()),
        None => ("True", why::AS_WRITTEN, "it is known when it is on".to_owned()),
    };
    let all = world
        .applications()
        .flat_map(|(name, _)| world.all_promotions(name));
    let waiting = all
        .filter(|one| is_live(one) && one.status.phase == Phase::Waiting)
        .filter(|one| Case::of(world, one, now).is_ok_and(|case| closes(&case, name)));
    let mut conditions = window.object.status.conditions.clone();
    for (kind, said) in [(READY, ready), (FROZEN, frozen)] {
        condition::set(&mut conditions, Condition::of(kind, generation, said), now);
    }
    Some(FreezeWindowStatus {
        observed_generation: Some(generation),
        conditions,
        from: span.map(|span| time::seconds(span.from)),
        to: span.map(|span| time::seconds(span.to)),
        waiting: waiting.count().try_into().unwrap_or(u32::MAX),
    })
}

type Said = (&'static str, &'static str, String);

/// Whether artifacts can be promoted into a stage.
fn ready(world: &World, stage: &Object<Stage>) -> Said {
    if !is_reachable(world, stage) {
        let message = "what it comes after does not exist, or it comes after itself";
        return ("False", why::MISTAKES, message.to_owned());
    }
    let clusters: Vec<&String> = match &stage.spec.pair {
        None => stage.spec.clusters.iter().collect(),
        Some(name) => match world.pair(name) {
            Some(pair) => vec![&pair.spec.primary, &pair.spec.canary],
            None => {
                return (
                    "False",
                    why::NO_CLUSTER,
                    format!("there is no cluster pair {name}"),
                );
            }
        },
    };
    if let Some(message) = unknown(&stage.spec.gates.checks) {
        return ("False", why::MISTAKES, message);
    }
    if let Some((other, cluster)) = shares(world, (stage, &wanted(world, stage)), |other| {
        wanted(world, other)
    }) {
        let message =
            format!("the stage {other} has the cluster {cluster} too; give each stage clusters of its own");
        return ("False", why::MISTAKES, message);
    }
    let away = clusters.into_iter().find(|name| !answers(world, name));
    match away {
        Some(name) if world.cluster(name).is_none() => {
            ("False", why::NO_CLUSTER, format!("there is no cluster {name}"))
        }
        Some(name) => (
            "False",
            why::NO_CLUSTER,
            format!("the cluster {name} does not answer"),
        ),
        None => (
            "True",
            why::AS_WRITTEN,
            "artifacts can be promoted into it".to_owned(),
        ),
    }
}

/// Whether a window closes a stage for everybody.
fn frozen(world: &World, stage: &str, now: Timestamp) -> Said {
    let is_for_all = |(name, window): &(&Name, &Window)| {
        let spec = &window.object.spec;
        let is_its = spec.stages.is_empty() || spec.stages.iter().any(|one| one == stage);
        name.namespace == world.system_namespace() && spec.tenants.is_empty() && is_its
    };
    for (name, window) in world.windows().filter(is_for_all) {
        if window.mistake().is_some() {
            return ("True", why::FROZEN, format!("{name} can't be read, so it is on"));
        }
        if let Some(on) = window.on(now) {
            return ("True", why::FROZEN, format!("{name} is on until {}", on.to));
        }
    }
    ("False", why::NOT_FROZEN, "no window is on".to_owned())
}
