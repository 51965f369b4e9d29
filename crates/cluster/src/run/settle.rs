//! What became of the last operation: somebody is at it, or it was interrupted and is repaired.
//!
//! Whoever wants the same as the interrupted run goes on with it; for anybody else its revision counts as failed.

use release::history::Vacancy;
use release::journal::{Journal, Step};
use release::{Record, Status};

use super::stored::Stored;
use super::turn::Turn;
use super::watching::Progress;
use super::{Error, Interrupted, Operation, Release, Wanted};

/// How the description of an interrupted revision begins.
const INTERRUPTED: &str = "Interrupted while";

impl Release {
    /// Sees what became of the last operation: waits for one that goes on, repairs one that was interrupted.
    ///
    /// With the target of the interrupted one wanted again, gives its record and step to go on from.
    pub(super) async fn settle(&mut self, wanted: Option<&Wanted>) -> Result<Option<(Stored, Step)>, Error> {
        match self.turn().await? {
            Turn::Free => Ok(None),
            Turn::Abandoned(journal) => self.repair(wanted, journal).await,
        }
    }

    /// Repairs what was left by a run that is no more.
    async fn repair(
        &mut self,
        wanted: Option<&Wanted>,
        journal: Option<Journal>,
    ) -> Result<Option<(Stored, Step)>, Error> {
        let Some(last) = self.revisions.last().cloned() else {
            return Ok(None);
        };
        if last.record.info.status == Status::Uninstalling {
            return match wanted {
                None => Ok(None),
                Some(_) => Err(Error::Uninstalling {
                    release: self.name.clone(),
                }),
            };
        }
        let resumes = self.options.interrupted == Interrupted::Resume;
        if let (Some(journal), Some(wanted), true) = (journal, wanted, resumes)
            && is_same(&last.record, &wanted.record)
            && last.record.info.status == wanted.operation.pending()
        {
            let note = format!(
                "revision {} was interrupted; going on with it",
                last.record.revision
            );
            self.watching.tell(Progress::Note(note));
            return Ok(Some((last, journal.step)));
        }
        let note = format!(
            "revision {} was interrupted; it counts as failed",
            last.record.revision
        );
        self.watching.tell(Progress::Note(note));
        let mut record = last.record.clone();
        record.info.description = format!("{INTERRUPTED} {}", record.info.status);
        record.info.status = Status::Failed;
        last.update(&self.cluster, &record, (self.options.now)()).await?;
        self.reload().await?;
        if self.options.interrupted == Interrupted::RollBack
            && wanted.is_some()
            && let Some(deployed) = self.history.deployed().map(|record| record.revision)
        {
            self.roll_back(deployed).await?;
            self.reload().await?;
        }
        Ok(None)
    }

    /// Whether the operation fits what there is, as Helm has it.
    pub(super) fn check_name(&self, wanted: &Wanted, is_resumed: bool) -> Result<(), Error> {
        match (wanted.operation, self.history.vacancy()) {
            _ if is_resumed => Ok(()),
            (Operation::Install, Vacancy::Free) => Ok(()),
            (Operation::Install, Vacancy::Over(last)) if self.is_replaced(last) => Ok(()),
            (Operation::Install, Vacancy::Over(last) | Vacancy::Taken(last)) => Err(Error::NameInUse {
                release: self.name.clone(),
                status: last.info.status,
            }),
            (Operation::Upgrade | Operation::Rollback, Vacancy::Free) => Err(self.none()),
            (Operation::Upgrade, _) => Ok(self.history.current().map(drop)?),
            (Operation::Rollback, _) => Ok(()),
        }
    }

    /// Whether an install may take the name of one that is over: when it is asked to, or when it is over because it was
    /// interrupted before it ever served.
    fn is_replaced(&self, last: &Record) -> bool {
        let was_interrupted =
            last.info.description.starts_with(INTERRUPTED) && self.history.successful().is_none();
        self.options.replace || was_interrupted
    }
}

/// Whether two records want the same of the cluster.
fn is_same(one: &Record, other: &Record) -> bool {
    let hooks =
        |record: &Record| -> Vec<String> { record.hooks.iter().map(|hook| hook.manifest.clone()).collect() };
    one.manifest == other.manifest && one.config == other.config && hooks(one) == hooks(other)
}
