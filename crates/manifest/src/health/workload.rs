//! Whether an object that owns pods has them all.

use objects::{condition, meta};
use serde_json::Value;

use super::{Health, words};

/// A deadline that controllers take for none.
const NO_DEADLINE: i64 = i32::MAX as i64;

/// Counts in a status, held against how many there should be.
struct Replicas<'a> {
    object: &'a Value,
    wanted: i64,
}

pub(super) fn deployment(object: &Value) -> Health {
    let spec = |field: &str| meta::at(object, "/spec").and_then(|spec| spec.get(field));
    if spec("paused") == Some(&Value::Bool(true)) {
        return Health::Ready;
    }
    let progressing = condition::find(object, "Progressing");
    if let Some(one) = progressing
        && meta::text(one, "reason") == "ProgressDeadlineExceeded"
    {
        return Health::Failed(words(one, "the progress deadline is exceeded"));
    }
    let replicas = Replicas::wanted(object);
    let updated = replicas.status("updatedReplicas");
    let found = replicas
        .fewer("replicas", "exist")
        .or_else(|| replicas.fewer("updatedReplicas", "are updated"))
        .or_else(|| replicas.more())
        .or_else(|| replicas.fewer_than(updated, "availableReplicas", "are available"))
        .or_else(|| replicas.fewer("readyReplicas", "are ready"));
    if let Some(found) = found {
        return match (found, refused(object)) {
            (Health::Progressing(text), Some(why)) => Health::Progressing(format!("{text}: {why}")),
            (found, _) => found,
        };
    }
    let deadline = spec("progressDeadlineSeconds").and_then(Value::as_i64);
    let rolled_out = deadline.unwrap_or(NO_DEADLINE) == NO_DEADLINE
        || progressing.is_some_and(|one| {
            meta::text(one, "status") == "True" && meta::text(one, "reason") == "NewReplicaSetAvailable"
        });
    if !rolled_out {
        return Health::Progressing("the new ReplicaSet is not available".to_owned());
    }
    match condition::find(object, "Available") {
        Some(one) if meta::text(one, "status") == "True" => Health::Ready,
        Some(one) => Health::Progressing(words(one, "the Deployment is not available")),
        None => Health::Progressing("the Deployment is not available".to_owned()),
    }
}

/// Why the API server takes no pods of it.
fn refused(object: &Value) -> Option<String> {
    let failure = condition::find(object, "ReplicaFailure")?;
    (meta::text(failure, "status") == "True").then(|| words(failure, "pods can't be created"))
}

pub(super) fn replica_set(object: &Value) -> Health {
    if let Some(why) = refused(object) {
        return Health::Progressing(why);
    }
    let replicas = Replicas::wanted(object);
    replicas
        .fewer("fullyLabeledReplicas", "have all labels")
        .or_else(|| replicas.fewer("availableReplicas", "are available"))
        .or_else(|| replicas.fewer("readyReplicas", "are ready"))
        .or_else(|| replicas.more())
        .unwrap_or(Health::Ready)
}

pub(super) fn stateful_set(object: &Value) -> Health {
    // Its pods are renewed by hand: there is nothing to wait for.
    if meta::text_at(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Health::Ready;
    }
    let replicas = Replicas::wanted(object);
    let found = replicas
        .fewer("replicas", "exist")
        .or_else(|| replicas.fewer("readyReplicas", "are ready"))
        .or_else(|| replicas.more());
    if let Some(found) = found {
        return found;
    }
    if let Some(partition) = meta::number_at(object, "/spec/updateStrategy/rollingUpdate/partition") {
        let wanted = replicas.wanted.saturating_sub(partition);
        return replicas
            .fewer_than(wanted, "updatedReplicas", "are updated")
            .unwrap_or(Health::Ready);
    }
    if let Some(found) = replicas.fewer("currentReplicas", "are of the current revision") {
        return found;
    }
    let revision = |field: &str| meta::text_at(object, field);
    if revision("/status/currentRevision") == revision("/status/updateRevision") {
        return Health::Ready;
    }
    Health::Progressing("not all replicas are of the new revision".to_owned())
}

pub(super) fn daemon_set(object: &Value) -> Health {
    let counts = |field: &str| meta::number_at(object, field);
    let seen = counts("/metadata/generation").and(counts("/status/observedGeneration"));
    let (Some(_), Some(wanted)) = (seen, counts("/status/desiredNumberScheduled")) else {
        return Health::Progressing("the controller has not seen it".to_owned());
    };
    let pods = Replicas { object, wanted };
    pods.fewer("currentNumberScheduled", "are scheduled")
        .or_else(|| pods.fewer("updatedNumberScheduled", "are updated"))
        .or_else(|| pods.fewer("numberAvailable", "are available"))
        .or_else(|| pods.fewer("numberReady", "are ready"))
        .unwrap_or(Health::Ready)
}

/// A Job is as it should be once it runs.
pub(super) fn job(object: &Value) -> Health {
    if let Some(end) = job_end(object) {
        return end;
    }
    let started = !meta::text_at(object, "/status/startTime").is_empty();
    if started || condition::is_true(object, "Suspended") {
        return Health::Ready;
    }
    Health::Progressing("the job has not started".to_owned())
}

/// How a Job ended, if it did.
pub(super) fn job_end(object: &Value) -> Option<Health> {
    let ended = meta::list_at(object, "/status/conditions")
        .iter()
        .filter(|one| meta::text(one, "status") == "True");
    ended.into_iter().find_map(|one| match meta::text(one, "type") {
        "Complete" => Some(Health::Ready),
        "Failed" => Some(Health::Failed(format!(
            "the job failed: {}",
            words(one, "no reason given")
        ))),
        _ => None,
    })
}

impl<'a> Replicas<'a> {
    /// Controllers take one replica for the default.
    fn wanted(object: &'a Value) -> Self {
        let wanted = meta::number_at(object, "/spec/replicas").unwrap_or(1);
        Self { object, wanted }
    }

    fn status(&self, field: &str) -> i64 {
        let status = self.object.get("status");
        status.and_then(|status| status.get(field)?.as_i64()).unwrap_or(0)
    }

    fn fewer(&self, field: &str, are: &str) -> Option<Health> {
        self.fewer_than(self.wanted, field, are)
    }

    fn fewer_than(&self, wanted: i64, field: &str, are: &str) -> Option<Health> {
        let found = self.status(field);
        (found < wanted).then(|| Health::Progressing(format!("{found} of {wanted} replicas {are}")))
    }

    /// Replicas of before that have not gone.
    fn more(&self) -> Option<Health> {
        let old = self.status("replicas").saturating_sub(self.wanted);
        (old > 0).then(|| Health::Progressing(format!("{old} old replicas are still there")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(rule: fn(&Value) -> Health, object: impl Into<Value>, expected: &str) {
        let object = object.into();
        let found = rule(&object);
        let word = match &found {
            Health::Ready => "ready",
            Health::Failed(_) => "failed: ",
            _ => "",
        };
        assert_eq!(format!("{word}{}", found.message()), expected, "{object}");
    }

    fn with(mut base: Value, pointer: &str, value: Value) -> Value {
        *base.pointer_mut(pointer).unwrap() = value;
        base
    }

    #[test]
    fn deployments_need_every_replica_new_and_available() {
        let whole = json!({"spec": {"replicas": 3, "progressDeadlineSeconds": 600}, "status": {
            "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [
                {"type": "Available", "status": "True"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        }});
        check(deployment, whole.clone(), "ready");
        for (pointer, value, expected) in [
            ("/status/replicas", json!(2), "2 of 3 replicas exist"),
            ("/status/updatedReplicas", json!(1), "1 of 3 replicas are updated"),
            ("/status/replicas", json!(4), "1 old replicas are still there"),
            (
                "/status/availableReplicas",
                json!(2),
                "2 of 3 replicas are available",
            ),
            ("/status/readyReplicas", json!(2), "2 of 3 replicas are ready"),
            (
                "/status/conditions/1/reason",
                json!("ReplicaSetUpdated"),
                "the new ReplicaSet is not available",
            ),
            (
                "/status/conditions/0/status",
                json!("False"),
                "the Deployment is not available",
            ),
            (
                "/status/conditions/1/reason",
                json!("ProgressDeadlineExceeded"),
                "failed: ProgressDeadlineExceeded",
            ),
            ("/spec", json!({"paused": true}), "ready"),
            ("/spec", json!({"replicas": 3}), "ready"),
        ] {
            check(deployment, with(whole.clone(), pointer, value), expected);
        }
        check(deployment, json!({}), "0 of 1 replicas exist");
    }

    #[test]
    fn replica_sets_need_every_replica_available() {
        let whole = json!({"spec": {"replicas": 2}, "status": {
            "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "conditions": [],
        }});
        check(replica_set, whole.clone(), "ready");
        let failure = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}]);
        for (pointer, value, expected) in [
            (
                "/status/fullyLabeledReplicas",
                json!(1),
                "1 of 2 replicas have all labels",
            ),
            (
                "/status/availableReplicas",
                json!(0),
                "0 of 2 replicas are available",
            ),
            ("/status/replicas", json!(3), "1 old replicas are still there"),
            ("/status/conditions", failure, "FailedCreate: quota"),
        ] {
            check(replica_set, with(whole.clone(), pointer, value), expected);
        }
    }

    #[test]
    fn stateful_sets_need_the_new_revision_up_to_their_partition() {
        let whole = json!({"spec": {"replicas": 3, "updateStrategy": {}}, "status": {
            "replicas": 3, "readyReplicas": 3, "currentReplicas": 3, "updatedReplicas": 3,
            "currentRevision": "b", "updateRevision": "b",
        }});
        check(stateful_set, whole.clone(), "ready");
        for (pointer, value, expected) in [
            ("/status/replicas", json!(2), "2 of 3 replicas exist"),
            ("/status/readyReplicas", json!(1), "1 of 3 replicas are ready"),
            ("/status/replicas", json!(5), "2 old replicas are still there"),
            (
                "/status/currentReplicas",
                json!(1),
                "1 of 3 replicas are of the current revision",
            ),
            (
                "/status/currentRevision",
                json!("a"),
                "not all replicas are of the new revision",
            ),
        ] {
            check(stateful_set, with(whole.clone(), pointer, value), expected);
        }
        let partition = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
        let staged = with(whole.clone(), "/spec/updateStrategy", partition);
        check(
            stateful_set,
            with(staged.clone(), "/status/updatedReplicas", json!(1)),
            "ready",
        );
        check(
            stateful_set,
            with(staged, "/status/updatedReplicas", json!(0)),
            "0 of 1 replicas are updated",
        );
        check(
            stateful_set,
            json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}),
            "ready",
        );
    }

    #[test]
    fn daemon_sets_need_a_pod_on_every_node() {
        let whole = json!({"metadata": {"generation": 1}, "status": {
            "observedGeneration": 1, "desiredNumberScheduled": 5, "currentNumberScheduled": 5,
            "updatedNumberScheduled": 5, "numberAvailable": 5, "numberReady": 5,
        }});
        check(daemon_set, whole.clone(), "ready");
        check(
            daemon_set,
            with(whole.clone(), "/status/numberAvailable", json!(4)),
            "4 of 5 replicas are available",
        );
        check(
            daemon_set,
            with(whole, "/status/updatedNumberScheduled", json!(0)),
            "0 of 5 replicas are updated",
        );
        check(
            daemon_set,
            json!({"metadata": {"generation": 1}}),
            "the controller has not seen it",
        );
    }

    #[test]
    fn jobs_are_ready_once_they_run() {
        check(
            job,
            json!({"status": {"startTime": "2026-01-01T00:00:00Z"}}),
            "ready",
        );
        check(job, json!({}), "the job has not started");
        let failed = json!([{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]);
        check(
            job,
            json!({"status": {"conditions": failed}}),
            "failed: the job failed: DeadlineExceeded",
        );
    }
}
