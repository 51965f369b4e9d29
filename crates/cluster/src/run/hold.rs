//! Who holds a release while it works on it: every write of its record, with the journal in it.
//!
//! A write says the `resourceVersion` that the last one was answered with. Whoever lost the hold is therefore refused at
//! its next write and stops; an older run never wins.

use std::future::Future;
use std::time::Duration;

use objects::meta;
use release::journal::{self, Journal, Step};
use release::storage::{self, Write};
use release::{Left, Record, Status};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::stored::{self, Stored};
use super::{Error, Options};
use crate::{At, Cluster, Patch, Resource, Why};

/// How often a renewal that failed is tried again until the hold is over.
const RENEW_AGAIN: Duration = Duration::from_secs(2);

/// A release that is held by this run.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    cluster: &'a Cluster,
    options: &'a Options,
    resource: Resource,
    namespace: String,
    /// The name of the record's object.
    name: String,
    /// The record's object as the last write left it; nothing before the first.
    stored: Value,
    journal: Journal,
    /// How the objects were left, for whoever uninstalls them.
    left: Left,
}

impl<'a> Held<'a> {
    /// Begins a new revision: its record is created, which only one run can.
    ///
    /// # Errors
    /// [`Error::Busy`] if somebody else began this revision first.
    pub(crate) async fn begin(
        cluster: &'a Cluster,
        options: &'a Options,
        record: &Record,
        step: Step,
    ) -> Result<Self, Error> {
        let mut held = Self {
            cluster,
            options,
            resource: stored::resource(cluster, options.driver).await?,
            namespace: record.namespace.clone(),
            name: storage::object_name(&record.name, record.revision),
            stored: Value::Null,
            journal: options.journal(step),
            left: Left::default(),
        };
        let mut object = storage::to_object(record, options.driver, Write::Create((options.now)()))?;
        held.journal.write(&mut object);
        match super::create(cluster, held.at(), &object).await {
            Ok(made) => held.stored = made,
            // There is nothing else in the path of a new Secret that could be missing.
            Err(error) if error.is(&Why::NotFound) => {
                return Err(Error::NoNamespace {
                    release: record.name.clone(),
                    namespace: record.namespace.clone(),
                });
            }
            Err(error) if error.is(&Why::Exists) => held.recognise().await?,
            Err(error) => return Err(error.into()),
        }
        Ok(held)
    }

    /// Takes a record that is there, as it was read: to go on with what another run began, or to uninstall it.
    ///
    /// # Errors
    /// [`Error::Busy`] if somebody else took it first.
    pub(crate) async fn take(
        cluster: &'a Cluster,
        options: &'a Options,
        stored: &Stored,
        (record, step): (&Record, Step),
    ) -> Result<Self, Error> {
        let mut held = Self {
            cluster,
            options,
            resource: stored::resource(cluster, stored.driver).await?,
            namespace: record.namespace.clone(),
            name: storage::object_name(&record.name, record.revision),
            stored: stored.object.clone(),
            journal: options.journal(step.clone()),
            left: Left::default(),
        };
        held.mark(record, step).await?;
        Ok(held)
    }

    /// Records that a step has begun, and with it that all before it are done.
    pub(crate) async fn mark(&mut self, record: &Record, step: Step) -> Result<(), Error> {
        self.journal = self.options.journal(step);
        let mut object = self.object(record)?;
        self.journal.write(&mut object);
        self.write(object).await
    }

    /// The last write: the record as it stays, without a journal.
    pub(crate) async fn finish(mut self, record: &Record) -> Result<(), Error> {
        let mut object = self.object(record)?;
        if record.info.status == Status::Deployed {
            self.left.write(&mut object);
        }
        self.write(object).await
    }

    /// Notes how the objects were left; the last write says it.
    pub(crate) fn leaves(&mut self, left: Left) {
        self.left = left;
    }

    /// The step that has begun.
    pub(crate) fn step(&self) -> Step {
        self.journal.step.clone()
    }

    /// Works while the hold is kept up.
    ///
    /// # Errors
    /// Those of the work, and [`Error::Lost`] when the hold can't be kept up: then the work is given up.
    pub(crate) async fn during<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        loop {
            let now = (self.options.now)();
            let left = Duration::try_from(self.journal.renew_at().duration_since(now)).unwrap_or_default();
            tokio::select! {
                done = &mut work => return done,
                () = sleep(left.max(RENEW_AGAIN)) => self.renew().await?,
            }
        }
    }

    /// Moves the end of the hold. A failure is tried again while the hold lasts.
    async fn renew(&mut self) -> Result<(), Error> {
        let renewed = self.options.journal(self.journal.step.clone());
        // Plain data: nothing in it can't be JSON.
        let text = serde_json::to_string(&renewed).unwrap_or_default();
        let patch = json!({"metadata": {
            "resourceVersion": meta::resource_version(&self.stored), "annotations": {journal::ANNOTATION: text}}});
        match self
            .cluster
            .patch(self.at(), Patch::Merge(&patch), stored::how())
            .await
        {
            Ok(stored) => {
                self.stored = stored;
                self.journal = renewed;
                Ok(())
            }
            Err(error) if error.is(&Why::Conflict) => self.recognise().await,
            Err(_) if (self.options.now)() < self.journal.until => Ok(()),
            Err(_) => Err(self.lost()),
        }
    }

    /// Writes over what the last write left, and nothing else.
    async fn write(&mut self, mut object: Value) -> Result<(), Error> {
        // An answer that was lost is found out by what is stored then; more than once in a row it is somebody else.
        for _ in 0..2 {
            match stored::write_over(self.cluster, self.at(), (&mut object, &self.stored)).await {
                Ok(stored) => {
                    self.stored = stored;
                    return Ok(());
                }
                Err(error) if error.is(&Why::Conflict) => self.recognise().await?,
                Err(error) => return Err(error.into()),
            }
            let is_written = self.stored.get("data") == object.get("data");
            if is_written && Journal::of(&self.stored) == Journal::of(&object) {
                return Ok(());
            }
        }
        Err(self.lost())
    }

    /// After a conflict: goes on if the stored record is still this run's, whose answer was lost.
    async fn recognise(&mut self) -> Result<(), Error> {
        let Some(stored) = self.cluster.get(self.at()).await? else {
            return Err(self.lost());
        };
        let holder = Journal::of(&stored).map(|journal| journal.holder);
        let is_last_write =
            holder.is_none() && !self.stored.is_null() && meta::uid(&stored) == meta::uid(&self.stored);
        if holder.as_ref() == Some(&self.journal.holder) || is_last_write {
            self.stored = stored;
            return Ok(());
        }
        Err(Error::Busy {
            name: self.name.clone(),
            holder: holder.unwrap_or_else(|| "helm".to_owned()),
        })
    }

    fn at(&self) -> At<'_> {
        self.resource.at(&self.namespace, &self.name)
    }

    fn object(&self, record: &Record) -> Result<Value, Error> {
        Ok(storage::to_object(
            record,
            self.options.driver,
            Write::Update((self.options.now)()),
        )?)
    }

    fn lost(&self) -> Error {
        Error::Lost {
            name: self.name.clone(),
        }
    }
}
