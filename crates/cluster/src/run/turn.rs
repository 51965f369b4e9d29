//! Whose turn it is on a release: waiting while another run is at work, and letting go when this one is stopped.
//!
//! It does not repair what an interrupted run left; that is part of the next operation.

use release::journal::{self, Hold, Journal};
use release::{Record, Status};
use serde_json::json;
use tokio::time::Instant;

use super::watching::Progress;
use super::{Error, Release, WhenHeld, stored};
use crate::Patch;

/// What the last operation left, when nobody is at work any more.
pub(super) enum Turn {
    /// It came to its end.
    Free,
    /// It was interrupted; with its journal if it was ours.
    Abandoned(Option<Journal>),
}

impl Release {
    /// Waits until nobody else is at work on the release, or refuses, by the policy [`WhenHeld`].
    ///
    /// Guarantees: the history is then as the other run left it, so that what is made from it (kept values, the number
    /// of the revision) is not overtaken by it.
    ///
    /// # Errors
    /// [`Error::Held`], and those of reading.
    pub async fn until_free(&mut self) -> Result<(), Error> {
        self.turn().await.map(drop)
    }

    /// What an upgrade starts from. Assumes that nobody is at work: what is pending was interrupted, and counts as
    /// failed.
    ///
    /// # Errors
    /// When there is nothing to upgrade.
    pub fn current(&self) -> Result<&Record, Error> {
        let last = self.history.last().ok_or_else(|| self.none())?;
        match last.info.status {
            Status::Uninstalling => Err(Error::Uninstalling {
                release: self.name.clone(),
            }),
            status if status.is_pending() => Ok(self.history.deployed().unwrap_or(last)),
            _ => Ok(self.history.current()?),
        }
    }

    /// Whether all there is of the release is a first install that never came to its end.
    #[must_use]
    pub fn is_unborn(&self) -> bool {
        let last = self.history.last();
        last.is_some_and(|last| last.info.status == Status::PendingInstall)
            && self.history.successful().is_none()
    }

    /// Ends the hold of this run, whose operation was dropped, so that the next run need not wait for its end. Says
    /// whether the operation had begun.
    ///
    /// # Errors
    /// When the record can't be read or written; the hold then ends with its time.
    pub async fn let_go(&mut self) -> Result<bool, Error> {
        self.reload().await?;
        let Some(last) = self.revisions.last() else {
            return Ok(false);
        };
        let ours = Journal::of(&last.object).filter(|journal| journal.holder == self.options.holder);
        let Some(mut journal) = ours else {
            return Ok(false);
        };
        journal.until = (self.options.now)();
        let mut patch =
            json!({"metadata": {"resourceVersion": objects::meta::resource_version(&last.object)}});
        journal.write(&mut patch);
        let resource = stored::resource(&self.cluster, last.driver).await?;
        let at = resource.at(&self.namespace, objects::meta::name(&last.object));
        self.cluster
            .patch(at, Patch::Merge(&patch), stored::how())
            .await?;
        Ok(true)
    }

    /// Waits for a run that goes on, and says what the last one left.
    pub(super) async fn turn(&mut self) -> Result<Turn, Error> {
        let give_up = Instant::now() + self.options.timeout;
        loop {
            let Some(last) = self.revisions.last() else {
                return Ok(Turn::Free);
            };
            let status = last.record.info.status;
            if !status.is_pending() && status != Status::Uninstalling {
                return Ok(Turn::Free);
            }
            let now = (self.options.now)();
            let (holder, until) = match journal::hold(&last.object, last.written(), now, |process| {
                self.options.knows_gone(process)
            }) {
                Hold::Held { holder, until } => (holder, until),
                Hold::Abandoned(journal) => return Ok(Turn::Abandoned(journal)),
            };
            let error = Error::Held {
                release: self.name.clone(),
                status,
                holder,
                until,
            };
            if self.options.when_held == WhenHeld::Refuse || Instant::now() >= give_up {
                return Err(error);
            }
            self.watching
                .tell(Progress::Note(format!("{error}; waiting for it")));
            stored::until_changed(&self.cluster, last, (until, now), give_up).await?;
            self.reload().await?;
        }
    }
}
