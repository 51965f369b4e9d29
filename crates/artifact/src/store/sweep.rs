//! Looking at all of a store: what is there, what may go, what a stop left.
//!
//! A version that goes is first copied to `gone/`, so that its name keeps its content for ever; then its statement is
//! deleted and it is no version any more; then the index forgets it, and only then its package goes. So an index never
//! names a package that is not there.

use std::collections::BTreeMap;

use super::Store;
use crate::error::Error;
use crate::name::{self, Name};
use crate::objects::Content;
use crate::package::MAX_PACKAGE;
use crate::retain::{Plan, Stored, Version};
use crate::statement::MAX_STATEMENT;

use super::indexing::Indexed;

/// What is in a store, and what is wrong there.
#[derive(Debug)]
pub struct Swept {
    pub stored: Stored,
    /// Names whose statement is none, with the reason.
    pub unreadable: Vec<(Name, Error)>,
    /// Published versions without a package. Publishing the same again brings it back.
    pub without_package: Vec<Name>,
}

/// What was deleted.
#[derive(Debug)]
pub struct Removed {
    pub versions: usize,
    pub evidence: usize,
    pub halves: usize,
    pub index: Indexed,
}

impl Store {
    /// Reads everything there is to know of a store, for [`crate::retain::plan`].
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let listed = self.objects.list(name::CHARTS).await?;
        let mut packages: BTreeMap<Name, jiff::Timestamp> = listed
            .iter()
            .filter_map(|object| Some((Name::of_package(&object.key)?, object.modified)))
            .collect();
        let names = listed.iter().filter_map(|object| Name::of_statement(&object.key));
        let mut swept = Swept {
            stored: Stored::default(),
            unreadable: Vec::new(),
            without_package: Vec::new(),
        };
        for (name, said) in self.list(names).await? {
            if packages.remove(&name).is_none() {
                swept.without_package.push(name.clone());
            }
            match said {
                Ok(statement) => swept.stored.versions.push(Version {
                    name,
                    chart: statement.chart,
                    digest: statement.digest,
                    time: statement.time,
                    evidence: statement.verification.and_then(|verified| verified.evidence),
                }),
                Err(error) => swept.unreadable.push((name, error)),
            }
        }
        swept.stored.halves = packages.into_iter().collect();
        let evidence = self.objects.list(name::EVIDENCE).await?;
        swept.stored.evidence = evidence
            .iter()
            .filter_map(|object| Some((name::of_evidence(&object.key)?, object.modified)))
            .collect();
        Ok(swept)
    }

    /// Deletes what a plan says. Stopped anywhere, the next sweep and plan go on.
    pub async fn remove(&self, plan: &Plan) -> Result<Removed, Error> {
        self.objects.check_conditions().await?;
        for name in &plan.versions {
            self.withdraw(name).await?;
        }
        let index = self.index().await?;
        for name in plan.versions.iter().chain(&plan.halves) {
            self.delete_half(name).await?;
        }
        for digest in &plan.evidence {
            self.objects.delete(&name::evidence_key(digest)).await?;
        }
        Ok(Removed {
            versions: plan.versions.len(),
            evidence: plan.evidence.len(),
            halves: plan.halves.len(),
            index,
        })
    }

    /// Makes a version none.
    async fn withdraw(&self, name: &Name) -> Result<(), Error> {
        let key = name.statement_key();
        let Some(Content { bytes, .. }) = self.objects.get(&key, MAX_STATEMENT).await? else {
            return Ok(());
        };
        // If it was deleted and published before, what is kept of it has the same content.
        self.objects.create(&name.gone_key(), bytes).await?;
        self.objects.delete(&key).await
    }

    /// Deletes a package that has no statement. Whoever publishes it meanwhile looks for it after his statement is there,
    /// and this looks for a statement after the package is gone: so one of the two brings it back.
    async fn delete_half(&self, name: &Name) -> Result<(), Error> {
        let key = name.package_key();
        let Some(Content { bytes, .. }) = self.objects.get(&key, MAX_PACKAGE).await? else {
            return Ok(());
        };
        if self.find(name).await?.is_some() {
            return Ok(());
        }
        self.objects.delete(&key).await?;
        if self.find(name).await?.is_some() {
            self.objects.create(&key, bytes).await?;
        }
        Ok(())
    }
}
