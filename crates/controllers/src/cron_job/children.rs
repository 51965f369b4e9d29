//! The Jobs of a CronJob: which run, which ended, which are old enough to go; and the CronJob's status, which says
//! so.

use jiff::Timestamp;
use objects::control::{Action, Event, Propagation};
use objects::{Key, Kind, World, meta, time};
use serde_json::{Map, Value, json};

use super::{Remark, SCHEDULED};
use crate::job::outcome;

/// A CronJob's Jobs and its status as it is to be.
#[derive(Debug)]
pub(super) struct Children<'a> {
    jobs: Vec<&'a Value>,
    active: Vec<Value>,
    pub last_schedule: Option<Timestamp>,
    last_success: Option<Timestamp>,
    /// Jobs that the status takes for running and that have ended, and how.
    ended: Vec<(&'a Value, &'static str)>,
    /// Jobs that somebody else made.
    unexpected: Vec<&'a Value>,
    /// The names of Jobs that the status takes for running and that are gone.
    missing: Vec<String>,
}

/// The name of the Job for a moment.
pub(super) fn job_name(cron: &str, moment: Timestamp) -> String {
    format!("{cron}-{}", moment.as_second().div_euclid(60))
}

impl<'a> Children<'a> {
    pub fn of(world: &'a World, key: &Key, cron: &'a Value) -> Self {
        const JOB: &Kind = &Kind::JOB;
        let at = |field: &str| time::parse(meta::text_at(cron, field));
        let mut children = Self {
            jobs: world.controlled(meta::uid(cron), JOB).map(|job| &**job).collect(),
            active: meta::list_at(cron, "/status/active").to_vec(),
            last_schedule: at("/status/lastScheduleTime"),
            last_success: at("/status/lastSuccessfulTime"),
            ended: Vec::new(),
            unexpected: Vec::new(),
            missing: Vec::new(),
        };
        for job in children.jobs.clone() {
            children.settle(key, job);
        }
        let there: Vec<&str> = children.jobs.iter().map(|job| meta::uid(job)).collect();
        let (active, gone) = children
            .active
            .into_iter()
            .partition(|one| there.contains(&meta::text(one, "uid")));
        children.active = active;
        children.missing = gone
            .iter()
            .map(|one| meta::text(one, "name").to_owned())
            .collect();
        children
    }

    /// Takes one Job into account.
    fn settle(&mut self, key: &Key, job: &'a Value) {
        let moment = meta::annotation(job, SCHEDULED).and_then(time::parse);
        // Made for a moment that the status has not heard of: made by us, just now or before we were killed.
        let moment = moment.filter(|moment| meta::name(job) == job_name(&key.name, *moment));
        let new = moment.is_some_and(|moment| self.last_schedule.is_none_or(|last| last < moment));
        let known = self
            .active
            .iter()
            .any(|one| meta::text(one, "uid") == meta::uid(job));
        if new {
            self.last_schedule = moment;
        }
        match outcome(job) {
            None if known || meta::is_deleted(job) => {}
            None if moment.is_some() => self.active.push(reference(job)),
            None => self.unexpected.push(job),
            Some(outcome) => {
                if known || new {
                    self.active.retain(|one| meta::text(one, "uid") != meta::uid(job));
                    self.ended.push((job, outcome));
                }
                if outcome == "Complete" {
                    let completed = time::parse(meta::text_at(job, "/status/completionTime"));
                    self.last_success = self.last_success.max(completed);
                }
            }
        }
    }

    pub fn has_active(&self) -> bool {
        !self.active.is_empty()
    }

    /// Tells what was found. What the next status no longer has is an action, said once; the rest is a remark.
    pub fn note_events(&self, key: &Key, actions: &mut Vec<Action>, remarks: &mut Vec<Remark>) {
        for job in &self.unexpected {
            let name = meta::name(job);
            let told = format!("Saw a job that the controller did not create or forgot: {name}");
            remarks.push((Event::warning(key, "UnexpectedJob", told), None));
        }
        for (job, outcome) in &self.ended {
            let told = format!("Saw completed job: {}, status: {outcome}", meta::name(job));
            actions.push(Action::Record(Event::normal(key, "SawCompletedJob", told)));
        }
        for name in &self.missing {
            let told = format!("Active job went missing: {name}");
            actions.push(Action::Record(Event::normal(key, "MissingJob", told)));
        }
    }

    /// Makes room for a new Job.
    pub fn delete_active(&mut self, key: &Key, actions: &mut Vec<Action>) {
        for one in std::mem::take(&mut self.active) {
            if let Some(job) = self
                .jobs
                .iter()
                .find(|job| meta::uid(job) == meta::text(&one, "uid"))
            {
                delete(key, job, actions);
            }
        }
    }

    /// Deletes the oldest Jobs of each outcome beyond the CronJob's limits.
    pub fn forget_oldest(&self, key: &Key, cron: &Value, actions: &mut Vec<Action>) {
        let limits = [
            ("Complete", "/spec/successfulJobsHistoryLimit"),
            ("Failed", "/spec/failedJobsHistoryLimit"),
        ];
        for (wanted, limit) in limits {
            let Some(limit) = meta::number_at(cron, limit) else {
                continue;
            };
            let ended = self
                .jobs
                .iter()
                .filter(|job| outcome(job) == Some(wanted) && !meta::is_deleted(job));
            let mut ended: Vec<&Value> = ended.copied().collect();
            ended.sort_by_key(|job| {
                let started = time::parse(meta::text_at(job, "/status/startTime"));
                (started.is_none(), started, meta::name(job).to_owned())
            });
            let excess = ended
                .len()
                .saturating_sub(usize::try_from(limit).unwrap_or_default());
            for job in &ended[..excess] {
                delete(key, job, actions);
            }
        }
    }

    /// The CronJob with its new status, if it is another than it has.
    pub fn write_status(&self, cron: &Value) -> Option<Value> {
        let mut status = Map::new();
        if !self.active.is_empty() {
            status.insert("active".to_owned(), json!(self.active));
        }
        for (field, at) in [
            ("lastScheduleTime", self.last_schedule),
            ("lastSuccessfulTime", self.last_success),
        ] {
            if let Some(at) = at {
                status.insert(field.to_owned(), json!(time::seconds(at)));
            }
        }
        let status = Value::Object(status);
        let old = cron.get("status").cloned().unwrap_or_else(|| json!({}));
        if old == status {
            return None;
        }
        let mut cron = cron.clone();
        cron["status"] = status;
        Some(cron)
    }
}

fn delete(key: &Key, job: &Value, actions: &mut Vec<Action>) {
    actions.push(Action::Delete {
        key: Key::of(Kind::JOB, job),
        uid: Some(meta::uid(job).to_owned()),
        grace: None,
        propagation: Some(Propagation::Background),
    });
    let told = format!("Deleted job {}", meta::name(job));
    actions.push(Action::Record(Event::normal(key, "SuccessfulDelete", told)));
}

fn reference(job: &Value) -> Value {
    json!({
        "kind": "Job",
        "namespace": meta::namespace(job),
        "name": meta::name(job),
        "uid": meta::uid(job),
        "apiVersion": "batch/v1",
        "resourceVersion": meta::resource_version(job),
    })
}
