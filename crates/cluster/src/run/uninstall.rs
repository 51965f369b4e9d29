//! Removing a release: hooks, its objects in Helm's order, and its records.

use std::collections::HashMap;

use chart::render::HookEvent;
use jiff::Timestamp;
use manifest::Object;
use objects::Key;
use release::journal::{self, Hold, Step};
use release::{Left, Owner, Plan, Record, Status, plan_uninstall};
use serde_json::Value;

use super::hold::Held;
use super::hooks::{self, When};
use super::stored::{self, Stored};
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

/// What an uninstall does, with what that was made from.
pub(super) struct Leaving {
    pub(super) plan: Plan,
    live: HashMap<Key, Value>,
    objects: Vec<Object>,
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
        let mut leaving = self.leaving(&self.left(&last)).await?;
        self.keep(&mut leaving.plan);
        if self.options.brake.is_some() {
            release::check_uninstall(&self.name, &leaving.plan)?;
        }
        let step = resumed_at(&last).unwrap_or(Step::Before {
            done: 0,
            begun: false,
        });
        let mut record = last.record.clone();
        record.uninstalling((self.options.now)());
        let (cluster, options, watching) =
            (self.cluster.clone(), self.options.clone(), self.watching.clone());
        let work = Work::new(&cluster, &options, &watching);
        let mut held = Held::take(&cluster, &options, &last, (&record, step)).await?;
        let events = [
            (HookEvent::PreDelete, When::Before),
            (HookEvent::PostDelete, When::After),
        ];
        if held.step() < Step::Objects && options.hooks {
            hooks::run(&work, &mut held, &mut record, events[0]).await?;
        }
        let mut done = Uninstalled {
            record: Record::clone(&record),
            gone: Vec::new(),
            kept: Vec::new(),
        };
        if held.step() <= Step::Objects {
            held.during(self.remove(&work, leaving, &mut done)).await?;
        }
        if options.hooks {
            hooks::run(&work, &mut held, &mut record, events[1]).await?;
        }
        record.uninstalled(None);
        // Records that go right after need not say so, unless that is all there is to say that the hooks have run.
        let have_hooks_run = options.hooks && !hooks::order(&record, HookEvent::PostDelete).is_empty();
        if keep_history || have_hooks_run {
            held.finish(&record).await?;
        }
        if keep_history {
            self.supersede(None, record.revision).await?;
        } else {
            self.purge().await?;
        }
        Ok(Uninstalled { record, ..done })
    }

    /// Deletes the objects. Those that somebody has touched since the release left them are looked at, and go if they
    /// are the release's still.
    async fn remove(&self, work: &Work<'_>, leaving: Leaving, done: &mut Uninstalled) -> Result<(), Error> {
        let Leaving { plan, live, objects } = leaving;
        let mut pruned = apply::prune(work, &plan.prune, &live).await?;
        done.kept = plan.kept;
        if !pruned.touched.is_empty() {
            let is_touched = |object: &Object| pruned.touched.contains(&object.key);
            let touched = objects.into_iter().filter(is_touched).collect();
            let mut again = self.look_at(touched, &Left::default()).await?;
            self.keep(&mut again.plan);
            let more = apply::prune(work, &again.plan.prune, &again.live).await?;
            pruned.leaving.extend(more.leaving);
            done.kept.extend(again.plan.kept);
        }
        done.gone = pruned.leaving.iter().map(|one| one.key.clone()).collect();
        match work.options.wait {
            Some(_) => wait::wait(work, pruned.leaving, Until::Gone).await,
            None => Ok(()),
        }
    }

    /// What an uninstall deletes and keeps. What is as it was `left` is not looked at.
    ///
    /// # Errors
    /// When the cluster or a record can't be read.
    pub(super) async fn leaving(&self, left: &Left) -> Result<Leaving, Error> {
        let Inventory { mut previous, stray } = self.inventory()?;
        previous.extend(stray);
        let served = survey::served(&self.cluster, previous.iter()).await?;
        let mut objects = served.place_what_is_left(previous, &self.namespace);
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects.dedup_by(|a, b| a.key == b.key);
        self.look_at(objects, left).await
    }

    async fn look_at(&self, objects: Vec<Object>, left: &Left) -> Result<Leaving, Error> {
        let unknown: Vec<&Object> = objects
            .iter()
            .filter(|object| left.find(&object.key).is_none())
            .collect();
        let live = survey::live(&self.cluster, &unknown, &[]).await?;
        let owner = Owner {
            release: &self.name,
            namespace: &self.namespace,
        };
        Ok(Leaving {
            plan: plan_uninstall(owner, objects.clone(), &live, left),
            live: live.objects,
            objects,
        })
    }

    /// How the last revision left its objects, if it was the last to touch them.
    fn left(&self, last: &Stored) -> Left {
        match last.record.info.status {
            Status::Deployed => Left::read(&last.object),
            _ => Left::default(),
        }
    }

    /// Deletes every record, the newest last, so that whoever is killed here leaves one that says what became of the
    /// release.
    async fn purge(&self) -> Result<(), Error> {
        let Some((newest, older)) = self.revisions.split_last() else {
            return Ok(());
        };
        let older: Vec<&Stored> = older.iter().collect();
        stored::delete_all(&self.cluster, &older).await?;
        newest.delete(&self.cluster).await
    }
}

/// Where an uninstall that was interrupted is gone on with.
fn resumed_at(last: &Stored) -> Option<Step> {
    if last.record.info.status != Status::Uninstalling {
        return None;
    }
    match journal::hold(&last.object, last.written(), Timestamp::MAX, |_| true) {
        Hold::Abandoned(journal) => journal.map(|journal| journal.step),
        Hold::Held { .. } => None,
    }
}
