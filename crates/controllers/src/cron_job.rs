//! CronJobs: a Job at every moment of a schedule.
//!
//! ```text
//! CronJob, its Jobs ──► settle: what runs, what ended ──► due moment ──► Job ──► old Jobs go
//! ```
//!
//! A Job's name says its moment, so that no moment gets two. Which Job was made for which moment is read from the
//! Jobs themselves: a process that is killed between making a Job and writing it down finds it again.

mod children;
mod missed;
mod schedule;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::{Value, json};

use children::Children;
use missed::Missed;
pub use schedule::{Schedule, find_zone};

use crate::claim;
use crate::refusal::{self, Meaning};

/// When a moment has come is looked at a little later: clocks differ.
const LATER: SignedDuration = SignedDuration::from_millis(100);
/// The moment that a Job was made for, in its CronJob's time zone.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// The CronJob controller.
#[derive(Debug, Default)]
pub struct CronJobs {
    /// What was last said about each CronJob, so that looking again does not say it again.
    said: HashMap<Key, Vec<String>>,
}

/// An event, and the moment of the schedule that it is about.
type Remark = (Event, Option<Timestamp>);

/// A CronJob and what is to happen to it.
struct Pass<'a> {
    world: &'a World,
    key: &'a Key,
    cron: &'a Value,
    now: Timestamp,
    children: Children<'a>,
    actions: Vec<Action>,
    /// What is worth saying once, as long as it lasts.
    remarks: Vec<Remark>,
    again: Option<Timestamp>,
}

impl Loop for CronJobs {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:cronjob-controller",
            manager: "kube-controller-manager",
            component: "cronjob-controller",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::CRON_JOB {
            keys.push(change.key.clone());
        } else if change.key.kind == Kind::JOB {
            claim::touch_owners(change, &Kind::CRON_JOB, keys);
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(cron) = world.get(key) else {
            self.said.remove(key);
            return Plan::nothing();
        };
        let mut pass = Pass {
            world,
            key,
            cron,
            now,
            children: Children::of(world, key, cron),
            actions: Vec::new(),
            remarks: Vec::new(),
            again: None,
        };
        pass.run();
        let mut plan = Plan {
            actions: pass.actions,
            again: pass.again,
        };
        let said: Vec<String> = pass
            .remarks
            .iter()
            .map(|(one, moment)| format!("{} {moment:?} {}", one.reason, one.message))
            .collect();
        let before = self.said.insert(key.clone(), said.clone()).unwrap_or_default();
        let new = pass
            .remarks
            .into_iter()
            .zip(said)
            .filter(|(_, said)| !before.contains(said));
        plan.actions
            .splice(0..0, new.map(|((event, _), _)| Action::Record(event)));
        plan
    }

    fn refused(&mut self, _world: &World, key: &Key, refusal: &Refusal<'_>, _now: Timestamp) -> Plan {
        let event = match refusal::meaning(refusal) {
            Meaning::NotCreated(why) => {
                Event::warning(key, "FailedCreate", format!("Error creating job: {why}"))
            }
            Meaning::NotDeleted(why) => Event::warning(key, "FailedDelete", format!("Deleted job: {why}")),
            Meaning::Nothing => return Plan::nothing(),
        };
        Plan::of(vec![Action::Record(event)])
    }
}

impl Pass<'_> {
    fn run(&mut self) {
        let due = if meta::is_deleted(self.cron) {
            None
        } else {
            self.due()
        };
        self.children
            .note_events(self.key, &mut self.actions, &mut self.remarks);
        let job = due.and_then(|due| self.start(due));
        self.children
            .forget_oldest(self.key, self.cron, &mut self.actions);
        if let Some(cron) = self.children.write_status(self.cron) {
            self.actions.push(Action::UpdateStatus(Kind::CRON_JOB, cron));
        }
        if let Some(job) = job {
            let told = format!("Created job {}", meta::name(&job));
            self.actions.push(Action::Create(job));
            self.actions
                .push(Action::Record(Event::normal(self.key, "SuccessfulCreate", told)));
        }
    }

    fn remark(&mut self, reason: &'static str, message: String, moment: Option<Timestamp>) {
        self.remarks
            .push((Event::warning(self.key, reason, message), moment));
    }

    fn zone(&mut self) -> Option<TimeZone> {
        let name = meta::text_at(self.cron, "/spec/timeZone");
        let zone = find_zone(name);
        if zone.is_none() {
            self.remark(
                "UnknownTimeZone",
                format!("invalid timeZone: {name:?}: unknown time zone {name}"),
                None,
            );
        }
        zone
    }

    /// The moment that a Job is to be made for now.
    fn due(&mut self) -> Option<Timestamp> {
        let zone = self.zone()?;
        if self.cron["spec"]["suspend"] == true {
            return None;
        }
        let text = meta::text_at(self.cron, "/spec/schedule");
        if text.contains("TZ") {
            let message = format!(
                "CRON_TZ or TZ used in schedule {text:?} is not officially supported, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            );
            self.remark("UnsupportedSchedule", message, None);
        }
        let schedule = match Schedule::parse(text, zone) {
            Ok(schedule) => schedule,
            Err(why) => {
                self.remark(
                    "UnparseableSchedule",
                    format!("unparseable schedule: {text:?} : {why}"),
                    None,
                );
                return None;
            }
        };
        let created = meta::created(self.cron).unwrap_or(self.now);
        let earliest = self.children.last_schedule.unwrap_or(created);
        let deadline =
            meta::number_at(self.cron, "/spec/startingDeadlineSeconds").map(SignedDuration::from_secs);
        let missed = Missed::find(&schedule, earliest, deadline, self.now);
        self.again = missed.next.map(|next| next.checked_add(LATER).unwrap_or(next));
        let due = missed.latest?;
        if missed.many {
            let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            self.remark("TooManyMissedTimes", message.to_owned(), Some(due));
        }
        let late = deadline.is_some_and(|deadline| due.checked_add(deadline).is_ok_and(|end| end < self.now));
        if late {
            let at = due.strftime("%a, %d %b %Y %H:%M:%S +0000");
            self.remark(
                "MissSchedule",
                format!("Missed scheduled time to start a job: {at}"),
                Some(due),
            );
            return None;
        }
        Some(due)
    }

    /// The Job for a moment, unless it has had one or another must end first.
    fn start(&mut self, due: Timestamp) -> Option<Value> {
        let name = children::job_name(&self.key.name, due);
        if self.children.last_schedule == Some(due)
            || self.world.find(&Kind::JOB, &self.key.namespace, &name).is_some()
        {
            return None;
        }
        match meta::text_at(self.cron, "/spec/concurrencyPolicy") {
            "Forbid" if self.children.has_active() => {
                let message =
                    "Not starting job because prior execution is running and concurrency policy is Forbid";
                let event = Event::normal(self.key, "JobAlreadyActive", message);
                self.remarks.push((event, Some(due)));
                return None;
            }
            "Replace" => self.children.delete_active(self.key, &mut self.actions),
            _ => {}
        }
        let template = &self.cron["spec"]["jobTemplate"];
        let zone = find_zone(meta::text_at(self.cron, "/spec/timeZone"))?;
        let mut metadata = json!({
            "name": name,
            "namespace": &*self.key.namespace,
            "ownerReferences": [meta::controller_reference(self.cron, "batch/v1", &Kind::CRON_JOB)],
        });
        for field in ["labels", "annotations"] {
            if let Some(map) = template["metadata"].get(field).filter(|map| map.is_object()) {
                metadata[field] = map.clone();
            }
        }
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata});
        job["spec"] = template["spec"].clone();
        let annotations = meta::map_mut(&mut job, &["metadata", "annotations"]);
        annotations.insert(SCHEDULED.to_owned(), json!(on_the_wall(due, &zone)));
        Some(job)
    }
}

/// A moment as the clocks of a zone show it, in RFC 3339.
fn on_the_wall(moment: Timestamp, zone: &TimeZone) -> String {
    let zoned = moment.to_zoned(zone.clone());
    if zoned.offset().is_zero() {
        return time::seconds(moment);
    }
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
