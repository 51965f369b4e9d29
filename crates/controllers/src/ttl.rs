//! Finished Jobs that are to be forgotten: deleted, with their pods, `ttlSecondsAfterFinished` after their end.

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Identity, Loop, Plan, Propagation};
use objects::{Change, Key, Kind, World, condition, meta, time};
use serde_json::Value;

use crate::job::outcome;

/// The TTL-after-finished controller.
#[derive(Debug, Default)]
pub struct FinishedJobs;

impl Loop for FinishedJobs {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:ttl-after-finished-controller",
            manager: "kube-controller-manager",
            component: "ttl-after-finished-controller",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::JOB && change.new.is_some_and(|job| expiry(job).is_some()) {
            keys.push(change.key.clone());
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some((job, expiry)) = world.get(key).and_then(|job| Some((job, expiry(job)?))) else {
            return Plan::nothing();
        };
        if now < expiry {
            return Plan::later(expiry);
        }
        Plan::of(vec![Action::Delete {
            key: key.clone(),
            uid: Some(meta::uid(job).to_owned()),
            grace: None,
            propagation: Some(Propagation::Foreground),
        }])
    }
}

/// When a Job is to go, if it is over, is to go at all and is not going already.
fn expiry(job: &Value) -> Option<Timestamp> {
    if meta::is_deleted(job) {
        return None;
    }
    let ttl = meta::number_at(job, "/spec/ttlSecondsAfterFinished")?;
    let end = condition::find(job, outcome(job)?)?;
    let end = time::parse(meta::text(end, "lastTransitionTime"))?;
    end.checked_add(SignedDuration::from_secs(ttl)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finished_job_goes_when_its_time_is_over() {
        let key = Key::new(Kind::JOB, "n", "j");
        let at = |second| Timestamp::from_second(second).expect("in range");
        let job = |ttl: Value, kind: &str, deleted: bool| {
            let end = "1970-01-01T00:00:10Z";
            let mut job = json!({
                "metadata": {"name": "j", "namespace": "n", "uid": "u"},
                "spec": {"ttlSecondsAfterFinished": ttl},
                "status": {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": end}]},
            });
            if deleted {
                job["metadata"]["deletionTimestamp"] = json!(end);
            }
            job
        };
        let delete = Plan::of(vec![Action::Delete {
            key: key.clone(),
            uid: Some("u".to_owned()),
            grace: None,
            propagation: Some(Propagation::Foreground),
        }]);
        for (job, now, expected) in [
            (job(json!(5), "Complete", false), 14, Plan::later(at(15))),
            (job(json!(5), "Complete", false), 15, delete.clone()),
            (job(json!(0), "Failed", false), 10, delete),
            (job(json!(5), "Suspended", false), 99, Plan::nothing()),
            (job(json!(5), "Failed", true), 99, Plan::nothing()),
            (job(Value::Null, "Failed", false), 99, Plan::nothing()),
        ] {
            let mut world = World::default();
            world.put(&key, job.clone());
            assert_eq!(
                FinishedJobs.decide(&world, &key, at(now)),
                expected,
                "{job} at {now}"
            );
        }
    }
}
