//! Defaults checked against the recorded answers of a real 1.35 API server (defaults.json).
//!
//! What admission, allocation and controllers add to the recorded objects is left out on both sides.

use minicluster::validate;
use serde_json::{Value, json};

const STEPS: &str = include_str!("../recorded/defaults.json");
const GOLDEN: &str = include_str!("../recorded/golden/defaults.json");

const UID: &str = "0000-1111";

/// What other parts of the server fill in.
const NOT_OURS: &[&str] = &[
    "/metadata/creationTimestamp",
    "/metadata/generation",
    "/metadata/namespace",
    "/metadata/resourceVersion",
    "/metadata/uid",
    "/spec/clusterIP",
    "/spec/clusterIPs",
    "/spec/ipFamilies",
    "/spec/ipFamilyPolicy",
    "/spec/ports/0/nodePort",
    "/spec/preemptionPolicy",
    "/spec/priority",
    "/spec/serviceAccount",
    "/spec/serviceAccountName",
    "/spec/tolerations",
    "/spec/containers/0/volumeMounts",
    "/spec/volumes/3",
];

fn without(mut object: Value) -> Value {
    for path in NOT_OURS {
        let (parent, name) = path.rsplit_once('/').expect("every path has a parent");
        match object.pointer_mut(parent) {
            Some(Value::Object(map)) => drop(map.remove(name)),
            Some(Value::Array(list)) if list.len() > 3 => drop(list.pop()),
            _ => {}
        }
    }
    object
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[test]
fn recorded_objects_get_the_recorded_defaults() {
    let steps: Value = serde_json::from_str(STEPS).unwrap();
    let golden: Value = serde_json::from_str(&GOLDEN.replace("<uid>", UID)).unwrap();
    for step in steps["steps"].as_array().unwrap() {
        let name = step["name"].as_str().unwrap();
        let mut object = step["body"].clone();
        let kind = object["kind"].as_str().unwrap().to_owned();
        let group = group_of(object["apiVersion"].as_str().unwrap()).to_owned();
        validate::default(&group, &kind, &mut object);
        validate::on_create(&group, &kind, &mut object, UID);
        let once = object.clone();
        validate::default(&group, &kind, &mut object);
        assert_eq!(once, object, "{name}: defaults twice are defaults once");
        assert_eq!(validate::validate(&group, &kind, &object, None), [], "{name}");
        let mut expected = golden[name]["body"].clone();
        if expected.get("status").is_none() {
            expected["status"] = object["status"].clone();
        }
        if object.get("status").is_none() {
            object["status"] = Value::Null;
        }
        assert_eq!(without(object), without(expected), "{name}");
    }
}

#[test]
fn nothing_that_is_no_object_panics() {
    let kinds = [
        ("", "Pod"),
        ("", "Service"),
        ("", "Namespace"),
        ("", "LimitRange"),
        ("", "Secret"),
        ("", "ConfigMap"),
        ("", "PersistentVolumeClaim"),
        ("", "PersistentVolume"),
        ("", "ReplicationController"),
        ("", "Endpoints"),
        ("", "ServiceAccount"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
        ("batch", "CronJob"),
        ("policy", "PodDisruptionBudget"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("networking.k8s.io", "Ingress"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
    ];
    let odd = [
        json!(null),
        json!(1),
        json!("x"),
        json!([]),
        json!([1]),
        json!({}),
        json!({"a": 1}),
    ];
    for (group, kind) in kinds {
        for value in &odd {
            let shapes = [
                value.clone(),
                json!({"metadata": value, "spec": value, "status": value, "subjects": value, "rules": value}),
                json!({"spec": {"template": value, "ports": value, "containers": value, "selector": value}}),
                json!({"spec": {"template": {"metadata": value, "spec": value}, "jobTemplate": value}}),
                json!({"spec": {"template": {"spec": {"containers": [value], "volumes": [value]}}}}),
                json!({"spec": {"containers": [{"ports": value, "env": value, "resources": value}]}}),
                json!({"spec": {"containers": [{"livenessProbe": value, "lifecycle": value}], "behavior": value}}),
            ];
            for mut object in shapes {
                validate::default(group, kind, &mut object);
                validate::on_create(group, kind, &mut object, "u");
                let _ = validate::validate(group, kind, &object, None);
                let _ = validate::validate(group, kind, &object, Some(value));
                let _ = validate::validate(group, kind, value, Some(&object));
            }
        }
    }
}
