//! Which revision of a release is gone back to, from what its history says.
//!
//! ```text
//! Past (what the hub recorded) + History ──find──► a revision, or none: then it is rendered anew, or uninstalled
//! ```
//!
//! A number alone is not believed: a release that was uninstalled and made again counts from one. Every revision that a promotion
//! made says so in its description, and that is what is compared.

use delivery::{Action, Name, World};
use kinds::{Object, Phase, Promotion, StepState};
use model::Revision;
use release::{History, Status};

/// What is gone back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// The revision that the promotion made which brought it, with its description.
    pub(super) recorded: Option<(u32, String)>,
    /// Descriptions of revisions that put the same back already: a history that is full has lost the first one.
    pub(super) again: Vec<String>,
    /// How the description of any revision begins that has it; empty for whatever was there before all promotions.
    pub(super) begins: String,
    /// Descriptions of revisions that are not gone back to: of promotions that did not succeed.
    pub(super) never: Vec<String>,
}

/// What a revision's description says of the promotion that made it.
pub(super) fn note(action: Action, promotion: &Object<Promotion>) -> String {
    format!(
        "{}, promotion {}, turn {}",
        brings(action, &promotion.spec.artifact),
        promotion.metadata.name,
        promotion.status.turn
    )
}

fn brings(action: Action, artifact: &str) -> String {
    format!("{} {artifact}", action.as_str())
}

impl Past {
    /// An artifact as a promotion brought it to a cluster of a stage.
    pub(super) fn of(
        world: &World,
        (application, stage): (&Name, &str),
        (artifact, cluster): (&str, &str),
        brought: Option<&Object<Promotion>>,
    ) -> Self {
        let made = brought.and_then(|one| {
            let applied = one.status.steps.iter().filter(|step| {
                step.cluster == cluster
                    && step.name == Action::Apply.as_str()
                    && step.state == StepState::Done
            });
            let revision = applied.filter_map(|step| step.revision).next_back()?;
            Some((revision, note(Action::Apply, one)))
        });
        // Since what the stage has was brought, nothing else was put back.
        let current = world.current(application, stage);
        let is_there =
            brought.is_some_and(|one| current.is_some_and(|current| current.promotion == one.metadata.name));
        let turn = brought.map_or(u64::MAX, |one| one.status.turn);
        let since = world.promotions(application, stage);
        let since = since.filter(|one| is_there && one.status.turn > turn);
        Self {
            recorded: made,
            again: since.map(|one| note(Action::PutBack, one)).collect(),
            begins: format!("{}, promotion ", brings(Action::Apply, artifact)),
            ..Self::before(world, application, stage)
        }
    }

    /// What was there before any promotion that is known.
    pub(super) fn before(world: &World, application: &Name, stage: &str) -> Self {
        let all = world.promotions(application, stage);
        let begun = all.filter(|one| one.status.turn > 0 && one.status.phase != Phase::Succeeded);
        Self {
            never: begun.map(|one| note(Action::Apply, one)).collect(),
            ..Self::default()
        }
    }

    /// The revision to go back to, if the history has it.
    pub(super) fn find(&self, history: &History) -> Option<Revision> {
        let records = || history.records().iter().rev();
        let served = |status| matches!(status, Status::Deployed | Status::Superseded);
        let recorded = self.recorded.as_ref().and_then(|(revision, note)| {
            records().find(|one| {
                let is_it = one.revision.get() == *revision && one.info.description == *note;
                is_it && served(one.info.status)
            })
        });
        let again =
            || records().find(|one| served(one.info.status) && self.again.contains(&one.info.description));
        let found = recorded.or_else(again).or_else(|| {
            // What came before the release was taken away was not there any more.
            let mut since = records().take_while(|one| one.info.status != Status::Uninstalled);
            since.find(|one| {
                let words = &one.info.description;
                served(one.info.status) && words.starts_with(&self.begins) && !self.never.contains(words)
            })
        });
        found.map(|one| one.revision)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A history of revisions from 1 on: what became of each, and what it says.
    fn history(revisions: &[(Status, &str)]) -> History {
        let record = |(number, (status, words)): (usize, &(Status, &str))| {
            let info = json!({"status": status, "description": words});
            let record = json!({"name": "web", "version": number + 1, "info": info});
            serde_json::from_value(record).unwrap()
        };
        History::new("web", revisions.iter().enumerate().map(record).collect())
    }

    fn check(past: &Past, revisions: &[(Status, &str)], expected: Option<u32>) {
        let found = past.find(&history(revisions)).map(Revision::get);
        assert_eq!(found, expected, "{revisions:?}");
    }

    const OLD: Status = Status::Superseded;
    const LIVE: Status = Status::Deployed;
    const FAILED: Status = Status::Failed;
    const OURS: &str = "apply web-1.0.0, promotion web-1.0.0-prod, turn 1";

    #[test]
    fn what_was_live_before_the_first_promotion_is_gone_back_to() {
        let past = Past {
            never: vec![OURS.to_owned()],
            ..Past::default()
        };
        check(&past, &[], None);
        check(&past, &[(FAILED, OURS)], None);
        check(&past, &[(LIVE, OURS)], None);
        check(
            &past,
            &[
                (OLD, "Install complete"),
                (LIVE, "Upgrade complete"),
                (FAILED, OURS),
            ],
            Some(2),
        );
        check(&past, &[(OLD, "Install complete"), (LIVE, OURS)], Some(1));
        check(
            &past,
            &[
                (LIVE, "Install complete"),
                (FAILED, "Upgrade failed"),
                (FAILED, OURS),
            ],
            Some(1),
        );
        // A hub that was restored without statuses knows its own no more.
        let other = "apply web-0.9.0, promotion web-0.9.0-prod, turn 7";
        check(
            &past,
            &[(OLD, "Install complete"), (LIVE, other), (FAILED, OURS)],
            Some(2),
        );
        // Somebody took it away on purpose.
        let gone = (Status::Uninstalled, "Uninstallation complete");
        check(&past, &[(OLD, "Install complete"), gone, (FAILED, OURS)], None);
    }

    #[test]
    fn a_version_comes_back_as_it_was_brought_whatever_the_numbers() {
        let past = Past {
            recorded: Some((2, OURS.to_owned())),
            begins: "apply web-1.0.0, promotion ".to_owned(),
            never: vec!["apply web-1.0.0, promotion web-1.0.0-prod-3, turn 3".to_owned()],
            again: vec!["put back web-1.1.0, promotion web-1.1.0-prod, turn 2".to_owned()],
        };
        let next = "apply web-1.1.0, promotion web-1.1.0-prod, turn 2";
        check(&past, &[(OLD, "x"), (OLD, OURS), (LIVE, next)], Some(2));
        // The release was made anew: its second revision is something else.
        check(&past, &[(OLD, OURS), (LIVE, next)], Some(1));
        check(&past, &[(OLD, "x"), (LIVE, next)], None);
        check(&past, &[(OLD, "x"), (FAILED, OURS), (LIVE, next)], None);
        // The history was full: what was put back since is the same.
        let back = "put back web-1.1.0, promotion web-1.1.0-prod, turn 2";
        check(&past, &[(FAILED, next), (OLD, back), (FAILED, "x")], Some(2));
        // The same version with other values, which failed elsewhere.
        let again = "apply web-1.0.0, promotion web-1.0.0-prod-3, turn 3";
        check(&past, &[(OLD, OURS), (OLD, next), (LIVE, again)], Some(1));
    }
}
