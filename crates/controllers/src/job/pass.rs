//! One look at a Job: judge it, steer its pods, count those that ended, conclude.
//!
//! ```text
//! settle ──► judge ──► stop the pods, or steer their number ──► count ──► conclude ──► plan
//! ```
//!
//! The order of the plan's writes is what makes it safe to be killed between any two of them: pods that are not to
//! count lose their finalizer before they are deleted, and pods that are to count lose it after their uid is in the
//! status. What a look can't finish, because it depends on its own writes, the next one finishes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Event, Plan};
use objects::{Key, Kind, World, meta};
use serde_json::Value;

use super::TRACKING_FINALIZER;
use super::backoff;
use super::census::{Census, Pod, sort_by_dispensability};
use super::failure_policy::Meaning;
use super::indexes::Indexes;
use super::pods;
use super::spec::Spec;
use super::status::Status;
use crate::pod_template::Names;

/// The most pods that one look makes or deletes, so that a large Job lets others have their turn.
const MAX_PODS_AT_ONCE: usize = 500;
/// The most uids that a status holds, so that it stays below 20 KB.
const MAX_UNCOUNTED: usize = 500;

/// How a Job ends, as soon as its pods have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Success { reason: String, message: String },
    Failure { reason: String, message: String },
}

/// A Job and what is to happen to it.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    world: &'a World,
    key: &'a Key,
    job: &'a Value,
    spec: Spec<'a>,
    census: Census<'a>,
    now: Timestamp,
    status: Status,
    succeeded: i64,
    failed: i64,
    succeeded_indexes: Indexes,
    failed_indexes: Indexes,
    /// With a limit per index: the failed pod of each index that is not tried again yet. It stays until its
    /// replacement can carry its count of failures on.
    to_replace: BTreeMap<i64, Pod<'a>>,
    /// What comes before the status is written, and after.
    before: Vec<Action>,
    after: Vec<Action>,
    again: Option<Timestamp>,
}

impl<'a> Pass<'a> {
    pub fn new(world: &'a World, key: &'a Key, job: &'a Value, spec: Spec<'a>, census: Census<'a>) -> Self {
        Self {
            world,
            key,
            job,
            census,
            now: Timestamp::UNIX_EPOCH,
            status: Status::of(job),
            succeeded: 0,
            failed: 0,
            succeeded_indexes: Indexes::default(),
            failed_indexes: Indexes::default(),
            to_replace: BTreeMap::new(),
            before: Vec::new(),
            after: Vec::new(),
            again: None,
            spec,
        }
    }

    /// Decides at a time. No pod is made before `wait`, if there is one.
    pub fn run(mut self, now: Timestamp, wait: Option<Timestamp>) -> Plan {
        self.now = now;
        self.settle();
        let mut creates = Vec::new();
        let verdict = match self.judge() {
            Some(verdict) => {
                self.stop();
                Some(verdict)
            }
            None => {
                if !meta::is_deleted(self.job) {
                    creates = self.steer(wait);
                }
                let completed = self.completed();
                if completed.is_none() && !meta::is_deleted(self.job) {
                    self.tell_suspension();
                }
                completed
            }
        };
        let let_go = self.count(verdict.as_ref());
        if let Some(verdict) = verdict {
            self.conclude(verdict, let_go.is_empty());
        }
        self.plan(&let_go, creates)
    }

    /// Brings the counters up to what has happened since they were written.
    fn settle(&mut self) {
        let tracked: BTreeSet<&str> = self
            .census
            .pods
            .iter()
            .filter(|pod| pod.tracked)
            .map(|pod| pod.uid)
            .collect();
        self.status.settle(&tracked);
        let status = &self.status;
        let new = |uids: &[String], pod: &Pod<'_>| !uids.iter().any(|uid| uid == pod.uid);
        let succeeded = self
            .census
            .uncounted(&self.spec)
            .filter(|pod| pod.phase == "Succeeded");
        let succeeded = succeeded
            .filter(|pod| new(&status.uncounted_succeeded, pod))
            .count();
        let failed = self.census.uncounted(&self.spec).filter(|pod| {
            pod.failed
                && new(&status.uncounted_failed, pod)
                && Meaning::of(self.spec.failure_rules, pod.object).counts()
        });
        self.succeeded = status.succeeded + number(succeeded + status.uncounted_succeeded.len());
        self.failed = status.failed + number(failed.count() + status.uncounted_failed.len());
        if self.spec.indexed {
            let completions = self.spec.completions.unwrap_or_default();
            let written = Indexes::parse(&status.completed_indexes, completions);
            self.succeeded_indexes = written.union(&self.census.succeeded_indexes(&self.spec));
            self.succeeded = self.succeeded_indexes.total();
            if self.spec.backoff_limit_per_index.is_some() {
                let written =
                    Indexes::parse(status.failed_indexes.as_deref().unwrap_or_default(), completions);
                self.failed_indexes = written.union(&self.census.failed_indexes(&self.spec));
                self.find_replaced();
            }
        }
        self.status.active = number(self.census.active().count());
        self.status.ready = number(self.census.active().filter(|pod| pod.ready).count());
        self.status.terminating = number(self.census.terminating().count());
        if self.status.started.is_none() && !self.spec.suspended {
            self.status.started = Some(self.now);
        }
    }

    fn find_replaced(&mut self) {
        let active: BTreeSet<i64> = self.census.active().filter_map(|pod| pod.index).collect();
        for pod in self.census.uncounted(&self.spec).filter(|pod| pod.failed) {
            let Some(index) = pod.index.filter(|index| {
                !self.succeeded_indexes.has(*index)
                    && !self.failed_indexes.has(*index)
                    && !active.contains(index)
            }) else {
                continue;
            };
            let rank = |pod: &Pod<'_>| {
                let (counted, ignored) = pod.earlier_failures();
                (counted + ignored, backoff::finished(pod.object))
            };
            let latest = self.to_replace.entry(index).or_insert(*pod);
            if rank(pod) >= rank(latest) {
                *latest = *pod;
            }
        }
    }

    /// The verdict that stands already, or one for which there is a reason now.
    fn judge(&mut self) -> Option<Verdict> {
        if let Some((reason, message)) = self.status.holds("SuccessCriteriaMet") {
            return Some(Verdict::Success { reason, message });
        }
        let (reason, message) = self
            .status
            .holds("FailureTarget")
            .or_else(|| self.failed_by_policy())
            .or_else(|| self.failed_by_limits().map(owned))
            .or_else(|| self.failed_by_indexes().map(owned))
            .map_or((String::new(), String::new()), |told| told);
        if !reason.is_empty() {
            return Some(Verdict::Failure { reason, message });
        }
        let message = self.spec.met_success_rule(&self.succeeded_indexes)?;
        Some(Verdict::Success {
            reason: "SuccessPolicy".to_owned(),
            message,
        })
    }

    fn failed_by_policy(&self) -> Option<(String, String)> {
        let failed = self.census.pods.iter().filter(|pod| pod.failed);
        let mut meanings = failed.map(|pod| Meaning::of(self.spec.failure_rules, pod.object));
        meanings.find_map(|meaning| match meaning {
            Meaning::FailJob(message) => Some(("PodFailurePolicy".to_owned(), message)),
            _ => None,
        })
    }

    fn failed_by_limits(&mut self) -> Option<(&'static str, &'static str)> {
        if self.failed > self.spec.backoff_limit || self.restarted_too_often() {
            return Some((
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            ));
        }
        let deadline = self.spec.active_deadline.filter(|_| !self.spec.suspended)?;
        let allowed = SignedDuration::from_secs(deadline);
        let end = self
            .status
            .started?
            .checked_add(allowed)
            .unwrap_or(Timestamp::MAX);
        if self.now >= end {
            return Some((
                "DeadlineExceeded",
                "Job was active longer than specified deadline",
            ));
        }
        self.again = Some(end);
        None
    }

    /// Where containers are restarted in their pod, the restarts are the failures.
    fn restarted_too_often(&self) -> bool {
        if !self.spec.restarts {
            return false;
        }
        let alive = self
            .census
            .pods
            .iter()
            .filter(|pod| matches!(pod.phase, "Running" | "Pending"));
        let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
        let containers = alive.flat_map(|pod| lists.iter().flat_map(|list| meta::list_at(pod.object, list)));
        let restarts: i64 = containers
            .filter_map(|container| container.get("restartCount")?.as_i64())
            .sum();
        restarts >= self.spec.backoff_limit.max(1)
    }

    fn failed_by_indexes(&self) -> Option<(&'static str, &'static str)> {
        self.spec.backoff_limit_per_index?;
        let failed = self.failed_indexes.total();
        if self.spec.max_failed_indexes.is_some_and(|most| failed > most) {
            let message = "Job has exceeded the specified maximal number of failed indexes";
            return Some(("MaxFailedIndexesExceeded", message));
        }
        let all = failed + self.succeeded_indexes.total() >= self.spec.completions.unwrap_or_default();
        (failed > 0 && all).then_some(("FailedIndexes", "Job has failed indexes"))
    }

    /// Deletes what still runs of a Job whose end is decided. The pods keep their finalizer: they are to be counted.
    fn stop(&mut self) {
        let active: Vec<Pod<'a>> = self.census.active().copied().collect();
        for pod in &active {
            self.delete(pod);
        }
    }

    fn delete(&mut self, pod: &Pod<'a>) {
        let key = Key::of(Kind::POD, pod.object);
        let told = format!("Deleted pod: {}", key.name);
        self.before.push(Action::delete(key, pod.object));
        self.before
            .push(Action::Record(Event::normal(self.key, "SuccessfulDelete", told)));
        self.status.active -= 1;
        self.status.ready -= i64::from(pod.ready);
        self.status.terminating += 1;
    }

    /// Brings the number of active pods to what is wanted, by deleting or by creating: gives what creates.
    fn steer(&mut self, wait: Option<Timestamp>) -> Vec<Action> {
        let mut active: Vec<Pod<'a>> = self.census.active().copied().collect();
        let have = number(active.len());
        let wanted = match self.spec.completions {
            _ if self.spec.suspended => 0,
            None if self.succeeded > 0 => have,
            None => self.spec.parallelism,
            Some(all) => (all - self.succeeded).min(self.spec.parallelism).max(0),
        };
        let excess = usize::try_from(have - wanted).unwrap_or_default();
        let excess = self.dispensable(&mut active, excess);
        if !excess.is_empty() {
            for pod in &excess {
                // It is not to be counted.
                if pod.tracked {
                    self.before.push(release(pod.object));
                }
                self.delete(pod);
            }
            return Vec::new();
        }
        let mut missing = wanted - have;
        if self.spec.only_replace_failed {
            missing -= self.status.terminating;
        }
        let missing = usize::try_from(missing).unwrap_or_default().min(MAX_PODS_AT_ONCE);
        if missing == 0 {
            return Vec::new();
        }
        let per_index = self.spec.backoff_limit_per_index.is_some();
        if let Some(wait) = wait.filter(|_| !per_index) {
            self.look_at(wait);
            return Vec::new();
        }
        if self.spec.indexed {
            self.create_indexes(missing)
        } else {
            let mut names = Names::of(self.world, self.job, self.now);
            (0..missing).flat_map(|_| self.create(None, &mut names)).collect()
        }
    }

    /// The pods to take away: those whose index another has or nobody asks for, then as many as are too many.
    fn dispensable(&self, active: &mut Vec<Pod<'a>>, excess: usize) -> Vec<Pod<'a>> {
        sort_by_dispensability(active);
        let mut chosen = Vec::new();
        if self.spec.indexed {
            let mut seen = BTreeSet::new();
            // From the back, so that of several with one index the worthiest stays.
            for pod in active.iter().rev() {
                if !pod.in_range(&self.spec) || !seen.insert(pod.index) {
                    chosen.push(*pod);
                }
            }
        }
        let taken: BTreeSet<&str> = chosen.iter().map(|pod| pod.uid).collect();
        let others = active.iter().filter(|pod| !taken.contains(pod.uid));
        let more: Vec<Pod<'a>> = others
            .take(excess.saturating_sub(chosen.len()))
            .copied()
            .collect();
        chosen.extend(more);
        if !self.spec.suspended {
            chosen.truncate(MAX_PODS_AT_ONCE);
        }
        chosen
    }

    fn create_indexes(&mut self, missing: usize) -> Vec<Action> {
        let completions = self.spec.completions.unwrap_or_default();
        let mut taken = self.succeeded_indexes.union(&self.failed_indexes);
        taken = taken.with(self.census.active().filter_map(|pod| pod.index));
        if self.spec.only_replace_failed {
            taken = taken.with(self.census.terminating().filter_map(|pod| pod.index));
        }
        let mut names = Names::of(self.world, self.job, self.now);
        let mut actions = Vec::new();
        let mut earliest: Option<Timestamp> = None;
        for index in taken.first_missing(missing, completions) {
            let replaced = self.to_replace.get(&index).copied();
            let due = replaced.and_then(|pod| {
                let (counted, ignored) = pod.earlier_failures();
                let failures = usize::try_from(counted + ignored + 1).unwrap_or(usize::MAX);
                Some(backoff::finished(pod.object)? + backoff::wait(failures))
            });
            match due.filter(|due| *due > self.now) {
                None => actions.extend(self.create(Some((index, replaced.as_ref())), &mut names)),
                Some(due) => earliest = Some(earliest.map_or(due, |other| other.min(due))),
            }
        }
        if let Some(due) = earliest {
            self.look_at(due);
        }
        actions
    }

    fn create(&self, index: Option<(i64, Option<&Pod<'_>>)>, names: &mut Names<'_>) -> [Action; 2] {
        let pod = pods::create(self.job, &self.spec, index, names);
        let told = format!("Created pod: {}", meta::name(&pod));
        [
            Action::Create(pod),
            Action::Record(Event::normal(self.key, "SuccessfulCreate", told)),
        ]
    }

    /// Whether there are enough successes and nothing runs any more.
    fn completed(&self) -> Option<Verdict> {
        let enough = match self.spec.completions {
            None => self.succeeded > 0,
            Some(all) => self.succeeded >= all,
        };
        (enough && self.status.active == 0).then(|| Verdict::Success {
            reason: "CompletionsReached".to_owned(),
            message: "Reached expected number of succeeded pods".to_owned(),
        })
    }

    fn tell_suspension(&mut self) {
        let told = if self.spec.suspended {
            ("JobSuspended", "Job suspended")
        } else {
            ("JobResumed", "Job resumed")
        };
        let suspended = self.spec.suspended;
        if !self.status.set_condition("Suspended", suspended, told, self.now) {
            return;
        }
        let reason = if suspended { "Suspended" } else { "Resumed" };
        self.after
            .push(Action::Record(Event::normal(self.key, reason, told.1)));
        if !suspended {
            // The deadline runs from when the Job goes on.
            self.status.started = Some(self.now);
        }
    }

    /// Puts the pods that ended into the status, and gives those that need not stay for it any longer.
    fn count(&mut self, verdict: Option<&Verdict>) -> Vec<Pod<'a>> {
        let mut let_go = Vec::new();
        let over = verdict.is_some() || meta::is_deleted(self.job);
        let failing = matches!(verdict, Some(Verdict::Failure { .. }));
        let uncounted = |status: &Status| status.uncounted_succeeded.len() + status.uncounted_failed.len();
        for pod in self.census.pods.iter().filter(|pod| pod.tracked) {
            if let_go.len().max(uncounted(&self.status)) >= MAX_UNCOUNTED {
                // The writes of this look bring the next one.
                break;
            }
            // A pod that this look deletes is counted by the next one.
            let ended = pod.phase == "Succeeded" || (pod.failed && !self.is_kept(pod));
            if pod.active() || !(over || ended) {
                continue;
            }
            let_go.push(*pod);
            let known = |uids: &[String]| uids.iter().any(|uid| uid == pod.uid);
            let failed_before = known(&self.status.uncounted_failed);
            if pod.phase == "Succeeded" && !failed_before {
                // Of an index it is enough to know that it is completed.
                if !self.spec.indexed && !known(&self.status.uncounted_succeeded) {
                    self.status.uncounted_succeeded.push(pod.uid.to_owned());
                }
            } else if (pod.failed || failing)
                && !failed_before
                && pod.in_range(&self.spec)
                && Meaning::of(self.spec.failure_rules, pod.object).counts()
            {
                self.status.uncounted_failed.push(pod.uid.to_owned());
            }
        }
        if self.spec.indexed {
            self.status.succeeded = self.succeeded_indexes.total();
            self.status.completed_indexes = self.succeeded_indexes.to_string();
            let failed = self
                .spec
                .backoff_limit_per_index
                .map(|_| self.failed_indexes.to_string());
            self.status.failed_indexes = failed;
        }
        let_go
    }

    fn is_kept(&self, pod: &Pod<'_>) -> bool {
        let kept = pod.index.and_then(|index| self.to_replace.get(&index));
        kept.is_some_and(|kept| kept.uid == pod.uid)
    }

    /// Writes the verdict down, and once nothing is left to count, that it is carried out.
    fn conclude(&mut self, verdict: Verdict, all_counted: bool) {
        let (interim, end, reason, message) = match verdict {
            Verdict::Success { reason, message } => ("SuccessCriteriaMet", "Complete", reason, message),
            Verdict::Failure { reason, message } => ("FailureTarget", "Failed", reason, message),
        };
        let told = (reason.as_str(), message.as_str());
        let new = self.status.set_condition(interim, true, told, self.now);
        let still = self.status.terminating + self.status.active;
        if new || still > 0 || !all_counted || !self.status.counts_nothing() {
            return;
        }
        self.status.set_condition(end, true, told, self.now);
        self.again = None;
        if end == "Failed" {
            let event = Event {
                warning: true,
                ..Event::normal(self.key, failure_reason(&reason), message)
            };
            self.after.push(Action::Record(event));
            return;
        }
        self.status.completed = Some(self.now);
        if self
            .spec
            .completions
            .is_some_and(|all| self.status.succeeded > all)
        {
            let told = "Too many succeeded pods running after completion count reached";
            let event = Event::warning(self.key, "TooManySucceededPods", told);
            self.after.push(Action::Record(event));
        }
        self.after.push(Action::Record(Event::normal(
            self.key,
            "Completed",
            "Job completed",
        )));
    }

    fn plan(self, let_go: &[Pod<'a>], creates: Vec<Action>) -> Plan {
        let mut actions = self.before;
        let status = self.status.to_json();
        if self.job.get("status") != Some(&status) {
            let mut job = self.job.clone();
            job["status"] = status;
            actions.push(Action::UpdateStatus(Kind::JOB, job));
        }
        actions.extend(self.after);
        actions.extend(let_go.iter().map(|pod| release(pod.object)));
        actions.extend(creates);
        Plan {
            actions,
            again: self.again,
        }
    }

    fn look_at(&mut self, time: Timestamp) {
        self.again = Some(self.again.map_or(time, |earlier| earlier.min(time)));
    }
}

/// Takes the Job's finalizer off a pod, if the pod is still as it was seen.
pub(super) fn release(pod: &Value) -> Action {
    Action::drop_finalizer(&Key::of(Kind::POD, pod), pod, TRACKING_FINALIZER)
}

/// The reason of a verdict as an event can hold it. All come from [`Pass::judge`], the condition's through a status
/// that somebody else may have written.
fn failure_reason(reason: &str) -> &'static str {
    let all = [
        "PodFailurePolicy",
        "BackoffLimitExceeded",
        "DeadlineExceeded",
        "MaxFailedIndexesExceeded",
        "FailedIndexes",
    ];
    all.into_iter().find(|one| *one == reason).unwrap_or("Failed")
}

fn owned((reason, message): (&str, &str)) -> (String, String) {
    (reason.to_owned(), message.to_owned())
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
