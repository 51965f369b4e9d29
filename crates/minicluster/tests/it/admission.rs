//! The admission plug-ins, each on data: a world of other objects, an object, and what becomes of it.

use minicluster::admission::{self, Lookup, Operation, Refusal, Request, quota};
use minicluster::validate;
use serde_json::{Value, json};

/// Other objects: group, plural, object.
struct World(Vec<(&'static str, &'static str, Value)>);

impl Lookup for World {
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let all = self.list(group, resource, namespace);
        all.into_iter().find(|object| object["metadata"]["name"] == name)
    }

    fn list(&self, group: &str, resource: &str, namespace: &str) -> Vec<Value> {
        let own = |object: &Value| object["metadata"]["namespace"].as_str().unwrap_or_default() == namespace;
        let all = self
            .0
            .iter()
            .filter(|(of, plural, _)| *of == group && *plural == resource);
        all.map(|(_, _, object)| object.clone()).filter(own).collect()
    }
}

fn named(name: &str, rest: Value) -> Value {
    let mut object = rest;
    object["metadata"]["name"] = json!(name);
    object
}

fn in_n(name: &str, rest: Value) -> Value {
    let mut object = named(name, rest);
    object["metadata"]["namespace"] = json!("n");
    object
}

/// A namespace `n` with its account, and whatever else.
fn world(others: Vec<(&'static str, &'static str, Value)>) -> World {
    let mut all = vec![
        ("", "namespaces", named("n", json!({}))),
        ("", "serviceaccounts", in_n("default", json!({}))),
    ];
    all.retain(|(group, plural, object)| {
        !others.iter().any(|(of, own, other)| {
            of == group && own == plural && other["metadata"]["name"] == object["metadata"]["name"]
        })
    });
    all.extend(others);
    World(all)
}

fn request<'a>(group: &'a str, resource: &'a str, old: Option<&'a Value>) -> Request<'a> {
    Request {
        group,
        resource,
        subresource: "",
        operation: if old.is_some() {
            Operation::Update
        } else {
            Operation::Create
        },
        namespace: "n",
        name: "p",
        old,
        suffix: "xxxxx",
    }
}

fn pod(spec: &Value) -> Value {
    let mut pod = in_n("p", json!({"spec": spec}));
    validate::default("", "Pod", &mut pod);
    pod
}

/// One container, with other fields.
fn container(rest: &Value) -> Value {
    let mut container = json!({"name": "c", "image": "i:1"});
    for (key, value) in rest.as_object().unwrap() {
        container[key] = value.clone();
    }
    json!({"containers": [container]})
}

/// A new pod after all plug-ins, or the cause of its refusal.
fn admitted(spec: &Value, world: &World) -> Result<(Value, Vec<String>), String> {
    let (mut pod, request) = (pod(spec), request("", "pods", None));
    let cause = |refusal: Refusal| match refusal {
        Refusal::Forbidden(cause) => cause,
        other => format!("{other:?}"),
    };
    admission::mutate(&request, &mut pod, world).map_err(cause)?;
    let warnings = admission::validate(&request, &pod, world).map_err(cause)?;
    Ok((pod, warnings))
}

fn refused(spec: &Value, world: &World) -> String {
    admitted(spec, world).unwrap_err()
}

#[test]
fn a_new_pod_gets_an_account_a_token_a_priority_and_tolerations() {
    let (pod, _) = admitted(&container(&json!({})), &world(vec![])).unwrap();
    let spec = &pod["spec"];
    assert_eq!(spec["serviceAccountName"], "default");
    assert_eq!(spec["serviceAccount"], "default");
    assert_eq!(spec["volumes"][0]["name"], "kube-api-access-xxxxx");
    assert_eq!(
        spec["containers"][0]["volumeMounts"][0]["name"],
        "kube-api-access-xxxxx"
    );
    assert_eq!(
        (&spec["priority"], spec["tolerations"].as_array().unwrap().len()),
        (&json!(0), 2)
    );
    assert_eq!(
        refused(
            &json!({"containers": [], "serviceAccountName": "ghost"}),
            &world(vec![])
        ),
        "error looking up service account n/ghost: serviceaccount \"ghost\" not found"
    );
}

#[test]
fn a_pod_or_its_account_can_do_without_the_token() {
    let without = (
        "",
        "serviceaccounts",
        in_n("default", json!({"automountServiceAccountToken": false})),
    );
    let mounts = |spec: &Value, world: &World| admitted(spec, world).unwrap().0["spec"]["volumes"].is_array();
    let mut spec = container(&json!({}));
    assert!(!mounts(&spec, &world(vec![without.clone()])));
    spec["automountServiceAccountToken"] = json!(true);
    assert!(mounts(&spec, &world(vec![without])), "the pod has the last word");
    spec["automountServiceAccountToken"] = json!(false);
    assert!(!mounts(&spec, &world(vec![])));
    let own = json!({"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "own"});
    assert!(!mounts(
        &container(&json!({"volumeMounts": [own]})),
        &world(vec![])
    ));
}

#[test]
fn the_class_of_a_pod_is_its_priority() {
    let class = |name: &str, value: i64, default: bool| {
        let class = json!({"value": value, "globalDefault": default, "preemptionPolicy": "Never"});
        ("scheduling.k8s.io", "priorityclasses", named(name, class))
    };
    let classes = world(vec![class("high", 1000, false), class("usual", 10, true)]);
    let of = |spec: &Value| {
        let spec = admitted(spec, &classes).unwrap().0["spec"].clone();
        (
            spec["priorityClassName"].clone(),
            spec["priority"].clone(),
            spec["preemptionPolicy"].clone(),
        )
    };
    assert_eq!(
        of(&json!({"priorityClassName": "high"})),
        (json!("high"), json!(1000), json!("Never"))
    );
    assert_eq!(of(&json!({})), (json!("usual"), json!(10), json!("Never")));
    assert_eq!(
        refused(&json!({"priorityClassName": "no"}), &classes),
        "no PriorityClass with name no was found"
    );
    assert_eq!(
        refused(&json!({"priorityClassName": "high", "priority": 5}), &classes),
        "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed \
         1000 from the given PriorityClass name"
    );
    let another = named("p", json!({"value": 1, "globalDefault": true}));
    let refusal = admission::validate(
        &request("scheduling.k8s.io", "priorityclasses", None),
        &another,
        &classes,
    );
    assert_eq!(
        refusal.unwrap_err(),
        Refusal::Forbidden(
            "PriorityClass usual is already marked as default. Only one default can exist".to_owned()
        )
    );
}

#[test]
fn limit_ranges_fill_in_and_refuse() {
    let range = |limit: Value| {
        world(vec![(
            "",
            "limitranges",
            in_n("r", json!({"spec": {"limits": [limit]}})),
        )])
    };
    let filled =
        range(json!({"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "500m"}}));
    let (pod, _) = admitted(&container(&json!({})), &filled).unwrap();
    let resources = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}});
    assert_eq!(pod["spec"]["containers"][0]["resources"], resources);
    assert_eq!(
        pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    );
    let cases = [
        (
            json!({"type": "Container", "max": {"cpu": "500m"}}),
            json!({}),
            "maximum cpu usage per Container is 500m.  No limit is specified",
        ),
        (
            json!({"type": "Container", "min": {"memory": "1Gi"}}),
            json!({"requests": {"memory": "512Mi"}}),
            "minimum memory usage per Container is 1Gi, but request is 512Mi",
        ),
        (
            json!({"type": "Pod", "max": {"memory": "1Gi"}}),
            json!({"limits": {"memory": "2048Mi"}}),
            "maximum memory usage per Pod is 1Gi, but limit is 2Gi",
        ),
        (
            json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}),
            json!({"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000",
        ),
    ];
    for (limit, resources, expected) in cases {
        let spec = container(&json!({"resources": resources}));
        assert_eq!(refused(&spec, &range(limit)), expected);
    }
}

/// Pods that break the baseline, with what is said of each.
fn breaches() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({"hostPID": true, "hostIPC": true}),
            "host namespaces (hostPID=true, hostIPC=true)",
        ),
        (
            json!({"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "hostPath": {"path": "/"}}]}),
            "hostPath volumes (volumes \"a\", \"b\")",
        ),
        (
            container(&json!({"ports": [{"containerPort": 1, "hostPort": 80}]})),
            "hostPort (container \"c\" uses hostPort 80)",
        ),
        (
            container(&json!({"securityContext": {"privileged": true}})),
            "privileged (container \"c\" must not set securityContext.privileged=true)",
        ),
        (
            container(&json!({"securityContext": {"capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}}})),
            "non-default capabilities (container \"c\" must not include \"SYS_ADMIN\" in \
             securityContext.capabilities.add)",
        ),
        (
            container(&json!({"livenessProbe": {"httpGet": {"port": 1, "host": "h"}}})),
            "probe or lifecycle host (container \"c\" uses probe or lifecycle host \"h\")",
        ),
        (
            container(&json!({"securityContext": {"procMount": "Unmasked"}})),
            "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")",
        ),
        (
            json!({"securityContext": {"seLinuxOptions": {"type": "t", "user": "u"}}}),
            "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"t\"; user may not be set)",
        ),
        (
            json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}),
            "seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")",
        ),
        (
            json!({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}),
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            json!({"securityContext": {"windowsOptions": {"hostProcess": true}}}),
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
        ),
    ]
}

#[test]
fn levels_of_security_refuse_what_they_forbid() {
    let level = |level: &str| {
        let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
        world(vec![("", "namespaces", named("n", labels))])
    };
    for (spec, expected) in breaches() {
        let expected = format!("violates PodSecurity \"baseline:latest\": {expected}");
        assert_eq!(refused(&spec, &level("baseline")), expected);
        assert!(admitted(&spec, &level("privileged")).is_ok());
    }
}

#[test]
fn the_restricted_level_asks_for_hardening() {
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let all = world(vec![("", "namespaces", named("n", labels))]);
    let hardened = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    let strict = |field: &str, value: Value| {
        let mut context = hardened.clone();
        context[field] = value;
        container(&json!({"securityContext": context}))
    };
    assert!(admitted(&strict("runAsNonRoot", json!(true)), &all).is_ok());
    for (spec, expected) in [
        (
            strict("runAsUser", json!(0)),
            "runAsUser=0 (container \"c\" must not set runAsUser=0)",
        ),
        (
            strict("runAsNonRoot", json!(false)),
            "runAsNonRoot != true (container \"c\" must not set securityContext.runAsNonRoot=false)",
        ),
        (
            strict("capabilities", json!({"drop": ["ALL"], "add": ["CHOWN"]})),
            "unrestricted capabilities (container \"c\" must not include \"CHOWN\" in securityContext.capabilities.add)",
        ),
    ] {
        let expected = format!("violates PodSecurity \"restricted:latest\": {expected}");
        assert_eq!(refused(&spec, &all), expected);
    }
}

#[test]
fn a_level_holds_as_of_its_version_and_warns_of_workloads() {
    let labels = |labels: Value| {
        let namespace = named("n", json!({"metadata": {"labels": labels}}));
        world(vec![("", "namespaces", namespace)])
    };
    let probe = container(&json!({"livenessProbe": {"httpGet": {"port": 1, "host": "h"}}}));
    let old = labels(json!({
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "v1.33",
    }));
    assert!(
        admitted(&probe, &old).is_ok(),
        "1.33 did not look at hosts of probes"
    );
    let warn = labels(json!({"pod-security.kubernetes.io/warn": "baseline"}));
    let spec = json!({"hostNetwork": true});
    let said = "would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)";
    assert_eq!(admitted(&spec, &warn).unwrap().1, [said]);
    let job = in_n("p", json!({"spec": {"template": {"spec": spec}}}));
    let warnings = admission::validate(&request("batch", "jobs", None), &job, &warn);
    assert_eq!(warnings.unwrap(), [said]);
    let wrong = named(
        "n",
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "strict"}}}),
    );
    let cluster = Request {
        namespace: "",
        ..request("", "namespaces", None)
    };
    let Err(Refusal::Invalid(causes)) = admission::validate(&cluster, &wrong, &warn) else {
        panic!("a level that means nothing is refused");
    };
    assert_eq!(
        causes[0].message,
        "Invalid value: \"strict\": must be one of privileged, baseline, restricted"
    );
}

#[test]
fn classes_that_are_marked_as_default_are_chosen() {
    let class = |group, plural, mark: &str, name: &str, time: &str| {
        let class = json!({"metadata": {"annotations": {mark: "true"}, "creationTimestamp": time}});
        (group, plural, named(name, class))
    };
    let mark = "storageclass.kubernetes.io/is-default-class";
    let all = world(vec![
        class(
            "storage.k8s.io",
            "storageclasses",
            mark,
            "old",
            "2020-01-01T00:00:00Z",
        ),
        class(
            "storage.k8s.io",
            "storageclasses",
            mark,
            "new",
            "2021-01-01T00:00:00Z",
        ),
        class(
            "networking.k8s.io",
            "ingressclasses",
            "ingressclass.kubernetes.io/is-default-class",
            "web",
            "2021-01-01T00:00:00Z",
        ),
    ]);
    let mut claim = in_n("p", json!({"spec": {}}));
    admission::mutate(&request("", "persistentvolumeclaims", None), &mut claim, &all).unwrap();
    assert_eq!(claim["spec"]["storageClassName"], "new");
    assert_eq!(
        claim["metadata"]["finalizers"],
        json!(["kubernetes.io/pvc-protection"])
    );
    let mut own = in_n("p", json!({"spec": {"storageClassName": ""}}));
    admission::mutate(&request("", "persistentvolumeclaims", None), &mut own, &all).unwrap();
    assert_eq!(own["spec"]["storageClassName"], "", "no class is a choice too");
    let mut ingress = in_n("p", json!({"spec": {}}));
    admission::mutate(
        &request("networking.k8s.io", "ingresses", None),
        &mut ingress,
        &all,
    )
    .unwrap();
    assert_eq!(ingress["spec"]["ingressClassName"], "web");
    let mut node = named("p", json!({"spec": {}}));
    admission::mutate(&request("", "nodes", None), &mut node, &all).unwrap();
    assert_eq!(
        node["spec"]["taints"],
        json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}])
    );
}

#[test]
fn a_runtime_class_costs_what_it_says() {
    let class = named(
        "vm",
        json!({"overhead": {"podFixed": {"memory": "64Mi"}}, "scheduling": {"nodeSelector": {"vm": "yes"}}}),
    );
    let all = world(vec![("node.k8s.io", "runtimeclasses", class)]);
    let (pod, _) = admitted(&json!({"runtimeClassName": "vm"}), &all).unwrap();
    assert_eq!(pod["spec"]["overhead"], json!({"memory": "64Mi"}));
    assert_eq!(pod["spec"]["nodeSelector"], json!({"vm": "yes"}));
    assert_eq!(
        refused(&json!({"runtimeClassName": "no"}), &all),
        "pod rejected: RuntimeClass \"no\" not found"
    );
}

#[test]
fn namespaces_must_be_there_and_stay() {
    let gone = named(
        "n",
        json!({"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}}),
    );
    let going = world(vec![("", "namespaces", gone)]);
    let request = request("", "configmaps", None);
    assert_eq!(
        admission::begin(&request, &going),
        Err(Refusal::Terminating("n".to_owned()))
    );
    assert_eq!(
        admission::begin(&request, &World(vec![])),
        Err(Refusal::NoNamespace("n".to_owned()))
    );
    assert_eq!(admission::begin(&request, &world(vec![])), Ok(()));
    assert!(admission::deletable("", "namespaces", "kube-system").is_err());
    assert!(admission::deletable("", "namespaces", "n").is_ok());
}

/// A quota `q` with limits and what is used of them.
fn quota_of(hard: &Value, used: &Value, more: &Value) -> World {
    let mut spec = json!({"hard": hard});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let object = json!({"spec": spec, "status": {"hard": hard, "used": used}});
    world(vec![("", "resourcequotas", in_n("q", object))])
}

#[test]
fn a_quota_refuses_what_does_not_fit_and_charges_what_does() {
    let all = quota_of(
        &json!({"pods": "2", "requests.cpu": "1", "limits.memory": "1Gi"}),
        &json!({"pods": "1", "requests.cpu": "750m", "limits.memory": "0"}),
        &json!({}),
    );
    let check = |spec: &Value| quota::check(&request("", "pods", None), &pod(spec), &all);
    let resources = |cpu: &str| {
        container(&json!({"resources": {"requests": {"cpu": cpu}, "limits": {"memory": "512Mi"}}}))
    };
    let charges = check(&resources("250m")).unwrap();
    assert_eq!(
        charges[0].used,
        json!({"pods": "2", "requests.cpu": "1", "limits.memory": "512Mi"})
    );
    let forbidden = |cause: &str| Err(Refusal::Forbidden(cause.to_owned()));
    assert_eq!(
        check(&resources("300m")),
        forbidden(
            "exceeded quota: q, requested: requests.cpu=300m, used: requests.cpu=750m, limited: requests.cpu=1"
        )
    );
    assert_eq!(
        check(&container(&json!({}))),
        forbidden("failed quota: q: must specify limits.memory for: c; requests.cpu for: c")
    );
}

#[test]
fn quotas_count_any_kind_services_and_storage() {
    let check = |(group, plural): (&str, &str), object: &Value, hard: &Value| {
        let used: Value = hard
            .as_object()
            .unwrap()
            .keys()
            .map(|key| (key.clone(), json!("0")))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let charges = quota::check(
            &request(group, plural, None),
            object,
            &quota_of(hard, &used, &json!({})),
        );
        charges.map(|charges| charges.into_iter().map(|charge| charge.used).collect::<Vec<_>>())
    };
    let balanced = in_n(
        "p",
        json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 1}, {"port": 2}]}}),
    );
    let hard = json!({"services": "5", "services.loadbalancers": "1", "services.nodeports": "2"});
    assert_eq!(
        check(("", "services"), &balanced, &hard).unwrap(),
        [json!({"services": "1", "services.loadbalancers": "1", "services.nodeports": "2"})]
    );
    let claim = in_n(
        "p",
        json!({"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "2Gi"}}}}),
    );
    let hard = json!({"fast.storageclass.storage.k8s.io/requests.storage": "1Gi"});
    assert_eq!(
        check(("", "persistentvolumeclaims"), &claim, &hard).unwrap_err(),
        Refusal::Forbidden(
            "exceeded quota: q, requested: fast.storageclass.storage.k8s.io/requests.storage=2Gi, used: \
             fast.storageclass.storage.k8s.io/requests.storage=0, limited: \
             fast.storageclass.storage.k8s.io/requests.storage=1Gi"
                .to_owned()
        )
    );
    let widget = in_n("p", json!({}));
    assert_eq!(
        check(
            ("example.com", "widgets"),
            &widget,
            &json!({"count/widgets.example.com": "3"})
        )
        .unwrap(),
        [json!({"count/widgets.example.com": "1"})]
    );
    assert!(
        check(("", "secrets"), &widget, &json!({"pods": "0"}))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_quota_with_scopes_counts_only_what_is_in_them() {
    let counts = |more: &Value, spec: &Value| {
        let all = quota_of(&json!({"pods": "9"}), &json!({"pods": "0"}), more);
        let charges = quota::check(&request("", "pods", None), &pod(spec), &all).unwrap();
        !charges.is_empty()
    };
    let class = json!({"scopeSelector": {"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]},
    ]}});
    for (more, spec, expected) in [
        (
            json!({"scopes": ["Terminating"]}),
            json!({"activeDeadlineSeconds": 1}),
            true,
        ),
        (json!({"scopes": ["Terminating"]}), json!({}), false),
        (
            json!({"scopes": ["NotTerminating", "BestEffort"]}),
            json!({}),
            true,
        ),
        (json!({"scopes": ["NotBestEffort"]}), json!({}), false),
        (class.clone(), json!({"priorityClassName": "high"}), true),
        (class, json!({"priorityClassName": "low"}), false),
    ] {
        assert_eq!(counts(&more, &spec), expected, "{more} {spec}");
    }
}

#[test]
fn the_status_of_a_quota_is_measured_from_what_is_there() {
    let mut all = quota_of(&json!({"pods": "5", "secrets": "5"}), &json!({}), &json!({})).0;
    for (name, phase) in [("a", "Running"), ("b", "Succeeded"), ("c", "Pending")] {
        all.push((
            "",
            "pods",
            in_n(name, json!({"spec": {}, "status": {"phase": phase}})),
        ));
    }
    let quota = all
        .iter()
        .find(|(_, plural, _)| *plural == "resourcequotas")
        .unwrap()
        .2
        .clone();
    let status = quota::status(&quota, &World(all));
    assert_eq!(status["used"], json!({"pods": "2", "secrets": "0"}));
}
