//! Validation of plain objects, with the texts of a real 1.35 API server; the recorded faults are compared where
//! whole files are replayed.

use minicluster::validate;
use serde_json::{Value, json};

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
fn ephemeral_containers_are_for_running_pods() {
    let mut pod = pod(json!({}));
    pod["spec"]["ephemeralContainers"] = json!([{"name": "d", "image": "d"}]);
    let refused = "spec.ephemeralContainers: Forbidden: cannot be set on create";
    check("", "Pod", &pod, &[refused]);
    assert_eq!(causes("", "Pod", &pod, Some(&pod)), json!([]));
    let labels = json!({"a": "b"});
    pod["metadata"] = json!({"labels": labels});
    let spec = json!({"selector": {"matchLabels": labels}, "template": pod});
    let refused =
        "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template";
    check(
        "apps",
        "Deployment",
        &json!({"metadata": {"name": "x"}, "spec": spec}),
        &[refused],
    );
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
fn policies_name_ports_and_peers_that_can_be() {
    let policy =
        |rule: Value| json!({"metadata": {"name": "x"}, "spec": {"podSelector": {}, "ingress": [rule]}});
    let group = "networking.k8s.io";
    let at = "spec.ingress[0]";
    for (rule, expected) in [
        (json!({"ports": [{"port": 80, "endPort": 90}]}), String::new()),
        (
            json!({"ports": [{"port": 80, "endPort": 70}]}),
            format!("{at}.ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`"),
        ),
        (
            json!({"ports": [{"endPort": 70}]}),
            format!(
                "{at}.ports[0].endPort: Invalid value: 70: may not be specified when `port` is not specified"
            ),
        ),
        (
            json!({"ports": [{"port": "web", "endPort": 70}]}),
            format!(
                "{at}.ports[0].endPort: Invalid value: 70: may not be specified when `port` is non-numeric"
            ),
        ),
        (
            json!({"from": [{}]}),
            format!("{at}.from[0]: Required value: must specify a peer"),
        ),
        (
            json!({"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}),
            format!("{at}.from[0]: Forbidden: may not specify both ipBlock and another peer"),
        ),
        (
            json!({"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "11.0.0.0/16"]}}]}),
            format!(
                "{at}.from[0].ipBlock.except[1]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`"
            ),
        ),
        (
            json!({"from": [{"ipBlock": {"cidr": "10.0.0.0/99"}}]}),
            format!(
                "{at}.from[0].ipBlock.cidr: Invalid value: \"10.0.0.0/99\": must be a valid CIDR value, (e.g. \
                 10.9.8.0/24 or 2001:db8::/64)"
            ),
        ),
    ] {
        let expected: Vec<&str> = Some(expected.as_str())
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        check(group, "NetworkPolicy", &policy(rule), &expected);
    }
}

#[test]
fn nodes_leases_and_slices_have_rules() {
    let meta = json!({"name": "x"});
    let taint = json!({"key": "a", "value": "b", "effect": "NoSchedule"});
    let node = json!({"metadata": meta, "spec": {"taints": [taint, {"key": "a"}, taint]}});
    check(
        "",
        "Node",
        &node,
        &[
            "metadata.taints[1].effect: Required value",
            "metadata.taints[2]: Duplicate value: {\"effect\":\"NoSchedule\",\"key\":\"a\",\"value\":\"b\"}",
        ],
    );
    let lease = json!({"metadata": meta, "spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}});
    check(
        "coordination.k8s.io",
        "Lease",
        &lease,
        &[
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
        ],
    );
    let slice = json!({"metadata": meta, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["127.0.0.1"]}, {"addresses": ["fd::1"]}, {"addresses": []}]});
    check(
        "discovery.k8s.io",
        "EndpointSlice",
        &slice,
        &[
            "endpoints[1].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, \
             ::1/128)",
            "endpoints[2].addresses[0]: Invalid value: \"fd::1\": must be a valid IPv4 address",
            "endpoints[3].addresses: Required value: must contain at least 1 address",
        ],
    );
}

#[test]
fn autoscalers_say_what_they_measure_and_how_fast_they_scale() {
    let scaler = |metric: Value, behavior: Value| {
        json!({"metadata": {"name": "x"}, "spec": {"maxReplicas": 2, "behavior": behavior, "metrics": [metric],
            "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}}})
    };
    let cpu = |target: Value| json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
    let good = cpu(json!({"type": "Utilization", "averageUtilization": 50}));
    for (object, expected) in [
        (scaler(good.clone(), json!({})), None),
        (
            scaler(json!({"type": "Pods"}), json!({})),
            Some(
                "spec.metrics[0].pods: Required value: must populate information for the given metric source",
            ),
        ),
        (
            scaler(
                cpu(json!({"type": "Utilization", "averageUtilization": 0})),
                json!({}),
            ),
            Some(
                "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
            ),
        ),
        (
            scaler(cpu(json!({"type": "Utilization"})), json!({})),
            Some(
                "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value \
                 or a target utilization",
            ),
        ),
        (
            scaler(
                good.clone(),
                json!({"scaleUp": {"stabilizationWindowSeconds": 3601}}),
            ),
            Some(
                "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
            ),
        ),
        (
            scaler(
                good,
                json!({"scaleDown": {"policies": [{"type": "Pods", "value": 0, "periodSeconds": 60}]}}),
            ),
            Some("spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero"),
        ),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        check("autoscaling", "HorizontalPodAutoscaler", &object, &expected);
    }
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
