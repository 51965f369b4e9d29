//! Names of kinds and of objects.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::meta;

/// A kind of objects: its API group (empty for the core group) and its name. The version is the server's affair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    pub group: Cow<'static, str>,
    pub name: Cow<'static, str>,
}

/// Where an object is: its kind, namespace (empty for kinds without) and name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: Kind,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

macro_rules! kinds {
    ($($constant:ident $group:literal $name:literal)*) => {
        impl Kind {
            $(pub const $constant: Kind = Kind::builtin($group, $name);)*

            /// The kinds that have a constant.
            const KNOWN: &[Kind] = &[$(Kind::$constant),*];
        }
    };
}

kinds! {
    CONFIG_MAP "" "ConfigMap"
    CONTROLLER_REVISION "apps" "ControllerRevision"
    CRON_JOB "batch" "CronJob"
    CUSTOM_RESOURCE_DEFINITION "apiextensions.k8s.io" "CustomResourceDefinition"
    DAEMON_SET "apps" "DaemonSet"
    DEPLOYMENT "apps" "Deployment"
    ENDPOINTS "" "Endpoints"
    ENDPOINT_SLICE "discovery.k8s.io" "EndpointSlice"
    EVENT "" "Event"
    HORIZONTAL_POD_AUTOSCALER "autoscaling" "HorizontalPodAutoscaler"
    INGRESS "networking.k8s.io" "Ingress"
    JOB "batch" "Job"
    LEASE "coordination.k8s.io" "Lease"
    LIMIT_RANGE "" "LimitRange"
    NAMESPACE "" "Namespace"
    NODE "" "Node"
    PERSISTENT_VOLUME "" "PersistentVolume"
    PERSISTENT_VOLUME_CLAIM "" "PersistentVolumeClaim"
    POD "" "Pod"
    POD_DISRUPTION_BUDGET "policy" "PodDisruptionBudget"
    POD_METRICS "metrics.k8s.io" "PodMetrics"
    PRIORITY_CLASS "scheduling.k8s.io" "PriorityClass"
    REPLICATION_CONTROLLER "" "ReplicationController"
    REPLICA_SET "apps" "ReplicaSet"
    RESOURCE_QUOTA "" "ResourceQuota"
    SECRET "" "Secret"
    SERVICE "" "Service"
    SERVICE_ACCOUNT "" "ServiceAccount"
    STATEFUL_SET "apps" "StatefulSet"
    STORAGE_CLASS "storage.k8s.io" "StorageClass"
}

impl Kind {
    const fn builtin(group: &'static str, name: &'static str) -> Self {
        Self {
            group: Cow::Borrowed(group),
            name: Cow::Borrowed(name),
        }
    }

    /// A kind that is known only when the program runs. One that has a constant is that constant: keys are cloned
    /// very often, and then it costs nothing.
    #[must_use]
    pub fn new(group: impl Into<String>, name: impl Into<String>) -> Self {
        let (group, name) = (group.into(), name.into());
        let mut known = Self::KNOWN.iter();
        match known.find(|kind| kind.name == name && kind.group == group) {
            Some(known) => known.clone(),
            None => Self {
                group: Cow::Owned(group),
                name: Cow::Owned(name),
            },
        }
    }

    /// The kind that an object or a reference says in `apiVersion` and `kind`.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let version = meta::text(object, "apiVersion");
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        Self::new(group, meta::text(object, "kind"))
    }
}

impl Key {
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: Arc::from(namespace),
            name: Arc::from(name),
        }
    }

    /// The key of an object whose kind is known.
    #[must_use]
    pub fn of(kind: Kind, object: &Value) -> Self {
        Self::new(kind, meta::namespace(object), meta::name(object))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_ref() {
            "" => f.write_str(&self.name),
            group => write!(f, "{}.{group}", self.name),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_ref() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_with_a_constant_is_never_copied() {
        let known = Kind::new("apps", "Deployment");
        assert_eq!(known, Kind::DEPLOYMENT);
        assert!(matches!(known.name, Cow::Borrowed(_)));
        let other = Kind::new("example.org", "Deployment");
        assert_ne!(other, Kind::DEPLOYMENT);
        assert!(matches!(other.name, Cow::Owned(_)));
    }
}
