//! The objects of a chart as checks look at them: without nulls, by key, and their pods.
//!
//! ```text
//! Placed ──► Item (value, namespace, hook) ──► View: by key, pods with their templates, Services
//! ```
//!
//! The namespace of an object that names none is the release's; for kinds without namespaces that does no harm, as both
//! sides of a comparison have it.

use std::borrow::Cow;
use std::collections::HashMap;

use manifest::{Object, Placed, without_nulls};
use objects::{Key, Kind, meta};
use serde_json::Value;

use crate::context::Context;
use crate::hook::Hook;
use crate::pods::{self, Pods};

/// One object.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) object: &'a Object,
    pub(crate) value: Cow<'a, Value>,
    pub(crate) namespace: &'a str,
    pub(crate) hook: Option<Hook>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) context: &'a Context,
    pub(crate) items: &'a [Item<'a>],
    /// What makes pods, in the order of the objects; hooks included.
    pub(crate) pods: Vec<Pods<'a>>,
    /// Nothing for a name that several objects have, hooks included: which of them counts when is not sure.
    by_name: HashMap<(&'a Kind, &'a str, &'a str), Option<usize>>,
    /// Whether some object is of a kind whose controller may make pods, Services or anything.
    makes_more: bool,
}

/// Where something that is referred to was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// In the chart.
    Made(usize, &'a Value),
    /// In the cluster; null where only its name is known.
    There(&'a Value),
    /// Nowhere, and all that there is is known.
    Missing,
    /// Not in the chart, and what else there is is not known.
    Unknown,
}

impl<'a> Item<'a> {
    pub(crate) fn all(objects: &'a [Placed<'_>], context: &'a Context) -> Vec<Self> {
        let items = objects.iter().map(|placed| {
            let object = &placed.object;
            let namespace: &str = &object.key.namespace;
            Item {
                object,
                value: without_nulls(&object.value),
                namespace: match namespace {
                    "" => &context.namespace,
                    given => given,
                },
                hook: Hook::of(&object.value),
            }
        });
        items.collect()
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.object.key.kind
    }

    pub(crate) fn name(&self) -> &str {
        &self.object.key.name
    }

    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        let of = self.kind();
        of.group == group && of.name == kind
    }

    /// The object as messages name it: `Deployment web`.
    pub(crate) fn short(&self) -> String {
        format!("{} {}", self.kind().name, self.name())
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(items: &'a [Item<'a>], context: &'a Context) -> Self {
        let mut by_name = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            by_name
                .entry((item.kind(), item.namespace, item.name()))
                .and_modify(|known| *known = None)
                .or_insert(Some(at));
        }
        Self {
            context,
            items,
            pods: pods::of(items),
            by_name,
            makes_more: items.iter().any(|item| makes_more(item.kind())),
        }
    }

    /// The objects of a kind.
    pub(crate) fn of(&self, kind: &Kind) -> std::vec::IntoIter<(usize, &'a Item<'a>)> {
        let all = self.items.iter().enumerate();
        let of: Vec<_> = all.filter(|(_, item)| item.kind() == kind).collect();
        of.into_iter()
    }

    /// Looks for an object in the chart, then in the cluster.
    pub(crate) fn find(&self, kind: &Kind, namespace: &str, name: &str) -> Target<'_> {
        match self.by_name.get(&(kind, namespace, name)) {
            Some(Some(at)) => return Target::Made(*at, &self.items[*at].value),
            Some(None) => return Target::There(&Value::Null),
            None => {}
        }
        match self.context.found(kind, namespace, name) {
            Some(value) => Target::There(value),
            None if self.context.knows(namespace) && !self.makes_more => Target::Missing,
            None => Target::Unknown,
        }
    }

    /// Whether everything that a namespace will have is made by the chart, as far as its objects tell.
    pub(crate) fn makes_all(&self, namespace: &str) -> bool {
        !self.makes_more && namespace == self.context.namespace
    }

    /// Whether the chart makes objects of a kind, and all that a namespace will have of it, as far as its objects tell.
    pub(crate) fn makes_some(&self, kind: &Kind, namespace: &str) -> bool {
        self.makes_all(namespace) && self.of(kind).any(|(_, item)| item.namespace == namespace)
    }

    /// The names of a kind's objects in a namespace, in the chart and the cluster.
    pub(crate) fn names<'s>(&'s self, kind: &'s Kind, namespace: &'s str) -> impl Iterator<Item = &'s str> {
        let made = self.of(kind).filter(move |(_, item)| item.namespace == namespace);
        let there = self.context.known.iter().flat_map(|known| known.objects.keys());
        let there = there.filter(move |key| key.kind == *kind && *key.namespace == *namespace);
        made.map(|(_, item)| item.name())
            .chain(there.map(|key: &Key| key.name.as_ref()))
    }

    /// The objects of a kind that the cluster has in a namespace and whose content is known.
    pub(crate) fn there(&self, kind: &Kind, namespace: &str) -> std::vec::IntoIter<&'a Value> {
        let all = self.context.known.iter().flat_map(|known| &known.objects);
        let of = all.filter(|(key, _)| key.kind == *kind && *key.namespace == *namespace);
        let values: Vec<&Value> = of.map(|(_, value)| value.as_ref()).collect();
        values.into_iter()
    }
}

/// Groups whose kinds are Kubernetes' own, or are read by controllers that make neither pods nor what pods need.
const MAKE_NOTHING: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "autoscaling.k8s.io",
    "batch",
    "certificates.k8s.io",
    "cilium.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "keda.sh",
    "kyverno.io",
    "networking.istio.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "route.openshift.io",
    "scheduling.k8s.io",
    "security.istio.io",
    "snapshot.storage.k8s.io",
    "storage.k8s.io",
    "traefik.containo.us",
    "traefik.io",
];

/// The same for single kinds.
const KINDS_MAKE_NOTHING: &[(&str, &str)] = &[
    ("gateway.networking.k8s.io", "GRPCRoute"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("gateway.networking.k8s.io", "TCPRoute"),
    ("gateway.networking.k8s.io", "TLSRoute"),
    ("gateway.networking.k8s.io", "UDPRoute"),
    ("monitoring.coreos.com", "AlertmanagerConfig"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "Probe"),
    ("monitoring.coreos.com", "PrometheusRule"),
    ("monitoring.coreos.com", "ServiceMonitor"),
];

fn makes_more(kind: &Kind) -> bool {
    !MAKE_NOTHING.contains(&kind.group.as_ref())
        && !KINDS_MAKE_NOTHING.contains(&(kind.group.as_ref(), kind.name.as_ref()))
}

/// A step of a JSON pointer.
pub(crate) fn step(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

/// A list with the pointer of each item.
pub(crate) fn each<'v>(value: &'v Value, base: &str, list: &str) -> Vec<(String, &'v Value)> {
    let items = meta::list_at(value, list).iter().enumerate();
    items
        .map(|(at, item)| (format!("{base}{list}/{at}"), item))
        .collect()
}

impl View<'_> {
    /// Whether something in the chart or the cluster scales a workload.
    pub(crate) fn is_scaled(&self, workload: &Item<'_>) -> bool {
        let is_target = |target: &Value| {
            let kind = meta::text(target, "kind");
            meta::text(target, "name") == workload.name() && (kind.is_empty() || kind == workload.kind().name)
        };
        let scales = |value: &Value| meta::at(value, "/spec/scaleTargetRef").is_some_and(is_target);
        let here = self
            .items
            .iter()
            .filter(|item| item.namespace == workload.namespace);
        here.map(|item| &*item.value).any(scales)
            || self
                .there(&Kind::HORIZONTAL_POD_AUTOSCALER, workload.namespace)
                .any(scales)
    }
}
