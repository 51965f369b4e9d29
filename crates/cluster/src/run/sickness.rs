//! Whether what was applied fails already, before the time for it is over.
//!
//! ```text
//! workload ──► its newest revision ──its hash──► pods of that revision ──containers──► Sick, Well or Unknown
//! ```
//!
//! The pods of an older revision say nothing of what was applied: a version that mends a crashing one comes up beside its
//! crashing pods. Until a controller has taken notice of what was applied, nothing is known.

use std::borrow::Cow;

use objects::{Key, Kind, meta};
use serde_json::{Map, Value};

use super::reason::{self, OBJECTS};
use crate::Cluster;

/// How the kubelet says that a container does not come up, which mostly takes another version of the release to mend.
const SICK: &[&str] = &[
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// The groups of the kinds that have pods.
const WORKLOADS: &[&str] = &["", "apps", "batch"];

/// The number of a Deployment's revision, at it and at the ReplicaSet that has it.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// The labels by which pods say of which revision they are.
const OF_REPLICA_SET: &str = "pod-template-hash";
const OF_REVISION: &str = "controller-revision-hash";

/// What can be seen of objects that are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sickness {
    /// What says already that they will not become ready, as far as can be seen; a container may recover.
    Sick(String),
    /// Nothing says so.
    Well,
    /// It can't be read, or a container that failed before is tried again.
    Unknown,
}

/// Looks whether objects that are waited for can still become ready.
pub async fn sickness(cluster: &Cluster, objects: &[(Key, String)]) -> Sickness {
    let mut all = Sickness::Well;
    for (key, _) in objects.iter().take(OBJECTS) {
        match newest_pods(cluster, key).await.map(|pods| of_pods(&pods)) {
            Some(Sickness::Sick(why)) => return Sickness::Sick(why),
            Some(Sickness::Well) => {}
            Some(Sickness::Unknown) | None => all = Sickness::Unknown,
        }
    }
    all
}

/// The pods of what was applied last; `None` while that can't be said. What has no pods has none.
async fn newest_pods(cluster: &Cluster, key: &Key) -> Option<Vec<Value>> {
    // A kind of somebody else has no pods that we know of.
    if !WORKLOADS.contains(&key.kind.group.as_ref()) {
        return Some(Vec::new());
    }
    let object = reason::read(cluster, key).await?;
    if key.kind == Kind::POD {
        return Some(vec![object]);
    }
    let Some(labels) = object
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object)
    else {
        return Some(Vec::new());
    };
    let kept = match () {
        () if key.kind == Kind::DEPLOYMENT => Some("ReplicaSet"),
        () if key.kind == Kind::DAEMON_SET => Some("ControllerRevision"),
        () => None,
    };
    let revisions = match kept {
        Some(kind) => reason::listed(cluster, ("apps/v1", kind), (&key.namespace, labels)).await?,
        None => Vec::new(),
    };
    let labels = narrowed(&object, labels, &revisions)?;
    reason::listed(cluster, ("v1", "Pod"), (&key.namespace, &labels)).await
}

/// The labels of the pods of a workload's newest revision; `None` until its controller has made that.
fn narrowed<'a>(
    object: &Value,
    labels: &'a Map<String, Value>,
    revisions: &[Value],
) -> Option<Cow<'a, Map<String, Value>>> {
    let kind = Kind::of(object);
    let is_controlled = [Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::DAEMON_SET].contains(&kind);
    if !is_controlled {
        return Some(Cow::Borrowed(labels));
    }
    let seen = meta::number_at(object, "/status/observedGeneration").unwrap_or_default();
    if seen < meta::generation(object) {
        return None;
    }
    let mut own = revisions
        .iter()
        .filter(|one| meta::is_controlled_by(one, meta::uid(object)));
    let (label, hash) = if kind == Kind::DEPLOYMENT {
        let revision = meta::annotation(object, REVISION)?;
        let newest = own.find(|one| meta::annotation(one, REVISION) == Some(revision))?;
        (OF_REPLICA_SET, meta::label(newest, OF_REPLICA_SET)?)
    } else if kind == Kind::DAEMON_SET {
        let newest = own.max_by_key(|one| meta::number_at(one, "/revision"))?;
        (OF_REVISION, meta::label(newest, OF_REVISION)?)
    } else {
        (OF_REVISION, meta::text_at(object, "/status/updateRevision"))
    };
    if hash.is_empty() {
        return None;
    }
    let mut labels = labels.clone();
    labels.insert(label.to_owned(), hash.into());
    Some(Cow::Owned(labels))
}

/// What can be seen of pods.
fn of_pods(pods: &[Value]) -> Sickness {
    let mut all = Sickness::Well;
    for pod in pods {
        let init = meta::list_at(pod, "/status/initContainerStatuses");
        let containers = init.iter().chain(meta::list_at(pod, "/status/containerStatuses"));
        for status in containers {
            let reason = meta::text_at(status, "/state/waiting/reason");
            if SICK.contains(&reason) {
                let (pod, container) = (meta::name(pod), meta::text(status, "name"));
                return Sickness::Sick(format!("container {container} of pod {pod}: {reason}"));
            }
            // One that crashes runs for a moment each time.
            let has_failed = status.pointer("/lastState/terminated").is_some();
            if has_failed && status.get("ready") != Some(&Value::Bool(true)) {
                all = Sickness::Unknown;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels(object: &Value, revisions: &[Value]) -> Option<Value> {
        let labels = object["spec"]["selector"]["matchLabels"].as_object().unwrap();
        narrowed(object, labels, revisions).map(|labels| json!(labels.as_ref()))
    }

    fn workload(kind: &str, annotations: &Value, status: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "status": status,
            "metadata": {"name": "web", "uid": "u", "generation": 2, "annotations": annotations},
            "spec": {"selector": {"matchLabels": {"app": "web"}}}})
    }

    fn kept(owner: &str, revision: i64, label: &str, hash: &str) -> Value {
        json!({"revision": revision, "metadata": {"labels": {label: hash},
            "annotations": {REVISION: revision.to_string()},
            "ownerReferences": [{"uid": owner, "controller": true}]}})
    }

    #[test]
    fn only_pods_of_the_newest_replica_set_count() {
        let seen = json!({"observedGeneration": 2});
        let sets = [
            kept("u", 1, OF_REPLICA_SET, "old"),
            kept("other", 2, OF_REPLICA_SET, "foreign"),
            kept("u", 2, OF_REPLICA_SET, "new"),
        ];
        let now = workload("Deployment", &json!({REVISION: "2"}), &seen);
        assert_eq!(
            labels(&now, &sets),
            Some(json!({"app": "web", OF_REPLICA_SET: "new"}))
        );
        // Its controller has not taken notice: the newest one that there is has what was there before.
        let late = workload(
            "Deployment",
            &json!({REVISION: "1"}),
            &json!({"observedGeneration": 1}),
        );
        assert_eq!(labels(&late, &sets), None);
        let unmade = workload("Deployment", &json!({REVISION: "3"}), &seen);
        assert_eq!(labels(&unmade, &sets), None);
    }

    #[test]
    fn only_pods_of_the_newest_revision_count() {
        let seen = json!({"observedGeneration": 2, "updateRevision": "web-2"});
        let set = workload("StatefulSet", &json!({}), &seen);
        assert_eq!(
            labels(&set, &[]),
            Some(json!({"app": "web", OF_REVISION: "web-2"}))
        );
        let daemons = workload("DaemonSet", &json!({}), &seen);
        let revisions = [kept("u", 5, OF_REVISION, "new"), kept("u", 4, OF_REVISION, "old")];
        assert_eq!(
            labels(&daemons, &revisions),
            Some(json!({"app": "web", OF_REVISION: "new"}))
        );
        assert_eq!(labels(&daemons, &[]), None);
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"selector": {"matchLabels": {"a": "b"}}}});
        assert_eq!(labels(&job, &[]), Some(json!({"a": "b"})));
    }

    #[test]
    fn a_container_that_crashes_is_not_well_while_it_runs_for_a_moment() {
        let pod =
            |status: Value| json!({"metadata": {"name": "web-1"}, "status": {"containerStatuses": [status]}});
        let crashed = json!({"terminated": {"exitCode": 1}});
        for (status, expected) in [
            (
                json!({"name": "a", "ready": false, "state": {"running": {}}}),
                Sickness::Well,
            ),
            (
                json!({"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": crashed}),
                Sickness::Sick("container a of pod web-1: CrashLoopBackOff".to_owned()),
            ),
            (
                json!({"name": "a", "ready": false, "state": {"running": {}}, "lastState": crashed}),
                Sickness::Unknown,
            ),
            (
                json!({"name": "a", "ready": true, "state": {"running": {}}, "lastState": crashed}),
                Sickness::Well,
            ),
        ] {
            assert_eq!(of_pods(&[pod(status.clone())]), expected, "{status}");
        }
    }
}
