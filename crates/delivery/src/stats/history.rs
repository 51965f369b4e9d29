//! The changes of production stages, as the hub's objects tell them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kinds::{Direction, Object, Phase, Promotion};
use objects::time;

use crate::Name;
use crate::world::{Published, World, first_step, has_begun, has_failed, moment};

/// A promotion forward into a production stage that began to be applied, and ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub application: Name,
    pub tenant: String,
    pub stage: String,
    /// The artifact, by name.
    pub artifact: String,
    /// When each version that came with it was committed, or published where that is not known: all that were published
    /// after what was there before, up to this.
    pub brought: Vec<Timestamp>,
    pub ended: Timestamp,
    /// Whether the artifact was in the stage then.
    pub succeeded: bool,
    pub ending: Ending,
}

/// Whether a change was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Good,
    /// It failed, or was taken back by a rollback.
    Bad {
        /// Since when: when it began to be applied, or of one that was taken back, when it had succeeded.
        from: Timestamp,
        /// When what was there before was back, or the next promotion had succeeded.
        restored: Option<Timestamp>,
    },
}

/// The history of the applications that are asked for, in these stages: by application, stage and time.
///
/// Guarantees: a stage that is named twice counts once, and nothing is gathered of an application that is not asked for.
#[must_use]
pub fn history(world: &World, stages: &[&str], is_asked: impl Fn(&Name) -> bool) -> Vec<Change> {
    let mut known = BTreeSet::new();
    let stages: Vec<&str> = stages
        .iter()
        .copied()
        .filter(|stage| known.insert(*stage))
        .collect();
    let mut all = Vec::new();
    for (application, _) in world.applications().filter(|(name, _)| is_asked(name)) {
        for stage in &stages {
            all.extend(changes(world, application, stage));
        }
    }
    all
}

fn changes(world: &World, application: &Name, stage: &str) -> Vec<Change> {
    let mut ended: Vec<(Timestamp, &Object<Promotion>)> = world
        .promotions(application, stage)
        .filter(|one| has_begun(one))
        .filter_map(|one| Some((moment(one.status.ended.as_ref())?, one)))
        .collect();
    ended.sort_by_key(|(at, one)| (*at, &one.metadata.name));
    let changes = ended.iter().enumerate().filter_map(|(at, (end, one))| {
        let later = ended.get(at + 1..).unwrap_or_default();
        let ending = ending(*end, one, later)?;
        let tenant = world.tenant_of(&application.namespace);
        Some(Change {
            application: application.clone(),
            tenant: tenant.map(|one| one.metadata.name.clone()).unwrap_or_default(),
            stage: stage.to_owned(),
            artifact: one.spec.artifact.clone(),
            brought: brought(world, application, one),
            ended: *end,
            succeeded: one.status.phase == Phase::Succeeded,
            ending,
        })
    });
    changes.collect()
}

/// How a change ended; `None` for a rollback, and for one that was stopped while nothing was wrong.
fn ending(
    end: Timestamp,
    promotion: &Object<Promotion>,
    later: &[(Timestamp, &Object<Promotion>)],
) -> Option<Ending> {
    if promotion.spec.direction == Direction::Back {
        return None;
    }
    let next_good = later.iter().find(|(_, one)| one.status.phase == Phase::Succeeded);
    let bad = |restored| {
        let from = first_step(promotion).unwrap_or(end);
        Some(Ending::Bad { from, restored })
    };
    let next = next_good.map(|(at, _)| *at);
    match promotion.status.phase {
        Phase::RolledBack => bad(Some(end)),
        Phase::Failed => bad(next),
        Phase::Succeeded => Some(match next_good {
            Some((at, back)) if takes_back(back, promotion) => Ending::Bad {
                from: end,
                restored: Some(*at),
            },
            _ => Ending::Good,
        }),
        Phase::Superseded | Phase::Aborted if has_failed(promotion) => bad(next),
        _ => None,
    }
}

fn takes_back(back: &Object<Promotion>, promotion: &Object<Promotion>) -> bool {
    back.spec.direction == Direction::Back && back.status.previous == promotion.spec.artifact
}

/// When what came with a promotion was made.
fn brought(world: &World, application: &Name, promotion: &Object<Promotion>) -> Vec<Timestamp> {
    let Some(artifact) = world.artifact(application, &promotion.spec.artifact) else {
        return Vec::new();
    };
    let before = world.artifact(application, &promotion.status.previous);
    let made = |one: &Published| {
        let committed = one.object.spec.origin.committed.as_deref();
        committed.and_then(time::parse).or(one.time())
    };
    let comes = |one: &&Published| match before {
        Some(before) => one.order <= artifact.order && one.order > before.order,
        // What a first version was made of is not known.
        None => one.order == artifact.order,
    };
    world
        .newest_first(application)
        .filter(comes)
        .filter_map(made)
        .collect()
}
