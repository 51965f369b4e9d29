//! The end of an operation: the new revision serves, or it failed and the release goes back.

use model::Revision;
use release::{Record, Status};

use super::hold::Held;
use super::stored::{self, Stored};
use super::watching::Progress;
use super::{Error, OnFailure, Operation, Release, Wanted};

impl Release {
    /// The last writes: the new revision serves, the old ones are superseded, and the oldest go.
    ///
    /// In this order, so that whoever is killed here leaves two deployed revisions, of which the newer counts, and never
    /// none.
    pub(super) async fn finish(&mut self, held: Held<'_>, wanted: Wanted) -> Result<Record, Error> {
        let Wanted {
            operation,
            mut record,
            description,
            crds: _,
        } = wanted;
        record.deployed(description.as_deref());
        held.finish(&record).await?;
        // It serves by now: what is left to do does not make it fail, and is done by the next operation if it can't be now.
        if let Err(error) = self.put_aside(Some(operation), record.revision).await {
            self.watching.tell(Progress::Note(format!(
                "older revisions could not be put aside: {error}"
            )));
        }
        Ok(record)
    }

    /// Does what is left to do of an operation that was killed when its revision served already.
    ///
    /// # Errors
    /// When a record can't be written.
    pub async fn tidy(&self) -> Result<(), Error> {
        match self.history.deployed().map(|record| record.revision) {
            Some(newest) => self.put_aside(None, newest).await,
            None => Ok(()),
        }
    }

    /// Supersedes the revisions that served before, and deletes the oldest.
    async fn put_aside(&self, operation: Option<Operation>, newest: Revision) -> Result<(), Error> {
        self.supersede(operation, newest).await?;
        // The new one counts as deployed by now, so an old one may go that was.
        let surplus: Vec<Revision> = self
            .history
            .surplus(self.options.history_max)
            .iter()
            .map(|old| old.revision)
            .collect();
        let is_surplus = |old: &&Stored| surplus.contains(&old.record.revision);
        let surplus: Vec<&Stored> = self.revisions.iter().filter(is_surplus).collect();
        stored::delete_all(&self.cluster, &surplus).await
    }

    /// Rewrites the revisions that no longer serve, now that the newest does; or that nothing does, with no operation.
    pub(super) async fn supersede(
        &self,
        operation: Option<Operation>,
        newest: Revision,
    ) -> Result<(), Error> {
        let now = (self.options.now)();
        for old in &self.revisions {
            if let Some(over) = self.given_up(&old.record, operation, newest) {
                old.update(&self.cluster, &over, now).await?;
            }
        }
        Ok(())
    }

    /// What an earlier revision becomes now that a newer one serves; `None` if it stays as it is. An upgrade supersedes
    /// what it started from even if that had failed, and an install what it took the name of, as Helm's do: helm would
    /// otherwise take the release for one that is over.
    fn given_up(&self, old: &Record, operation: Option<Operation>, newest: Revision) -> Option<Record> {
        if old.revision >= newest {
            return None;
        }
        let is_last = !self
            .history
            .records()
            .iter()
            .any(|record| old.revision < record.revision && record.revision < newest);
        let mut over = old.clone();
        match (operation, old.info.status) {
            (_, Status::Deployed) => over.superseded(),
            (Some(Operation::Install), Status::Failed | Status::Uninstalled) if is_last => over.replaced(),
            (Some(Operation::Upgrade), Status::Failed) if is_last && self.history.deployed().is_none() => {
                over.superseded();
            }
            _ => return None,
        }
        Some(over)
    }

    /// Records a failure and does what the policy says.
    pub(super) async fn fail(&mut self, held: Held<'_>, wanted: Wanted, error: Error) -> Error {
        if error.is_lost() {
            return error;
        }
        let Wanted {
            operation,
            mut record,
            ..
        } = wanted;
        let error = error.explained(&self.cluster).await;
        record.failed(&error.line());
        if let Err(unrecorded) = held.finish(&record).await {
            return Error::Unrecorded {
                error: Box::new(error),
                unrecorded: Box::new(unrecorded),
            };
        }
        if self.options.on_failure == OnFailure::Leave {
            return error;
        }
        let back = self.go_back(operation).await;
        Error::WentBack {
            error: Box::new(error),
            outcome: back.map_err(Box::new),
        }
    }

    /// Puts everything back to the revision that served, or removes what was never installed.
    async fn go_back(&mut self, operation: Operation) -> Result<String, Error> {
        self.reload().await?;
        self.options.on_failure = OnFailure::Leave;
        // What is put back was there before: there is nothing to be asked.
        self.options.brake = None;
        self.options.force_conflicts = true;
        let deployed = self.history.deployed().map(|record| record.revision);
        match (operation, deployed) {
            (Operation::Rollback, _) => Ok("a rollback is not rolled back".to_owned()),
            (_, Some(revision)) => {
                self.roll_back(revision).await?;
                Ok(format!("it is back at what revision {revision} was"))
            }
            (_, None) => {
                self.uninstall(false).await?;
                Ok("it is uninstalled".to_owned())
            }
        }
    }

    pub(super) async fn roll_back(&mut self, to: Revision) -> Result<(), Error> {
        let wanted = self.wanted_back(Some(to.get()))?;
        // It calls itself, and that once: a rollback is not rolled back, and the release is settled by now.
        Box::pin(self.deploy(wanted)).await?;
        Ok(())
    }
}
