//! Where pods go: one small case for each rule.

use objects::Kind;
use serde_json::{Value, json};

use crate::cluster::{Cluster, node, node_in, placed, pod, pod_with, with};

/// Schedules one pod after what is there; its node must be this one, "" for none.
#[track_caller]
fn check(nodes: &[Value], running: &[Value], wanted: Value, expected: &str) {
    let mut cluster = Cluster::of(nodes);
    for pod in running {
        cluster.put(Kind::POD, pod.clone());
    }
    let name = wanted["metadata"]["name"].as_str().expect("a name").to_owned();
    let said = wanted.to_string();
    cluster.put(Kind::POD, wanted);
    cluster.settle();
    assert_eq!(cluster.node_of(&name), expected, "{said}");
}

fn anti(kind: &str, topology: &str) -> Value {
    json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": topology, "labelSelector": {"matchLabels": {"app": "a"}}},
    ]}}})
}

const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

#[test]
fn a_pod_goes_where_its_rules_allow() {
    let tainted = |effect: &str| {
        let taint = json!([{"key": "k", "value": "v", "effect": effect}]);
        with(node("a"), &json!({"spec": {"taints": taint}}))
    };
    let cordoned = with(node("a"), &json!({"spec": {"unschedulable": true}}));
    let labelled = with(node("b"), &json!({"metadata": {"labels": {"disk": "ssd"}}}));
    let affinity = |kind: &str, list: Value| json!({"affinity": {"nodeAffinity": {kind: list}}});
    let terms = |term: Value| json!({"nodeSelectorTerms": [term]});
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    let ssd = json!({"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]});
    let field = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]});
    let tolerations = json!({"tolerations": [{"key": "k", "operator": "Exists"}]});
    let system = json!({"tolerations": [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]});
    for (nodes, spec, expected) in [
        (vec![cordoned.clone(), node("b")], json!({}), "b"),
        (vec![cordoned], system, "a"),
        (vec![tainted("NoSchedule"), node("b")], json!({}), "b"),
        (vec![tainted("NoExecute"), node("b")], json!({}), "b"),
        (vec![tainted("PreferNoSchedule"), node("b")], json!({}), "b"),
        (vec![tainted("PreferNoSchedule")], json!({}), "a"),
        (vec![tainted("NoSchedule")], tolerations, "a"),
        (
            vec![node("a"), labelled.clone()],
            json!({"nodeSelector": {"disk": "ssd"}}),
            "b",
        ),
        (vec![node("a")], json!({"nodeSelector": {"disk": "ssd"}}), ""),
        (
            vec![node("a"), labelled.clone()],
            affinity(required, terms(ssd.clone())),
            "b",
        ),
        (vec![node("a"), node("b")], affinity(required, terms(field)), "b"),
        (
            vec![node("a"), labelled],
            affinity(preferred, json!([{"weight": 1, "preference": ssd}])),
            "b",
        ),
    ] {
        check(&nodes, &[], pod_with("p", &spec), expected);
    }
}

#[test]
fn a_pod_goes_where_there_is_room() {
    let gpu = with(
        node("b"),
        &json!({"status": {"allocatable": {"example.com/gpu": "1"}}}),
    );
    let wants = |resource: &str, amount: &str| json!({"containers": [{"name": "c", "resources": {"requests": {resource: amount}}}]});
    let few = with(node("a"), &json!({"status": {"allocatable": {"pods": "1"}}}));
    let port = json!({"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]});
    let other = json!({"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 81}]}]});
    for (nodes, running, wanted, expected) in [
        (
            vec![node("a"), node("b")],
            vec![placed(pod("x", "3"), "a")],
            pod("p", "2"),
            "b",
        ),
        (
            vec![node("a")],
            vec![placed(pod("x", "3"), "a")],
            pod("p", "2"),
            "",
        ),
        (
            vec![node("a")],
            vec![placed(pod("x", "3"), "a")],
            pod("p", "1"),
            "a",
        ),
        (
            vec![node("a"), gpu.clone()],
            vec![],
            pod_with("p", &wants("example.com/gpu", "1")),
            "b",
        ),
        (
            vec![gpu],
            vec![],
            pod_with("p", &wants("example.com/gpu", "2")),
            "",
        ),
        (
            vec![node("a")],
            vec![],
            pod_with("p", &wants("memory", "9Gi")),
            "",
        ),
        (
            vec![node("a")],
            vec![],
            pod_with("p", &wants("ephemeral-storage", "11Gi")),
            "",
        ),
        (
            vec![few.clone()],
            vec![placed(pod("x", "0"), "a")],
            pod("p", "0"),
            "",
        ),
        (
            vec![few, node("b")],
            vec![placed(pod("x", "0"), "a")],
            pod("p", "0"),
            "b",
        ),
        (
            vec![node("a")],
            vec![placed(pod_with("x", &port), "a")],
            pod_with("p", &port),
            "",
        ),
        (
            vec![node("a")],
            vec![placed(pod_with("x", &port), "a")],
            pod_with("p", &other),
            "a",
        ),
        (
            vec![node("a"), node("b")],
            vec![placed(pod("x", "1"), "a")],
            pod("p", "1"),
            "b",
        ),
    ] {
        check(&nodes, &running, wanted, expected);
    }
    // A pod that is finished takes no room.
    let finished = with(
        placed(pod("x", "4"), "a"),
        &json!({"status": {"phase": "Succeeded"}}),
    );
    check(&[node("a")], &[finished], pod("p", "4"), "a");
}

#[test]
fn a_pod_goes_near_the_pods_it_wants_and_far_from_others() {
    let zones = [node_in("a", "1"), node_in("b", "1"), node_in("c", "2")];
    let x = || placed(pod("x", "100m"), "a");
    let plain = with(pod("p", "100m"), &json!({"metadata": {"labels": {"app": "b"}}}));
    let one = |spec: &Value| with(plain.clone(), &json!({"spec": spec}));
    check(&zones, &[x()], one(&anti("podAffinity", HOST)), "a");
    check(&zones, &[x()], one(&anti("podAntiAffinity", ZONE)), "c");
    // Nobody to be near to: only a pod that selects itself can begin.
    check(&zones[2..], &[], one(&anti("podAffinity", HOST)), "");
    check(&zones[2..], &[], pod_with("p", &anti("podAffinity", HOST)), "c");
    // Anti-affinity of a running pod holds against others too.
    let lonely = placed(pod_with("x", &anti("podAntiAffinity", ZONE)), "a");
    check(&zones, std::slice::from_ref(&lonely), pod("p", "100m"), "c");
    check(&zones[..2], &[lonely], pod("p", "100m"), "");
    // Preferences of the pod and of running ones.
    let prefer = |kind: &str| {
        json!({"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": {"topologyKey": ZONE, "labelSelector": {}}},
        ]}}})
    };
    check(&zones, &[x()], one(&prefer("podAntiAffinity")), "c");
    check(
        &zones,
        &[placed(pod_with("x", &prefer("podAntiAffinity")), "a")],
        plain.clone(),
        "c",
    );
    let other = with(x(), &json!({"metadata": {"namespace": "m"}}));
    check(&zones[2..], &[other], one(&anti("podAffinity", HOST)), "");
}

#[test]
fn namespaces_of_affinity_are_selected_by_their_labels() {
    let spec = json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": HOST, "labelSelector": {}, "namespaceSelector": {"matchLabels": {"team": "x"}}},
    ]}}});
    let mut cluster = Cluster::of(&[node("a")]);
    cluster.put(
        Kind::POD,
        with(
            placed(pod("x", "100m"), "a"),
            &json!({"metadata": {"namespace": "m"}}),
        ),
    );
    cluster.put(
        Kind::NAMESPACE,
        json!({"metadata": {"name": "m", "labels": {"team": "x"}}}),
    );
    cluster.put(Kind::POD, pod_with("p", &spec));
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "");
    cluster.put(
        Kind::NAMESPACE,
        json!({"metadata": {"name": "m", "labels": {"team": "y"}}}),
    );
    cluster.settle();
    assert_eq!(cluster.node_of("p"), "a");
}

fn spread(topology: &str, extra: &Value) -> Value {
    let constraint = json!({
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "a"}},
    });
    json!({"topologySpreadConstraints": [with(constraint, extra)]})
}

#[test]
fn a_pod_keeps_its_like_evenly_spread() {
    let zones = [node_in("a", "1"), node_in("b", "2")];
    let x = || placed(pod("x", "100m"), "a");
    check(&zones, &[x()], pod_with("p", &spread(ZONE, &json!({}))), "b");
    // A node without the label is no domain.
    check(&[node("c")], &[], pod_with("p", &spread(ZONE, &json!({}))), "");
    // Domains that the pod can't use count only when it says so.
    let mut selective = spread(ZONE, &json!({}));
    selective["nodeSelector"] = json!({HOST: "a"});
    check(&zones, &[x()], pod_with("p", &selective), "a");
    let mut ignoring = spread(ZONE, &json!({"nodeAffinityPolicy": "Ignore"}));
    ignoring["nodeSelector"] = json!({HOST: "a"});
    check(&zones, &[x()], pod_with("p", &ignoring), "");
    let taint = json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}});
    let tainted = [node_in("a", "1"), with(node_in("b", "2"), &taint)];
    check(&tainted, &[x()], pod_with("p", &spread(ZONE, &json!({}))), "");
    check(
        &tainted,
        &[x()],
        pod_with("p", &spread(ZONE, &json!({"nodeTaintsPolicy": "Honor"}))),
        "a",
    );
    // Too few domains: the fewest pods count as none.
    check(&zones[..1], &[x()], pod_with("p", &spread(ZONE, &json!({}))), "a");
    check(
        &zones[..1],
        &[x()],
        pod_with("p", &spread(ZONE, &json!({"minDomains": 2}))),
        "",
    );
    // Pods of another revision don't count.
    let keys = json!({"matchLabelKeys": ["rev"]});
    let mut two = pod_with("p", &spread(ZONE, &keys));
    two["metadata"]["labels"]["rev"] = json!("2");
    two["spec"]["nodeSelector"] = json!({HOST: "a"});
    check(&zones, &[x()], two, "a");
    // Softly, it goes where there are fewer.
    let soft = json!({"whenUnsatisfiable": "ScheduleAnyway"});
    check(&zones, &[x()], pod_with("p", &spread(ZONE, &soft)), "b");
    let gone = with(
        x(),
        &json!({"metadata": {"deletionTimestamp": "1970-01-01T00:00:00Z"}}),
    );
    let mut here = spread(ZONE, &json!({"nodeAffinityPolicy": "Ignore"}));
    here["nodeSelector"] = json!({HOST: "a"});
    check(&zones, &[gone], pod_with("p", &here), "a");
}

#[test]
fn pods_of_a_service_are_spread_by_default() {
    let mut cluster = Cluster::of(&[node("a"), node("b"), node("c")]);
    let service = json!({"metadata": {"name": "s", "namespace": "n"}, "spec": {"selector": {"app": "a"}}});
    cluster.put(Kind::SERVICE, service);
    // What is there already would draw the pods to the other nodes.
    for name in ["x", "y"] {
        let other = with(pod(name, "1"), &json!({"metadata": {"labels": {"app": "b"}}}));
        cluster.put(Kind::POD, placed(other, "a"));
    }
    for name in ["p", "q", "r"] {
        cluster.put(Kind::POD, pod(name, "10m"));
    }
    cluster.settle();
    let mut nodes: Vec<_> = ["p", "q", "r"]
        .map(|name| cluster.node_of(name).to_owned())
        .to_vec();
    nodes.sort();
    assert_eq!(nodes, ["a", "b", "c"]);
}

#[test]
fn a_pod_goes_where_its_image_is() {
    let images = json!({"status": {"images": [{"names": ["i:latest"], "sizeBytes": 2_000_000_000_i64}]}});
    check(&[node("a"), with(node("b"), &images)], &[], pod("p", "100m"), "b");
}

#[test]
fn other_schedulers_pods_are_left_alone() {
    check(
        &[node("a")],
        &[],
        pod_with("p", &json!({"schedulerName": "mine"})),
        "",
    );
}

#[test]
fn the_same_seed_gives_the_same_places() {
    let places = |seed| {
        let mut cluster = Cluster::new(seed);
        for name in ["a", "b", "c", "d"] {
            cluster.put(Kind::NODE, node(name));
        }
        for number in 0..8 {
            cluster.put(Kind::POD, pod(&format!("p{number}"), "100m"));
        }
        cluster.settle();
        cluster.bound
    };
    assert_eq!(places(7), places(7));
    assert!(
        (0..8).any(|seed| places(seed) != places(7)),
        "the seed makes no difference"
    );
}
