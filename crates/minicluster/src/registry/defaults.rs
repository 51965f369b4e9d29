//! The defaults of built-in kinds that stand in no schema, by type and field.
//!
//! The table names types as OpenAPI does, so one walk along the types finds every PodSpec wherever it is embedded.
//! Defaults that depend on other fields are the few functions below. Validation is not here.

use serde_json::{Value, json};

use super::catalog::Served;
use crate::schema::TypeRef;

/// The deepest value walked: deeper than any object that the parsers accept.
const MAX_DEPTH: usize = 200;

/// Type (without `io.k8s.api.`), field, value.
const TABLE: &[(&str, &str, &str)] = &[
    ("apps.v1.DaemonSetSpec", "revisionHistoryLimit", "10"),
    (
        "apps.v1.DaemonSetSpec",
        "updateStrategy",
        r#"{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}}"#,
    ),
    ("apps.v1.DeploymentSpec", "progressDeadlineSeconds", "600"),
    ("apps.v1.DeploymentSpec", "replicas", "1"),
    ("apps.v1.DeploymentSpec", "revisionHistoryLimit", "10"),
    (
        "apps.v1.DeploymentSpec",
        "strategy",
        r#"{"type":"RollingUpdate"}"#,
    ),
    ("apps.v1.DeploymentStrategy", "type", r#""RollingUpdate""#),
    ("apps.v1.ReplicaSetSpec", "replicas", "1"),
    (
        "apps.v1.StatefulSetSpec",
        "persistentVolumeClaimRetentionPolicy",
        r#"{"whenDeleted":"Retain","whenScaled":"Retain"}"#,
    ),
    (
        "apps.v1.StatefulSetSpec",
        "podManagementPolicy",
        r#""OrderedReady""#,
    ),
    ("apps.v1.StatefulSetSpec", "replicas", "1"),
    ("apps.v1.StatefulSetSpec", "revisionHistoryLimit", "10"),
    (
        "apps.v1.StatefulSetSpec",
        "updateStrategy",
        r#"{"type":"RollingUpdate","rollingUpdate":{"partition":0}}"#,
    ),
    ("autoscaling.v2.HorizontalPodAutoscalerSpec", "minReplicas", "1"),
    ("batch.v1.CronJobSpec", "concurrencyPolicy", r#""Allow""#),
    ("batch.v1.CronJobSpec", "failedJobsHistoryLimit", "1"),
    ("batch.v1.CronJobSpec", "successfulJobsHistoryLimit", "3"),
    ("batch.v1.CronJobSpec", "suspend", "false"),
    ("batch.v1.JobSpec", "backoffLimit", "6"),
    ("batch.v1.JobSpec", "completionMode", r#""NonIndexed""#),
    (
        "batch.v1.JobSpec",
        "podReplacementPolicy",
        r#""TerminatingOrFailed""#,
    ),
    ("batch.v1.JobSpec", "suspend", "false"),
    ("core.v1.ConfigMapVolumeSource", "defaultMode", "420"),
    ("core.v1.Container", "resources", "{}"),
    (
        "core.v1.Container",
        "terminationMessagePath",
        r#""/dev/termination-log""#,
    ),
    ("core.v1.Container", "terminationMessagePolicy", r#""File""#),
    ("core.v1.ContainerPort", "protocol", r#""TCP""#),
    ("core.v1.DownwardAPIVolumeSource", "defaultMode", "420"),
    ("core.v1.HTTPGetAction", "path", r#""/""#),
    ("core.v1.HTTPGetAction", "scheme", r#""HTTP""#),
    ("core.v1.HostPathVolumeSource", "type", r#""""#),
    ("core.v1.ObjectFieldSelector", "apiVersion", r#""v1""#),
    (
        "core.v1.PersistentVolumeClaimSpec",
        "volumeMode",
        r#""Filesystem""#,
    ),
    (
        "core.v1.PersistentVolumeSpec",
        "persistentVolumeReclaimPolicy",
        r#""Retain""#,
    ),
    ("core.v1.PersistentVolumeSpec", "volumeMode", r#""Filesystem""#),
    ("core.v1.PodSpec", "dnsPolicy", r#""ClusterFirst""#),
    ("core.v1.PodSpec", "restartPolicy", r#""Always""#),
    ("core.v1.PodSpec", "schedulerName", r#""default-scheduler""#),
    ("core.v1.PodSpec", "securityContext", "{}"),
    ("core.v1.PodSpec", "terminationGracePeriodSeconds", "30"),
    ("core.v1.Probe", "failureThreshold", "3"),
    ("core.v1.Probe", "periodSeconds", "10"),
    ("core.v1.Probe", "successThreshold", "1"),
    ("core.v1.Probe", "timeoutSeconds", "1"),
    ("core.v1.ProjectedVolumeSource", "defaultMode", "420"),
    ("core.v1.SecretVolumeSource", "defaultMode", "420"),
    ("core.v1.ServicePort", "protocol", r#""TCP""#),
    ("core.v1.ServiceSpec", "internalTrafficPolicy", r#""Cluster""#),
    ("core.v1.ServiceSpec", "sessionAffinity", r#""None""#),
    ("core.v1.ServiceSpec", "type", r#""ClusterIP""#),
    ("networking.v1.NetworkPolicyPort", "protocol", r#""TCP""#),
    ("storage.v1.StorageClass", "reclaimPolicy", r#""Delete""#),
    ("storage.v1.StorageClass", "volumeBindingMode", r#""Immediate""#),
];

/// Fills in what the client left out of a built-in kind's object.
pub(super) fn fill(served: &Served, object: &mut Value) {
    if served.custom.is_none() {
        walk(served.ty(), object, 0);
    }
}

fn walk(ty: TypeRef<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Array(items) => {
            if let Some(element) = ty.element() {
                for item in items {
                    walk(element, item, depth + 1);
                }
            }
        }
        Value::Object(fields) => {
            let name = ty.definition_name().trim_start_matches("io.k8s.api.");
            let first = TABLE.partition_point(|(of, _, _)| *of < name);
            for (_, field, text) in TABLE[first..].iter().take_while(|(of, _, _)| *of == name) {
                if fields.get(*field).is_none_or(Value::is_null) {
                    let value = serde_json::from_str(text).expect("the table holds JSON");
                    fields.insert((*field).to_owned(), value);
                }
            }
            for (key, field) in &mut *fields {
                if let Some(ty) = ty.field(key) {
                    walk(ty, field, depth + 1);
                }
            }
            dependent(name, value);
        }
        _ => {}
    }
}

/// Defaults that follow from other fields.
fn dependent(name: &str, value: &mut Value) {
    match name {
        "core.v1.Container" if value["imagePullPolicy"].is_null() => {
            let image = value["image"].as_str().unwrap_or_default();
            value["imagePullPolicy"] = json!(if is_latest(image) {
                "Always"
            } else {
                "IfNotPresent"
            });
        }
        "core.v1.PodSpec" => {
            let account = value["serviceAccountName"].clone();
            match (account.is_string(), value["serviceAccount"].is_string()) {
                (true, _) => value["serviceAccount"] = account,
                (false, true) => value["serviceAccountName"] = value["serviceAccount"].clone(),
                _ => remove(value, "serviceAccountName"),
            }
        }
        "core.v1.Volume" if value.as_object().is_some_and(|fields| fields.len() == 1) => {
            value["emptyDir"] = json!({});
        }
        "apps.v1.DeploymentStrategy" if value["type"] == "RollingUpdate" => {
            if !value["rollingUpdate"].is_object() {
                value["rollingUpdate"] = json!({});
            }
            for field in ["maxSurge", "maxUnavailable"] {
                if value["rollingUpdate"][field].is_null() {
                    value["rollingUpdate"][field] = json!("25%");
                }
            }
        }
        "core.v1.ServicePort" if value["targetPort"].is_null() => {
            value["targetPort"] = value["port"].clone();
        }
        "core.v1.ServiceSpec" if value["type"] == "ExternalName" => remove(value, "internalTrafficPolicy"),
        "core.v1.ServiceSpec" if value["type"] != "ClusterIP" && value["externalTrafficPolicy"].is_null() => {
            value["externalTrafficPolicy"] = json!("Cluster");
        }
        "networking.v1.NetworkPolicySpec" if value["policyTypes"].is_null() => {
            let egress = value["egress"].is_array();
            value["policyTypes"] = if egress {
                json!(["Ingress", "Egress"])
            } else {
                json!(["Ingress"])
            };
        }
        "rbac.v1.RoleRef" if value["apiGroup"].is_null() => {
            value["apiGroup"] = json!("rbac.authorization.k8s.io");
        }
        "rbac.v1.Subject" if value["apiGroup"].is_null() && value["kind"] != "ServiceAccount" => {
            value["apiGroup"] = json!("rbac.authorization.k8s.io");
        }
        "core.v1.Pod" if value["spec"].is_object() => pod(&mut value["spec"]),
        _ => {}
    }
}

/// Defaults of a Pod that the template of one does not get.
fn pod(spec: &mut Value) {
    if spec["enableServiceLinks"].is_null() {
        spec["enableServiceLinks"] = json!(true);
    }
    for field in ["containers", "initContainers"] {
        for container in spec[field].as_array_mut().into_iter().flatten() {
            if container["resources"].is_object() {
                requests(&mut container["resources"]);
            }
        }
    }
    if spec["initContainers"].is_null() {
        remove(spec, "initContainers");
    }
    if spec["containers"].is_null() {
        remove(spec, "containers");
    }
}

/// A limit without a request is also the request.
fn requests(value: &mut Value) {
    let limits = value["limits"].as_object().cloned().unwrap_or_default();
    for (name, limit) in limits {
        if value["requests"][&name].is_null() {
            value["requests"][&name] = limit;
        }
    }
    if value["limits"].is_null() {
        remove(value, "limits");
    }
    if value["requests"].is_null() {
        remove(value, "requests");
    }
}

fn remove(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(field);
    }
}

/// True for an image without a tag, or with `latest`.
fn is_latest(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or_default();
    if last.contains('@') {
        return false;
    }
    match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_holds_json() {
        let names: Vec<&str> = TABLE.iter().map(|(name, _, _)| *name).collect();
        assert!(names.is_sorted());
        for (name, field, text) in TABLE {
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{name}.{field}");
        }
    }
}
