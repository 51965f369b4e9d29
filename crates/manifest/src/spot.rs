//! What is known of a place in an object: how its list's items are told apart, what is an amount, what the API
//! server replaces as a whole, fills in, or does not keep.
//!
//! ```text
//! kind, names of the fields on the way ──► Spot ──► the rules of that place
//! ```
//!
//! The rules are those of the built-in kinds' published schemas, by the names of fields; a custom kind has only the
//! few that every object's metadata has, as its own schema is not at hand here. The definition of a custom kind counts
//! as custom too: its schemas contain any names.

use std::collections::HashSet;

use serde_json::Value;

use crate::object::kind_of;

/// A place in an object. An item of a list is at the place of its list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    built_in: bool,
    kind: &'a str,
    /// The last field on the way; empty for the object itself.
    pub(crate) field: &'a str,
    up: Option<&'a Spot<'a>>,
}

/// The fields, as JSON pointers, that tell the items of a list apart, with what they are when left out.
pub(crate) type Keys = &'static [(&'static str, &'static str)];

const NAME: Keys = &[("/name", "")];

/// The groups whose kinds are built in.
const BUILT_IN: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// What the server sets in the metadata, whatever is sent.
const SERVER_SET: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Maps whose keys are the user's.
const FREE: &[&str] = &[
    "annotations",
    "binaryData",
    "data",
    "hard",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "parameters",
    "requests",
    "stringData",
    "volumeAttributes",
];

/// Maps that an apply replaces as a whole.
const ATOMIC: &[&str] = &[
    "claimRef",
    "configMapKeyRef",
    "configMapRef",
    "dataSource",
    "dataSourceRef",
    "describedObject",
    "fieldRef",
    "fileKeyRef",
    "labelSelector",
    "namespaceSelector",
    "nodeSelector",
    "objectSelector",
    "podSelector",
    "required",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "resource",
    "resourceFieldRef",
    "roleRef",
    "scaleTargetRef",
    "scopeSelector",
    "secretKeyRef",
    "secretRef",
    "selector",
];

/// Maps of amounts by resource.
const AMOUNTS: &[&str] = &["capacity", "hard", "limits", "overhead", "requests"];

/// The same in a LimitRange, where they have names that mean something else elsewhere.
const LIMIT_RANGE_AMOUNTS: &[&str] = &["default", "defaultRequest", "max", "maxLimitRequestRatio", "min"];

/// Zeros that the server does not keep, by field. Only fields that aren't pointers in Go stand here: of others a zero
/// is kept, and means something.
const FALSE: &[&str] = &[
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "paused",
    "publishNotReadyAddresses",
    "readOnly",
    "stdin",
    "stdinOnce",
    "tty",
];
const ZERO: &[&str] = &["hostPort", "initialDelaySeconds", "minReadySeconds"];
const EMPTY: &[&str] = &[
    "externalName",
    "loadBalancerIP",
    "nodeName",
    "priorityClassName",
    "subPath",
];

/// What the server fills in where an apply replaces as a whole; elsewhere what it fills in does no harm.
const DEFAULTS: &[(&str, &str)] = &[
    ("apiGroup", "\"rbac.authorization.k8s.io\""),
    ("apiVersion", "\"v1\""),
    ("defaultMode", "420"),
    ("divisor", "\"0\""),
    ("expirationSeconds", "3600"),
    ("protocol", "\"TCP\""),
    ("scope", "\"*\""),
    ("volumeMode", "\"Filesystem\""),
];

/// Keys by which a list is shown to a person where it has none for the server, if they are unique.
const SHOWN: [Keys; 8] = [
    NAME,
    &[("/metadata/name", "")],
    &[("/key", "")],
    &[("/type", "")],
    &[("/ip", "")],
    &[("/host", "")],
    &[("/path", "")],
    &[("/secretName", "")],
];

impl<'a> Spot<'a> {
    /// The place of a whole object.
    pub(crate) fn root(object: &'a Value) -> Self {
        let (group, kind) = kind_of(object);
        Self {
            built_in: BUILT_IN.contains(&group),
            kind,
            field: "",
            up: None,
        }
    }

    pub(crate) fn child(&'a self, field: &'a str) -> Spot<'a> {
        Spot {
            field,
            up: Some(self),
            ..*self
        }
    }

    /// Whether the server sets this, whatever is sent. The status of a custom resource may be a field like others.
    pub(crate) fn is_servers(&self) -> bool {
        match self.depth() {
            1 => (self.built_in || self.kind == "CustomResourceDefinition") && self.field == "status",
            2 => self.parent() == "metadata" && SERVER_SET.contains(&self.field),
            _ => false,
        }
    }

    /// Whether this is a field of the object itself with this name.
    pub(crate) fn is_top(&self, field: &str) -> bool {
        self.depth() == 1 && self.field == field
    }

    /// Whether this is an annotation of the object.
    pub(crate) fn is_annotation(&self) -> bool {
        self.depth() == 3
            && self.parent() == "annotations"
            && self.up.is_some_and(|up| up.parent() == "metadata")
    }

    /// Whether this is a map whose keys are the user's.
    pub(crate) fn is_free(&self) -> bool {
        let simple_selector = || {
            self.field == "selector"
                && self.depth() == 2
                && ["Service", "ReplicationController"].contains(&self.kind)
        };
        match self.built_in {
            true => FREE.contains(&self.field) || simple_selector(),
            false => self.is_common_map(),
        }
    }

    /// Whether an apply replaces this map as a whole. Of a custom kind these are the types that it takes from the
    /// built-in ones, by their names.
    pub(crate) fn is_atomic(&self) -> bool {
        match self.built_in {
            true => ATOMIC.contains(&self.field),
            false => ["elector", "Ref"].iter().any(|end| self.field.ends_with(end)),
        }
    }

    /// What tells the items of this list apart when the server merges it; `None` for one that it replaces.
    pub(crate) fn keys(&self) -> Option<Keys> {
        if self.depth() == 2 && self.parent() == "metadata" {
            return (self.field == "ownerReferences").then_some(&[("/uid", "")]);
        }
        if !self.built_in {
            return None;
        }
        let in_container = self.parent().ends_with("ontainers");
        Some(match self.field {
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "env"
            | "volumes"
            | "hostnames"
            | "matchConditions"
            | "resourceClaims"
            | "schedulingGates"
            | "webhooks" => NAME,
            "imagePullSecrets" if self.kind != "ServiceAccount" => NAME,
            "secrets" if self.kind == "ServiceAccount" => NAME,
            "claims" if self.parent() == "resources" => NAME,
            "ports" if in_container => &[("/containerPort", ""), ("/protocol", "TCP")],
            "ports" if self.kind == "Service" => &[("/port", ""), ("/protocol", "TCP")],
            "volumeMounts" => &[("/mountPath", "")],
            "volumeDevices" => &[("/devicePath", "")],
            "hostAliases" => &[("/ip", "")],
            "topologySpreadConstraints" => &[("/topologyKey", ""), ("/whenUnsatisfiable", "")],
            _ => return None,
        })
    }

    /// Whether this list of texts is a set, to which others may add.
    pub(crate) fn is_set(&self) -> bool {
        self.depth() == 2 && self.parent() == "metadata" && self.field == "finalizers"
    }

    /// Whether this is an amount of a resource, which has many texts.
    pub(crate) fn is_amount(&self) -> bool {
        if !self.built_in || self.up.is_none_or(Spot::is_text_map) {
            return false;
        }
        match self.field {
            "averageValue" | "divisor" | "sizeLimit" => true,
            "value" if self.parent() == "target" => true,
            _ if self.kind == "LimitRange" && LIMIT_RANGE_AMOUNTS.contains(&self.parent()) => true,
            _ => AMOUNTS.contains(&self.parent()),
        }
    }

    /// Whether this is a value of a map of texts, where an empty text is one like others.
    pub(crate) fn is_text(&self) -> bool {
        !self.built_in || self.up.is_some_and(Spot::is_text_map)
    }

    /// Whether the server makes this value of a null.
    pub(crate) fn is_null_kept_as(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => text.is_empty() && self.up.is_some_and(Spot::is_text_map),
            Value::Object(fields) => fields.is_empty() && self.built_in && self.field == "resources",
            _ => false,
        }
    }

    /// Whether the server does not keep this value, so that it is the same as no field.
    pub(crate) fn vanishes(&self, value: &Value) -> bool {
        if self.up.is_some_and(Spot::is_free) {
            return false;
        }
        // A namespace is part of a name; what has none in the cluster is of a kind without.
        if self.field == "namespace" && self.depth() == 2 && self.parent() == "metadata" {
            return true;
        }
        let listed = |names: &[&str]| self.built_in && names.contains(&self.field);
        match value {
            Value::Null => true,
            Value::Array(all) => all.is_empty() && (self.built_in || self.is_set() || self.keys().is_some()),
            Value::Object(all) => all.is_empty() && self.is_free(),
            Value::Bool(value) => !value && listed(FALSE),
            Value::Number(number) => number.as_i64() == Some(0) && listed(ZERO),
            Value::String(text) => {
                text.is_empty() && (listed(EMPTY) || self.field == "value" && self.parent() == "env")
            }
        }
    }

    /// Whether the server fills this in with this value when it is left out.
    pub(crate) fn is_default(&self, value: &Value) -> bool {
        if !self.built_in || self.up.is_some_and(Spot::is_free) {
            return false;
        }
        let text = value.to_string();
        let claim_template = self.parent() == "volumeClaimTemplates";
        DEFAULTS.contains(&(self.field, text.as_str()))
            || claim_template && (self.field == "status" || text == "\"PersistentVolumeClaim\"")
            || self.vanishes(value)
    }

    /// What tells the items of these lists apart in words for a person; `None` when only their positions do.
    pub(crate) fn shown_keys(&self, lists: [&[Value]; 2]) -> Option<Keys> {
        let own = self
            .keys()
            .filter(|keys| lists.iter().all(|list| are_unique(list, keys)));
        own.or_else(|| {
            let mut candidates = SHOWN.into_iter();
            candidates.find(|keys| lists.iter().all(|list| are_unique(list, keys)))
        })
    }

    /// How many fields lead here.
    fn depth(&self) -> usize {
        let mut depth = 0;
        let mut at = self;
        while let Some(up) = at.up {
            depth += 1;
            at = up;
        }
        depth
    }

    fn parent(&self) -> &'a str {
        self.up.map_or("", |up| up.field)
    }

    /// Labels and annotations, which every kind has.
    fn is_common_map(&self) -> bool {
        self.depth() == 2 && self.parent() == "metadata" && ["annotations", "labels"].contains(&self.field)
    }

    /// A free map of texts rather than amounts.
    fn is_text_map(&self) -> bool {
        self.is_free() && !AMOUNTS.contains(&self.field)
    }
}

/// The key of an item, as it is shown: `name=web`. `None` when a field of the key is not there.
pub(crate) fn key_of(item: &Value, keys: Keys) -> Option<String> {
    let mut text = String::new();
    for (pointer, otherwise) in keys {
        let value = match item.pointer(pointer) {
            Some(Value::String(value)) => value.clone(),
            Some(Value::Number(value)) => value.to_string(),
            None | Some(Value::Null) if !otherwise.is_empty() => (*otherwise).to_owned(),
            _ => return None,
        };
        let field = pointer.rsplit('/').next().unwrap_or_default();
        let comma = if text.is_empty() { "" } else { "," };
        text += &format!("{comma}{field}={value}");
    }
    Some(text)
}

/// Whether every item has a key of its own.
pub(crate) fn are_unique(list: &[Value], keys: Keys) -> bool {
    let mut seen = HashSet::new();
    list.iter()
        .all(|item| key_of(item, keys).is_some_and(|key| seen.insert(key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Walks to a place by the names of its fields.
    fn at<R>(root: Spot<'_>, path: &[&str], then: &dyn Fn(&Spot<'_>) -> R) -> R {
        match path {
            [] => then(&root),
            [field, rest @ ..] => at(root.child(field), rest, then),
        }
    }

    fn ask<R>(version: &str, kind: &str, path: &str, then: &dyn Fn(&Spot<'_>) -> R) -> R {
        let object = json!({"apiVersion": version, "kind": kind});
        let path: Vec<&str> = path.split('.').collect();
        at(Spot::root(&object), &path, then)
    }

    #[test]
    fn lists_are_merged_by_the_keys_of_their_schema() {
        for (version, kind, path, key) in [
            ("apps/v1", "Deployment", "spec.template.spec.containers", "/name"),
            (
                "apps/v1",
                "Deployment",
                "spec.template.spec.containers.ports",
                "/containerPort",
            ),
            ("v1", "Service", "spec.ports", "/port"),
            ("v1", "Pod", "metadata.ownerReferences", "/uid"),
            ("x.io/v1", "X", "metadata.ownerReferences", "/uid"),
        ] {
            let found = ask(version, kind, path, &|spot| spot.keys().map(|keys| keys[0].0));
            assert_eq!(found, Some(key), "{kind} {path}");
        }
        for (version, kind, path) in [
            ("networking.k8s.io/v1", "NetworkPolicy", "spec.ingress.ports"),
            ("v1", "ServiceAccount", "imagePullSecrets"),
            ("v1", "Pod", "spec.tolerations"),
            ("argoproj.io/v1", "Rollout", "spec.template.spec.containers"),
        ] {
            assert!(
                ask(version, kind, path, &|spot| spot.keys().is_none()),
                "{kind} {path}"
            );
        }
    }

    #[test]
    fn amounts_are_known_by_their_place() {
        for (version, kind, path, expected) in [
            ("v1", "Pod", "spec.containers.resources.limits.cpu", true),
            ("v1", "LimitRange", "spec.limits.default.cpu", true),
            ("v1", "ResourceQuota", "spec.hard.pods", true),
            ("v1", "Pod", "spec.volumes.emptyDir.sizeLimit", true),
            ("v1", "ConfigMap", "data.sizeLimit", false),
            ("v1", "Pod", "metadata.annotations.divisor", false),
            ("v1", "Pod", "spec.priority", false),
            ("x.io/v1", "X", "spec.resources.limits.cpu", false),
            (
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "spec.limits.default",
                false,
            ),
        ] {
            assert_eq!(
                ask(version, kind, path, &|spot| spot.is_amount()),
                expected,
                "{kind} {path}"
            );
        }
    }

    #[test]
    fn zeros_vanish_only_where_the_server_drops_them() {
        for (path, value, expected) in [
            ("spec.hostNetwork", json!(false), true),
            ("spec.enableServiceLinks", json!(false), false),
            ("spec.containers.env.value", json!(""), true),
            ("metadata.annotations.value", json!(""), false),
            ("spec.tolerations", json!([]), true),
            ("spec.nodeSelector", json!({}), true),
            ("spec.securityContext", json!({}), false),
            ("spec.volumes.emptyDir", json!({}), false),
        ] {
            let found = ask("v1", "Pod", path, &|spot| spot.vanishes(&value));
            assert_eq!(found, expected, "{path}");
        }
        assert!(!ask("x.io/v1", "X", "spec.tolerations", &|spot| spot
            .vanishes(&json!([]))));
        assert!(ask("x.io/v1", "X", "metadata.labels", &|spot| spot
            .vanishes(&json!({}))));
    }
}
