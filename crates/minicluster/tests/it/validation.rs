//! Validation checked against the recorded answers of a real 1.35 API server (crud.json, rbac.json).

use minicluster::validate;
use serde_json::{Value, json};

const STEPS: &str = include_str!("../recorded/crud.json");
const GOLDEN: &str = include_str!("../recorded/golden/crud.json");

fn causes(group: &str, kind: &str, object: &Value, old: Option<&Value>) -> Value {
    let mut object = object.clone();
    validate::default(group, kind, &mut object);
    let mut stored = old.cloned();
    match &mut stored {
        Some(stored) => validate::default(group, kind, stored),
        None => validate::on_create(group, kind, &mut object, "u"),
    }
    let found = validate::validate(group, kind, &object, stored.as_ref());
    found.iter().map(validate::Cause::to_json).collect()
}

#[test]
fn recorded_faults_are_found_in_the_recorded_order() {
    let steps: Value = serde_json::from_str(STEPS).unwrap();
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let mut checked = 0;
    for step in steps["steps"].as_array().unwrap() {
        let answer = &golden[step["name"].as_str().unwrap()]["body"];
        let object = &step["body"];
        if answer["reason"] != "Invalid"
            || step["method"] != "POST"
            || answer["details"]["group"] == "meta.k8s.io"
        {
            continue;
        }
        checked += 1;
        let kind = answer["details"]["kind"].as_str().unwrap();
        let group = answer["details"]["group"].as_str().unwrap_or_default();
        assert_eq!(
            causes(group, kind, object, None),
            answer["details"]["causes"],
            "{}",
            step["name"]
        );
        let mut object = object.clone();
        validate::default(group, kind, &mut object);
        let found = validate::validate(group, kind, &object, None);
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        assert_eq!(
            validate::message(kind, group, name, &found),
            answer["message"],
            "{}",
            step["name"]
        );
    }
    assert!(checked >= 5, "only {checked} recorded faults");
}

/// The faults of an object as `field: message`.
fn check(group: &str, kind: &str, object: &Value, expected: &[&str]) {
    let found = causes(group, kind, object, None);
    let printed = found.as_array().into_iter().flatten();
    let printed: Vec<String> = printed
        .map(|cause| {
            format!(
                "{}: {}",
                cause["field"].as_str().unwrap_or_default(),
                cause["message"].as_str().unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(printed, expected, "{object}");
}

#[test]
fn role_references_are_checked_and_fixed() {
    let group = "rbac.authorization.k8s.io";
    let bind = |kind: &str, name: &str| {
        let role = json!({"apiGroup": group, "kind": kind, "name": name});
        json!({"metadata": {"name": "x"}, "roleRef": role, "subjects": []})
    };
    let unsupported = r#"roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole""#;
    check(group, "RoleBinding", &bind("Pod", "view"), &[unsupported]);
    let changed = causes(
        group,
        "RoleBinding",
        &bind("Role", "other"),
        Some(&bind("Role", "rolemaker")),
    );
    let expected = json!([{
        "field": "roleRef",
        "message": "Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"other\"}: \
                    cannot change roleRef",
        "reason": "FieldValueInvalid",
    }]);
    assert_eq!(changed, expected);
}

fn pod(container: Value) -> Value {
    let mut container = container;
    container["name"] = json!("c");
    container["image"] = json!("i");
    json!({"metadata": {"name": "p"}, "spec": {"containers": [container]}})
}

#[test]
fn containers_are_checked() {
    for (container, faults) in [
        (json!({}), vec![]),
        (
            json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
            vec![
                r#"spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#,
            ],
        ),
        (
            json!({"volumeMounts": [{"name": "v", "mountPath": "/x"}]}),
            vec![r#"spec.containers[0].volumeMounts[0].name: Not found: "v""#],
        ),
        (
            json!({"ports": [{"containerPort": 0}]}),
            vec!["spec.containers[0].ports[0].containerPort: Required value"],
        ),
        (
            json!({"livenessProbe": {}}),
            vec!["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
        ),
        (
            json!({"livenessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}}),
            vec!["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
        ),
        (
            json!({"imagePullPolicy": "Maybe"}),
            vec![
                r#"spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never""#,
            ],
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": {}}]}),
            vec![
                "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
            ],
        ),
    ] {
        check("", "Pod", &pod(container), &faults);
    }
}

#[test]
fn a_selector_is_fixed_and_selects() {
    let deployment = |label: &str| {
        let template = json!({"metadata": {"labels": {"a": label}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        json!({"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": label}}, "template": template}})
    };
    check("apps", "Deployment", &deployment("1"), &[]);
    let changed = causes("apps", "Deployment", &deployment("2"), Some(&deployment("1")));
    let message = "Invalid value: {\"matchLabels\":{\"a\":\"2\"}}: field is immutable";
    assert_eq!(changed[0]["message"], message);
    let mut none = deployment("1");
    none["spec"]["selector"] = Value::Null;
    check("apps", "Deployment", &none, &["spec.selector: Required value"]);
}

#[test]
fn jobs_must_end() {
    let template = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
    let job = json!({"metadata": {"name": "j"}, "spec": {"template": template}});
    let fault = "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"";
    check("batch", "Job", &job, &[fault]);
}

#[test]
fn what_is_immutable_stays() {
    let map = |value: &str| json!({"metadata": {"name": "m"}, "data": {"a": value}, "immutable": true});
    let changed = causes("", "ConfigMap", &map("2"), Some(&map("1")));
    assert_eq!(
        changed[0]["message"],
        "Forbidden: field is immutable when `immutable` is set"
    );
    assert_eq!(causes("", "ConfigMap", &map("1"), Some(&map("1"))), json!([]));
}

#[test]
fn a_claim_grows_once_it_is_bound() {
    let claim = |storage: &str, phase: &str| {
        json!({
            "metadata": {"name": "c"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
            "status": {"phase": phase, "capacity": {"storage": "2Gi"}},
        })
    };
    let fields = |new: &Value, old: &Value| {
        let found = causes("", "PersistentVolumeClaim", new, Some(old));
        let fields = found.as_array().into_iter().flatten();
        fields
            .map(|cause| cause["field"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let bound = claim("2Gi", "Bound");
    assert!(fields(&claim("3Gi", "Bound"), &bound).is_empty());
    assert_eq!(
        fields(&claim("1Gi", "Bound"), &bound),
        ["spec.resources.requests.storage"]
    );
    assert_eq!(
        fields(&claim("3Gi", "Pending"), &claim("2Gi", "Pending")),
        ["spec"]
    );
}

#[test]
fn a_stateful_set_mounts_what_it_claims() {
    let mut template = pod(json!({"volumeMounts": [{"name": "data", "mountPath": "/x"}]}));
    template["metadata"] = json!({"labels": {"app": "db"}});
    let mut set = json!({
        "metadata": {"name": "db"},
        "spec": {"selector": {"matchLabels": {"app": "db"}}, "serviceName": "db", "template": template},
    });
    let missing = r#"spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data""#;
    check("apps", "StatefulSet", &set, &[missing]);
    set["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}}]);
    check("apps", "StatefulSet", &set, &[]);
}
