//! Defaults on plain objects: those recorded in `defaults.json` are sound after one pass and a second changes nothing.
//! What they are is compared where the whole file is replayed.

use minicluster::validate;
use serde_json::{Value, json};

const STEPS: &str = include_str!("../conformance/defaults.json");

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[test]
fn defaults_twice_are_defaults_once() {
    let steps: Value = serde_json::from_str(STEPS).unwrap();
    for step in steps["steps"].as_array().unwrap() {
        let name = step["name"].as_str().unwrap();
        let mut object = step["body"].clone();
        let kind = object["kind"].as_str().unwrap().to_owned();
        let group = group_of(object["apiVersion"].as_str().unwrap()).to_owned();
        validate::default(&group, &kind, &mut object);
        validate::on_create(&group, &kind, &mut object, "0000-1111");
        let once = object.clone();
        validate::default(&group, &kind, &mut object);
        assert_eq!(once, object, "{name}");
        assert_eq!(validate::validate(&group, &kind, &object, None), [], "{name}");
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
