//! What makes pods: the template in each object that has one.

use manifest::Object;
use objects::{Kind, Selector, meta};
use serde_json::Value;

use crate::view::{Item, each};

/// The pods of one object.
#[derive(Debug)]
pub(crate) struct Pods<'a> {
    /// The object's index.
    pub(crate) item: usize,
    /// The pointer to the template; empty for a Pod.
    pub(crate) root: &'static str,
    /// The template.
    pub(crate) template: &'a Value,
    pub(crate) namespace: &'a str,
    /// Whether Kubernetes' own controllers make the pods.
    pub(crate) built_in: bool,
}

/// A container with the pointer to it.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) at: String,
    pub(crate) value: &'a Value,
    /// Whether it runs as long as the pod does: not an init container that ends.
    pub(crate) stays: bool,
}

/// Labels that a controller puts on its pods beside those of the template.
const ADDED_LABELS: &[&str] = &[
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// Marks by which a mutating webhook adds containers.
const INJECTED: &[&str] = &[
    "consul.hashicorp.com/connect-inject",
    "inject.istio.io/templates",
    "kuma.io/sidecar-injection",
    "linkerd.io/inject",
    "sidecar.istio.io/inject",
    "sidecar.opentelemetry.io/inject",
    "vault.hashicorp.com/agent-inject",
];

/// Everything in the chart that makes pods.
pub(crate) fn of<'a>(items: &'a [Item<'a>]) -> Vec<Pods<'a>> {
    let all = items.iter().enumerate();
    all.filter_map(|(at, item)| Pods::of(at, item.kind(), &item.value, item.namespace))
        .collect()
}

/// The specification of the pods that Kubernetes' own controllers make of an object.
#[must_use]
pub fn pod_spec(object: &Object) -> Option<&Value> {
    let pods = Pods::of(0, &object.key.kind, &object.value, &object.key.namespace)?;
    pods.built_in.then(|| pods.spec())
}

fn root(kind: &Kind, value: &Value) -> Option<(&'static str, bool)> {
    match (kind.group.as_ref(), kind.name.as_ref()) {
        ("", "Pod") => Some(("", true)),
        ("batch", "CronJob") => Some(("/spec/jobTemplate/spec/template", true)),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => Some(("/spec/template", true)),
        _ => {
            let has_pods = !meta::list_at(value, "/spec/template/spec/containers").is_empty();
            has_pods.then_some(("/spec/template", false))
        }
    }
}

impl<'a> Pods<'a> {
    pub(crate) fn of(item: usize, kind: &Kind, value: &'a Value, namespace: &'a str) -> Option<Self> {
        let (root, built_in) = root(kind, value)?;
        Some(Self {
            item,
            root,
            template: meta::at(value, root)?,
            namespace,
            built_in,
        })
    }

    pub(crate) fn spec(&self) -> &'a Value {
        self.template.get("spec").unwrap_or(&Value::Null)
    }

    pub(crate) fn labels(&self) -> &'a Value {
        meta::at(self.template, "/metadata/labels").unwrap_or(&Value::Null)
    }

    /// The pointer to something in the template.
    pub(crate) fn at(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.root)
    }

    /// A list of the pod's specification with the pointer to each item.
    pub(crate) fn list(&self, name: &str) -> Vec<(String, &'a Value)> {
        each(self.template, self.root, &format!("/spec/{name}"))
    }

    /// Every container, init containers first.
    pub(crate) fn containers(&self) -> Vec<Container<'a>> {
        let init = self
            .list("initContainers")
            .into_iter()
            .map(|(at, value)| Container {
                at,
                value,
                stays: meta::text(value, "restartPolicy") == "Always",
            });
        let main = self.list("containers").into_iter().map(|(at, value)| Container {
            at,
            value,
            stays: true,
        });
        init.chain(main).collect()
    }

    /// The containers that run as long as the pod does.
    pub(crate) fn staying(&self) -> impl Iterator<Item = Container<'a>> {
        self.containers().into_iter().filter(|container| container.stays)
    }

    /// Whether something outside of the chart is asked to add containers.
    pub(crate) fn is_injected(&self) -> bool {
        let marks = ["/metadata/annotations", "/metadata/labels"];
        let mut marks = marks
            .iter()
            .filter_map(|at| meta::at(self.template, at)?.as_object());
        marks.any(|map| INJECTED.iter().any(|mark| map.contains_key(*mark)))
    }

    /// Whether a selector selects the pods, once their controllers have added their labels.
    pub(crate) fn is_selected(&self, selector: &Selector) -> bool {
        selector.selects_labels(self.labels())
    }
}

/// The plain map of a selector without what controllers add.
pub(crate) fn written(selector: &Value) -> Value {
    match selector {
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter(|(key, _)| !ADDED_LABELS.contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// The selector of `matchLabels` and `matchExpressions` without what controllers add.
pub(crate) fn written_selector(selector: &Value) -> Selector {
    let mut kept = selector.clone();
    if let Some(labels) = kept.get_mut("matchLabels") {
        *labels = written(labels);
    }
    if let Some(Value::Array(needs)) = kept.get_mut("matchExpressions") {
        needs.retain(|need| !ADDED_LABELS.contains(&meta::text(need, "key")));
    }
    Selector::from_json(&kept)
}
