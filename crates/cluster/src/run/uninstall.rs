//! Removing a release: hooks, its objects in Helm's order, and its records.

use std::collections::HashMap;

use chart::render::HookEvent;
use jiff::Timestamp;
use manifest::Object;
use objects::Key;
use release::journal::{self, Hold, Step};
use release::{Owner, Plan, Record, Status, plan_uninstall};
use serde_json::Value;
use tokio::time::Instant;

use super::hold::Held;
use super::hooks::{self, When};
use super::stored::Stored;
use super::wait::{self, Until};
use super::{Error, Inventory, Release, Work, apply, survey};

/// What was removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Uninstalled {
    pub record: Record,
    /// What was deleted.
    pub gone: Vec<Key>,
    /// What stays, because its policy says so.
    pub kept: Vec<Key>,
}

impl Release {
    /// Uninstalls the release. An uninstall that was interrupted is gone on with.
    ///
    /// # Errors
    /// Before anything is touched: [`Error::NoRelease`], [`Error::Braked`], [`Error::Held`]. After that, whatever failed: the
    /// record then says `uninstalling`, and the next uninstall goes on.
    pub async fn uninstall(&mut self, keep_history: bool) -> Result<Uninstalled, Error> {
        self.refresh().await?;
        self.settle(None).await?;
        let last = self.revisions.last().cloned().ok_or_else(|| self.none())?;
        if last.record.info.status == Status::Uninstalled {
            if keep_history {
                return Err(self.none());
            }
            self.purge().await?;
            return Ok(Uninstalled {
                record: last.record,
                gone: Vec::new(),
                kept: Vec::new(),
            });
        }
        let (plan, live) = self.plan_uninstall().await?;
        if self.options.brake.is_some() {
            release::check_uninstall(&self.name, &plan)?;
        }
        let step = resumed_at(&last).unwrap_or(Step::Before {
            done: 0,
            begun: false,
        });
        let mut record = last.record.clone();
        record.uninstalling((self.options.now)());
        let (cluster, options, watching) =
            (self.cluster.clone(), self.options.clone(), self.watching.clone());
        let work = Work {
            cluster: &cluster,
            watching: &watching,
            now: options.now,
            logs: options.logs,
            deadline: Instant::now() + options.timeout,
        };
        let mut held = Held::take(&cluster, &options, &last, (&record, step)).await?;
        if held.step() < Step::Objects && options.hooks {
            hooks::run(
                &work,
                &mut held,
                &mut record,
                (HookEvent::PreDelete, When::Before),
            )
            .await?;
        }
        if held.step() <= Step::Objects {
            let objects = async {
                let leaving = apply::prune(&work, &plan.prune, &live).await?;
                match options.wait {
                    Some(_) => wait::wait(&work, leaving, Until::Gone).await,
                    None => Ok(()),
                }
            };
            held.during(objects).await?;
        }
        if options.hooks {
            hooks::run(
                &work,
                &mut held,
                &mut record,
                (HookEvent::PostDelete, When::After),
            )
            .await?;
        }
        record.uninstalled(None);
        held.finish(&record).await?;
        if keep_history {
            self.supersede(&record).await?;
        } else {
            self.purge().await?;
        }
        Ok(Uninstalled {
            record,
            gone: plan.prune.into_iter().map(|prune| prune.key).collect(),
            kept: plan.kept,
        })
    }

    /// What an uninstall deletes and keeps.
    ///
    /// # Errors
    /// When the cluster or a record can't be read.
    pub(crate) async fn plan_uninstall(&self) -> Result<(Plan, HashMap<Key, Value>), Error> {
        let Inventory { mut previous, stray } = self.inventory()?;
        previous.extend(stray);
        let served = survey::served(&self.cluster, previous.iter()).await?;
        previous.retain(|object| served.scope(object).is_some());
        let mut objects = served.place(previous, &self.namespace).unwrap_or_default();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects.dedup_by(|a, b| a.key == b.key);
        let all: Vec<&Object> = objects.iter().collect();
        let live = survey::live(&self.cluster, &all, &[]).await?;
        let owner = Owner {
            release: &self.name,
            namespace: &self.namespace,
        };
        Ok((plan_uninstall(owner, objects, &live), live.objects))
    }

    /// Deletes every record, the newest last, so that whoever is killed here leaves one that says uninstalled.
    async fn purge(&self) -> Result<(), Error> {
        for stored in &self.revisions {
            stored.delete(&self.cluster).await?;
        }
        Ok(())
    }

    /// With the history kept, no earlier revision serves any more.
    async fn supersede(&self, record: &Record) -> Result<(), Error> {
        for old in &self.revisions {
            if old.record.info.status == Status::Deployed && old.record.revision != record.revision {
                let mut superseded = old.record.clone();
                superseded.superseded();
                old.update(&self.cluster, &superseded, (self.options.now)())
                    .await?;
            }
        }
        Ok(())
    }
}

/// Where an uninstall that was interrupted is gone on with.
fn resumed_at(last: &Stored) -> Option<Step> {
    if last.record.info.status != Status::Uninstalling {
        return None;
    }
    match journal::hold(&last.object, last.written(), Timestamp::MAX) {
        Hold::Abandoned(journal) => journal.map(|journal| journal.step),
        Hold::Held { .. } => None,
    }
}
