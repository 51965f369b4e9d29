//! The gate `failure`: the same digest is not tried again where it failed, unless a person asks after the failure.

use jiff::Timestamp;
use kinds::{Application, Object, Phase, Promotion, Stage};

use super::{Case, Closed, Decision};
use crate::world::{Published, World, created, ended, has_failed, moment};
use crate::{Name, command, reason, settings_digest};

/// That a digest failed in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When, if that is still known.
    pub at: Option<Timestamp>,
    /// The promotion that failed, if it is still there.
    pub promotion: String,
}

pub(super) fn decide(case: &Case<'_>) -> Decision {
    if case.is_back() {
        return Decision::open();
    }
    let failure = failed_before(case.world, case.application, case.stage, case.artifact);
    let Some(failure) = failure.filter(|failure| failure.promotion != case.promotion.metadata.name) else {
        return Decision::open();
    };
    let (version, stage) = (case.artifact.version(), case.to());
    let asked = created(case.promotion);
    // A promotion without a time is one that is about to be made.
    let asked_after = asked.is_none_or(|asked| failure.at.is_none_or(|at| asked >= at));
    let who = case.whoever_may("deploy");
    match (case.is_automatic(), asked_after) {
        (false, true) => Decision::open_because(format!(
            "it failed before, and {} asks again",
            case.promotion.spec.by
        )),
        (true, _) => {
            let message = format!("{version} failed in {stage}; it is not tried again by itself");
            Closed::new(reason::FAILED_BEFORE, message)
                .since(failure.at)
                .opened_by(who, again(case, &failure))
                .refused()
        }
        (false, false) => {
            let message = format!("{version} failed in {stage} after this was asked for; ask again");
            Closed::new(reason::ASKED_BEFORE_FAILURE, message)
                .since(failure.at)
                .opened_by(who, again(case, &failure))
                .refused()
        }
    }
}

/// Whether a digest failed in a stage with what the application says of the stage now, and did not succeed there later.
#[must_use]
pub fn failed_before(
    world: &World,
    application: &Object<Application>,
    stage: &Object<Stage>,
    artifact: &Published,
) -> Option<Failure> {
    let (name, stage) = (Name::of(application), stage.metadata.name.as_str());
    let settings = settings_digest(application, stage);
    let is_same = |promotion: &&Object<Promotion>| {
        let other = world.artifact(&name, &promotion.spec.artifact);
        let is_artifact = promotion.spec.artifact == artifact.name();
        is_artifact || other.is_some_and(|other| other.digest() == artifact.digest())
    };
    let same = world.promotions(&name, stage).filter(is_same);
    let mut tried: Vec<&Object<Promotion>> = same
        .filter(|one| match one.status.phase {
            Phase::Failed | Phase::RolledBack | Phase::Succeeded => true,
            Phase::Superseded | Phase::Aborted => has_failed(one),
            Phase::Waiting | Phase::Running => false,
        })
        .collect();
    tried.sort_by_key(|one| ended(one));
    if let Some(last) = tried.last() {
        let status = &last.status;
        let counts = status.settings.is_empty() || status.settings == settings;
        return (status.phase != Phase::Succeeded && counts).then(|| Failure {
            at: moment(status.ended.as_ref()),
            promotion: last.metadata.name.clone(),
        });
    }
    let is_known = artifact.object.status.failed.iter().any(|failed| failed == stage);
    is_known.then(|| Failure {
        at: None,
        promotion: String::new(),
    })
}

fn again(case: &Case<'_>, failure: &Failure) -> String {
    match failure.promotion.as_str() {
        "" => command::promote(case.name, case.artifact.version(), case.to()),
        promotion => command::retry(&case.name.beside(promotion)),
    }
}
