//! The object that a creation is compared with.
//!
//! A custom resource starts from nothing. A built-in kind starts from its Go struct, whose embedded structs and
//! required fields are there before anything is set: that is why a created Deployment owns `f:labels: {".": {}}`
//! but no `"."` in `f:spec` or `f:containers`.

use serde_json::{Map, Value};

use super::Target;
use crate::schema::{Kind, Scalar, TypeRef};

/// Structs by value can't contain themselves; this only guards against a broken table.
const MAX_DEPTH: usize = 16;

/// The fields that are structs by value, by the last part of their type's name. OpenAPI does not tell them from
/// pointers; these are the ones that are reached from an object without passing a pointer, a list or a map.
const BY_VALUE: &[(&str, &[&str])] = &[
    ("ClusterRoleBinding", &["roleRef"]),
    ("CronJobSpec", &["jobTemplate"]),
    ("CustomResourceDefinitionSpec", &["names"]),
    ("CustomResourceDefinitionStatus", &["acceptedNames"]),
    ("DaemonSetSpec", &["template", "updateStrategy"]),
    ("DeploymentSpec", &["strategy", "template"]),
    (
        "Event",
        &["deprecatedSource", "involvedObject", "regarding", "source"],
    ),
    ("FlowSchemaSpec", &["priorityLevelConfiguration"]),
    ("HorizontalPodAutoscalerSpec", &["scaleTargetRef"]),
    ("IngressStatus", &["loadBalancer"]),
    ("JobSpec", &["template"]),
    ("JobTemplateSpec", &["metadata", "spec"]),
    ("NetworkPolicySpec", &["podSelector"]),
    ("NodeDaemonEndpoints", &["kubeletEndpoint"]),
    ("NodeStatus", &["daemonEndpoints", "nodeInfo"]),
    ("PersistentVolumeClaimSpec", &["resources"]),
    ("PodTemplate", &["template"]),
    ("PodTemplateSpec", &["metadata", "spec"]),
    ("ReplicaSetSpec", &["template"]),
    ("RoleBinding", &["roleRef"]),
    ("ServiceStatus", &["loadBalancer"]),
    ("StatefulSetSpec", &["template", "updateStrategy"]),
    ("VolumeAttachmentSpec", &["source"]),
];

/// Every built-in object has these by value, if it has them.
const BY_VALUE_ON_TOP: [&str; 3] = ["metadata", "spec", "status"];

/// The empty object of a kind.
pub(super) fn empty(target: &Target<'_>) -> Value {
    if !target.builtin {
        return Value::Object(Map::new());
    }
    zero(target.ty, &BY_VALUE_ON_TOP, MAX_DEPTH)
}

fn zero(ty: TypeRef<'_>, also_by_value: &[&str], depth_left: usize) -> Value {
    let mut fields = Map::new();
    if depth_left == 0 {
        return Value::Object(fields);
    }
    let name = ty.definition_name().rsplit('.').next().unwrap_or_default();
    let by_value = BY_VALUE
        .iter()
        .find(|(ty, _)| *ty == name)
        .map_or(&[] as &[&str], |(_, fields)| fields);
    for field in ty.fields() {
        let embedded = by_value.contains(&field.name) || also_by_value.contains(&field.name);
        let value = match field.ty.kind() {
            Kind::Struct { .. } if embedded => zero(field.ty, &[], depth_left - 1),
            _ if !field.required => continue,
            Kind::Scalar(Scalar::String) if field.ty.format().is_empty() => Value::String(String::new()),
            Kind::Scalar(Scalar::Integer | Scalar::Number) => Value::from(0),
            Kind::Scalar(Scalar::Boolean) => Value::Bool(false),
            _ => Value::Null,
        };
        fields.insert(field.name.to_owned(), value);
    }
    Value::Object(fields)
}
