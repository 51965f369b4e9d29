//! Why objects did not become ready: their pods, the containers' states, the events and the last lines of their logs.

use std::fmt;

use objects::{Key, Kind, meta};
use serde_json::{Map, Value};

use crate::{Cluster, ListQuery};

/// The most objects that are looked into, pods of each, and lines of a log: enough to see the cause, few enough to
/// read.
pub(super) const OBJECTS: usize = 3;
const PODS: usize = 2;
const LINES: u32 = 10;

/// The most pods of a workload and events of an object that are read for it.
const READ: usize = 50;

/// What was found about one container, or about a pod that has none running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// `Pod shop/web-1` or what else it is about.
    pub about: String,
    /// Empty for what concerns the whole object.
    pub container: String,
    /// Its state: `CrashLoopBackOff: back-off 10s restarting failed container`.
    pub state: String,
    /// The last warning about it: `FailedScheduling: 0/5 nodes are available`.
    pub event: Option<String>,
    /// The last lines that it printed.
    pub log: Vec<String>,
}

/// Gathers the symptoms of objects that failed. What can't be read is left out: the failure itself is already known.
pub(crate) async fn symptoms(cluster: &Cluster, objects: &[(Key, String)]) -> Vec<Symptom> {
    let mut found = Vec::new();
    for (key, _) in objects.iter().take(OBJECTS) {
        let pods = pods(cluster, key).await.unwrap_or_default();
        let mut sick: Vec<&Value> = pods.iter().filter(|pod| !objects::pod::is_ready(pod)).collect();
        sick.sort_by_key(|pod| meta::name(pod));
        for pod in sick.iter().take(PODS) {
            found.extend(of_pod(cluster, pod).await);
        }
        if sick.is_empty() {
            found.extend(of_object(cluster, key).await);
        }
    }
    found
}

/// The pods under an object: itself, or those that its selector selects.
pub(crate) async fn pods(cluster: &Cluster, key: &Key) -> Option<Vec<Value>> {
    if key.kind == Kind::POD {
        return Some(vec![read(cluster, key).await?]);
    }
    let object = read(cluster, key).await?;
    let labels = object.pointer("/spec/selector/matchLabels")?.as_object()?;
    listed(cluster, ("v1", "Pod"), (&key.namespace, labels)).await
}

/// An object of a built-in kind.
pub(super) async fn read(cluster: &Cluster, key: &Key) -> Option<Value> {
    let api_version = match key.kind.group.as_ref() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    };
    let resource = cluster.resource(&api_version, &key.kind.name).await.ok()??;
    cluster.get(resource.at(&key.namespace, &key.name)).await.ok()?
}

/// The objects of a kind with these labels, as many as are looked at.
pub(super) async fn listed(
    cluster: &Cluster,
    (api_version, kind): (&str, &str),
    (namespace, labels): (&str, &Map<String, Value>),
) -> Option<Vec<Value>> {
    let resource = cluster.resource(api_version, kind).await.ok()??;
    let query = ListQuery {
        limit: Some(READ),
        ..ListQuery::matching(labels)
    };
    let listed = cluster.list(&resource, Some(namespace), &query).await.ok()?;
    Some(listed.items)
}

async fn of_pod(cluster: &Cluster, pod: &Value) -> Vec<Symptom> {
    let Ok(Some(resource)) = cluster.resource("v1", "Pod").await else {
        return Vec::new();
    };
    let at = resource.at(meta::namespace(pod), meta::name(pod));
    let event = last_warning(cluster, meta::namespace(pod), meta::uid(pod)).await;
    let about = format!("Pod {}/{}", meta::namespace(pod), meta::name(pod));
    let mut found = Vec::new();
    for path in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for status in meta::list_at(pod, path) {
            let Some(state) = state(status) else { continue };
            let container = meta::text(status, "name");
            let has_ended = status.pointer("/lastState/terminated").is_some();
            let is_running = status.pointer("/state/running").is_some();
            let log = cluster.logs(at, container, LINES, has_ended && !is_running).await;
            found.push(Symptom {
                about: about.clone(),
                container: container.to_owned(),
                state,
                event: event.clone(),
                log: log.unwrap_or_default().lines().map(str::to_owned).collect(),
            });
        }
    }
    if found.is_empty() {
        let unscheduled = objects::condition::find(pod, "PodScheduled")
            .filter(|condition| meta::text(condition, "status") == "False")
            .map(|condition| {
                format!(
                    "{}: {}",
                    meta::text(condition, "reason"),
                    meta::text(condition, "message")
                )
            });
        found.push(Symptom {
            about,
            container: String::new(),
            state: unscheduled.unwrap_or_else(|| format!("is {}", meta::text_at(pod, "/status/phase"))),
            event,
            log: Vec::new(),
        });
    }
    found
}

/// Why a container does not serve; `None` for one that does.
fn state(status: &Value) -> Option<String> {
    let worded = |state: &Value| {
        let (reason, message) = (meta::text(state, "reason"), meta::text(state, "message"));
        match (message, meta::number_at(state, "/exitCode")) {
            ("", Some(code)) => format!("{reason} with exit code {code}"),
            ("", None) => reason.to_owned(),
            (message, _) => format!("{reason}: {message}"),
        }
    };
    if let Some(waiting) = status.pointer("/state/waiting") {
        let last = status.pointer("/lastState/terminated");
        let last = last
            .map(|last| format!(", last {}", worded(last)))
            .unwrap_or_default();
        return Some(worded(waiting) + &last);
    }
    if let Some(ended) = status.pointer("/state/terminated") {
        return (meta::number_at(ended, "/exitCode") != Some(0)).then(|| worded(ended));
    }
    (status.get("ready") == Some(&Value::Bool(false))).then(|| "is running and not ready".to_owned())
}

async fn of_object(cluster: &Cluster, key: &Key) -> Option<Symptom> {
    let events = cluster.resource("v1", "Event").await.ok()??;
    let query = ListQuery {
        fields: format!(
            "involvedObject.name={},involvedObject.kind={}",
            key.name, key.kind.name
        ),
        limit: Some(READ),
        ..ListQuery::default()
    };
    let place = Some(key.namespace.as_ref()).filter(|namespace| !namespace.is_empty());
    let listed = cluster
        .list(&events, place.or(Some("default")), &query)
        .await
        .ok()?;
    let event = last_of(&listed.items)?;
    Some(Symptom {
        about: key.to_string(),
        container: String::new(),
        state: String::new(),
        event: Some(event),
        log: Vec::new(),
    })
}

async fn last_warning(cluster: &Cluster, namespace: &str, uid: &str) -> Option<String> {
    let events = cluster.resource("v1", "Event").await.ok()??;
    let query = ListQuery {
        fields: format!("involvedObject.uid={uid},type=Warning"),
        limit: Some(READ),
        ..ListQuery::default()
    };
    let listed = cluster.list(&events, Some(namespace), &query).await.ok()?;
    last_of(&listed.items)
}

fn last_of(events: &[Value]) -> Option<String> {
    let time = |event: &&Value| {
        let time = [meta::text(event, "lastTimestamp"), meta::text(event, "eventTime")];
        time.into_iter().max().unwrap_or_default().to_owned()
    };
    let warnings = events
        .iter()
        .filter(|event| meta::text(event, "type") == "Warning");
    let last = warnings.max_by_key(time)?;
    Some(format!(
        "{}: {}",
        meta::text(last, "reason"),
        meta::text(last, "message")
    ))
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.about)?;
        if !self.container.is_empty() {
            write!(f, ", container {}", self.container)?;
        }
        if !self.state.is_empty() {
            write!(f, ": {}", self.state)?;
        }
        if let Some(event) = &self.event {
            write!(f, "\n  event {event}")?;
        }
        for line in &self.log {
            write!(f, "\n  log {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_containers_state_says_why_it_does_not_serve() {
        for (status, expected) in [
            (json!({"ready": true, "state": {"running": {}}}), None),
            (
                json!({"ready": false, "state": {"running": {}}}),
                Some("is running and not ready"),
            ),
            (
                json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}),
                None,
            ),
            (
                json!({"state": {"terminated": {"exitCode": 3, "reason": "Error"}}}),
                Some("Error with exit code 3"),
            ),
            (
                json!({"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
                Some("CrashLoopBackOff: back-off 10s, last OOMKilled with exit code 137"),
            ),
        ] {
            assert_eq!(state(&status).as_deref(), expected, "{status}");
        }
    }
}
