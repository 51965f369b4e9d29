//! The revisions of one release: which counts, which comes next, and which are given up.

use model::Revision;

use crate::error::Error;
use crate::record::{Record, Status};

/// How many revisions are kept unless told otherwise: `--history-max` of Helm.
pub const DEFAULT_LIMIT: usize = 10;

/// The revisions of one release, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    name: String,
    records: Vec<Record>,
}

/// Whether a release of this name can be installed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Vacancy<'a> {
    /// There is none.
    Free,
    /// The last one is over, uninstalled or failed: `install --replace` goes on counting from it. So does `upgrade
    /// --install` from one that was uninstalled; one that failed it upgrades.
    Over(&'a Record),
    Taken(&'a Record),
}

impl History {
    /// The history of the release `name`, from its records in any order.
    #[must_use]
    pub fn new(name: &str, mut records: Vec<Record>) -> Self {
        records.retain(|record| record.name == name);
        records.sort_by_key(|record| record.revision);
        Self {
            name: name.to_owned(),
            records,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The oldest first.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    #[must_use]
    pub fn last(&self) -> Option<&Record> {
        self.records.last()
    }

    #[must_use]
    pub fn get(&self, revision: Revision) -> Option<&Record> {
        self.records.iter().find(|record| record.revision == revision)
    }

    /// The newest revision that is deployed. Two runs at once may have left several.
    #[must_use]
    pub fn deployed(&self) -> Option<&Record> {
        self.all_deployed().last()
    }

    /// All that say they are deployed: a new revision supersedes each.
    pub fn all_deployed(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.with_status(&[Status::Deployed])
    }

    /// The newest revision that ever was live, which a failed upgrade goes back to.
    #[must_use]
    pub fn successful(&self) -> Option<&Record> {
        self.with_status(&[Status::Deployed, Status::Superseded]).last()
    }

    /// What an upgrade starts from: the deployed revision, or the last one if none is deployed and it failed or was
    /// superseded.
    ///
    /// # Errors
    /// [`Error::NothingDeployed`], also of a release that was uninstalled.
    pub fn current(&self) -> Result<&Record, Error> {
        let given_up = |record: &&Record| matches!(record.info.status, Status::Failed | Status::Superseded);
        self.deployed()
            .or_else(|| self.last().filter(given_up))
            .ok_or_else(|| Error::NothingDeployed {
                release: self.name.clone(),
            })
    }

    /// The number of the revision that comes next.
    ///
    /// # Errors
    /// [`Error::NoRevisionLeft`].
    pub fn next_revision(&self) -> Result<Revision, Error> {
        let Some(last) = self.last() else {
            return Ok(Revision::FIRST);
        };
        last.revision.next().ok_or_else(|| Error::NoRevisionLeft {
            release: self.name.clone(),
        })
    }

    /// What a rollback goes back to: that revision, and with `None` or 0 the one just before the last, whatever became
    /// of it.
    ///
    /// # Errors
    /// [`Error::NoSuchRevision`], also if the one before the last was given up; [`Error::NothingBefore`] if there never was
    /// one.
    pub fn rollback_target(&self, revision: Option<u32>) -> Result<&Record, Error> {
        let previous = || self.last().map_or(0, |last| last.revision.get() - 1);
        let wanted = revision.filter(|number| *number > 0).unwrap_or_else(previous);
        if wanted == 0 && !self.records.is_empty() {
            return Err(Error::NothingBefore {
                release: self.name.clone(),
            });
        }
        let found = self.records.iter().find(|record| record.revision.get() == wanted);
        found.ok_or_else(|| Error::NoSuchRevision {
            release: self.name.clone(),
            revision: wanted,
            revisions: self.records.iter().map(|record| record.revision).collect(),
        })
    }

    #[must_use]
    pub fn vacancy(&self) -> Vacancy<'_> {
        match self.last() {
            None => Vacancy::Free,
            Some(last) if matches!(last.info.status, Status::Uninstalled | Status::Failed) => {
                Vacancy::Over(last)
            }
            Some(last) => Vacancy::Taken(last),
        }
    }

    /// The revisions to delete so that with one more there are `limit`; 0 keeps all. The newest deployed one always
    /// stays.
    #[must_use]
    pub fn surplus(&self, limit: usize) -> Vec<&Record> {
        if limit == 0 {
            return Vec::new();
        }
        let deployed = self.deployed().map(|record| record.revision);
        let surplus = self.records.len().saturating_sub(limit - 1);
        let others = self
            .records
            .iter()
            .filter(|record| Some(record.revision) != deployed);
        others.take(surplus).collect()
    }

    fn with_status(&self, statuses: &[Status]) -> impl DoubleEndedIterator<Item = &Record> {
        self.records
            .iter()
            .filter(move |record| statuses.contains(&record.info.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Diagnose as _;
    use serde_json::json;

    fn history(revisions: &[(u32, Status)]) -> History {
        let records = revisions.iter().rev().map(|(revision, status)| {
            let record = json!({"name": "a", "version": revision, "info": {"status": status}});
            serde_json::from_value(record).expect("a record")
        });
        History::new("a", records.collect())
    }

    fn numbers<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<u32> {
        records.into_iter().map(|record| record.revision.get()).collect()
    }

    const OLD: Status = Status::Superseded;
    const LIVE: Status = Status::Deployed;
    const FAILED: Status = Status::Failed;

    #[test]
    fn upgrades_start_from_what_is_deployed() {
        let current = |revisions: &[(u32, Status)]| {
            history(revisions)
                .current()
                .ok()
                .map(|record| record.revision.get())
        };
        assert_eq!(current(&[(1, OLD), (2, LIVE)]), Some(2));
        assert_eq!(current(&[(1, OLD), (2, LIVE), (3, FAILED)]), Some(2));
        assert_eq!(current(&[(1, LIVE), (2, LIVE)]), Some(2));
        assert_eq!(current(&[(1, OLD), (2, FAILED)]), Some(2));
        assert_eq!(current(&[(1, Status::Uninstalled)]), None);
        assert_eq!(current(&[]), None);
    }

    #[test]
    fn revisions_count_on() {
        assert_eq!(history(&[]).next_revision().ok(), Some(Revision::FIRST));
        assert_eq!(
            history(&[(3, FAILED), (7, LIVE)])
                .next_revision()
                .ok()
                .map(Revision::get),
            Some(8)
        );
        let error = history(&[(u32::MAX, LIVE)])
            .next_revision()
            .expect_err("it was the last");
        assert_eq!(error.code().id, "SW0509");
    }

    #[test]
    fn back_means_to_the_number_before_the_last() {
        let target = |revisions: &[(u32, Status)], to| match history(revisions).rollback_target(to) {
            Ok(record) => record.revision.to_string(),
            Err(error) => error.to_string(),
        };
        let revisions = [(2, OLD), (3, FAILED), (4, LIVE)];
        assert_eq!(target(&revisions, None), "3");
        assert_eq!(target(&revisions, Some(0)), "3");
        assert_eq!(target(&revisions, Some(2)), "2");
        assert_eq!(
            target(&revisions, Some(1)),
            "release a has no revision 1; it has 2, 3, 4"
        );
        assert_eq!(
            target(&[(4, LIVE)], None),
            "release a has no revision 3; it has 4"
        );
        assert_eq!(
            target(&[(1, LIVE)], None),
            "release a has only had its first revision, and there is none before it to go back to"
        );
        assert_eq!(target(&[], None), "release a has no revision 0; it has none");
    }

    #[test]
    fn the_oldest_are_given_up_and_the_deployed_one_is_kept() {
        let surplus = |revisions: &[(u32, Status)], limit| numbers(history(revisions).surplus(limit));
        let revisions = [(1, OLD), (2, LIVE), (3, FAILED), (4, FAILED)];
        assert_eq!(surplus(&revisions, 5), [0; 0]);
        assert_eq!(surplus(&revisions, 4), [1]);
        assert_eq!(surplus(&revisions, 3), [1, 3]);
        assert_eq!(surplus(&revisions, 1), [1, 3, 4]);
        assert_eq!(surplus(&revisions, 0), [0; 0]);
        assert_eq!(surplus(&[(1, OLD), (2, OLD)], 1), [1, 2]);
    }

    #[test]
    fn a_failed_upgrade_goes_back_to_what_once_was_live() {
        let revisions = [(1, OLD), (2, FAILED), (3, FAILED)];
        assert_eq!(numbers(history(&revisions).successful()), [1]);
        assert_eq!(numbers(history(&[(1, FAILED)]).successful()), [0; 0]);
    }

    #[test]
    fn names_are_free_again_when_it_is_over() {
        assert_eq!(history(&[]).vacancy(), Vacancy::Free);
        assert!(matches!(
            history(&[(1, OLD), (2, LIVE)]).vacancy(),
            Vacancy::Taken(_)
        ));
        assert!(matches!(
            history(&[(1, Status::PendingInstall)]).vacancy(),
            Vacancy::Taken(_)
        ));
        for over in [FAILED, Status::Uninstalled] {
            assert!(matches!(
                history(&[(1, LIVE), (2, over)]).vacancy(),
                Vacancy::Over(_)
            ));
        }
    }
}
