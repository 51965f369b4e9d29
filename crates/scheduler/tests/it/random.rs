//! What holds in every world.

use std::collections::BTreeMap;

use objects::{Kind, Quantity, meta};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cluster::{Cluster, node_in, pod, with};

#[derive(Clone, Debug)]
enum Step {
    Pod {
        name: u8,
        milli: u16,
        priority: u8,
        kind: u8,
    },
    Remove(u8),
    NodeGone(u8),
    NodeBack(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..40_u8, 0..2500_u16, 0..3_u8, 0..6_u8)
            .prop_map(|(name, milli, priority, kind)| Step::Pod { name, milli, priority, kind }),
        2 => (0..40_u8).prop_map(Step::Remove),
        1 => (0..5_u8).prop_map(Step::NodeGone),
        1 => (0..5_u8).prop_map(Step::NodeBack),
    ]
}

const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

fn a_node(number: u8) -> Value {
    let node = node_in(&format!("n{number}"), &format!("z{}", number % 2));
    let taint = json!([{"key": "k", "effect": "NoSchedule"}]);
    if number == 4 {
        with(node, &json!({"spec": {"taints": taint}}))
    } else {
        node
    }
}

fn a_pod(name: u8, milli: u16, priority: u8, kind: u8) -> Value {
    let selector = json!({"matchLabels": {"kind": kind.to_string()}});
    let far = |topology: &str| {
        json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": topology, "labelSelector": selector},
        ]}}})
    };
    let spec = match kind {
        0 => far(HOST),
        1 => far(ZONE),
        2 => json!({"nodeSelector": {ZONE: "z1"}}),
        3 => json!({"containers": [{"name": "c", "ports": [{"hostPort": 80}]}]}),
        4 => json!({"tolerations": [{"operator": "Exists"}]}),
        _ => json!({}),
    };
    let base = pod(&format!("p{name}"), &format!("{milli}m"));
    let extra = json!({"metadata": {"labels": {"kind": kind.to_string()}}, "spec": {"priority": priority}});
    with(with(base, &json!({"spec": spec})), &extra)
}

fn run(seed: u64, steps: &[Step]) -> Cluster {
    let mut cluster = Cluster::new(seed);
    for number in 0..5 {
        cluster.put(Kind::NODE, a_node(number));
    }
    for step in steps {
        match step {
            Step::Pod {
                name,
                milli,
                priority,
                kind,
            } => {
                if cluster.world.find(&Kind::POD, "n", &format!("p{name}")).is_none() {
                    cluster.put(Kind::POD, a_pod(*name, *milli, *priority, *kind));
                }
            }
            Step::Remove(name) => {
                let name = format!("p{name}");
                if cluster.world.find(&Kind::POD, "n", &name).is_some() {
                    cluster.remove(Kind::POD, "n", &name);
                }
            }
            Step::NodeGone(number) => {
                let name = format!("n{number}");
                if cluster.world.find(&Kind::NODE, "", &name).is_some() {
                    cluster.remove(Kind::NODE, "", &name);
                }
                // As pod GC does: pods of a node that is gone count nowhere, as in the real scheduler.
                let pods = cluster.world.on_node(&name).map(|pod| meta::name(pod).to_owned());
                for pod in pods.collect::<Vec<_>>() {
                    cluster.remove(Kind::POD, "n", &pod);
                }
            }
            Step::NodeBack(number) => cluster.put(Kind::NODE, a_node(*number)),
        }
        cluster.settle();
    }
    cluster
}

fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    meta::label(object, key).unwrap_or_default()
}

/// Holds the pods of a world against every hard rule, each on its own.
fn check(cluster: &Cluster) {
    let node = |number: &str| a_node(number[1..].parse().expect("a number"));
    let all: Vec<_> = cluster
        .world
        .all(&Kind::POD)
        .filter(|pod| pod["spec"]["nodeName"].is_string())
        .collect();
    let mut used: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for pod in &all {
        let name = meta::text_at(pod, "/spec/nodeName");
        let cpu = pod
            .pointer("/spec/containers/0/resources/requests/cpu")
            .and_then(Quantity::of);
        let entry = used.entry(name).or_default();
        *entry = (entry.0 + cpu.unwrap_or_default().as_milli(), entry.1 + 1);
        let kind = label(pod, "kind");
        assert!(kind != "2" || label(&node(name), ZONE) == "z1", "{pod}");
        assert!(name != "n4" || kind == "4", "{pod}");
        for other in &all {
            let same = meta::name(other) != meta::name(pod) && label(other, "kind") == kind;
            let near = meta::text_at(other, "/spec/nodeName");
            match kind {
                "0" | "3" => assert!(!same || near != name, "{pod} {other}"),
                "1" => assert!(
                    !same || label(&node(near), ZONE) != label(&node(name), ZONE),
                    "{pod} {other}"
                ),
                _ => {}
            }
        }
    }
    for (name, (cpu, pods)) in used {
        assert!(
            cpu <= 4000 && pods <= 10,
            "{name} is overcommitted: {cpu}m, {pods} pods"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_is_ever_broken(seed in 0..4_u64, steps in prop::collection::vec(step(), 1..80)) {
        let cluster = run(seed, &steps);
        check(&cluster);
        let again = run(seed, &steps);
        prop_assert_eq!(cluster.bound, again.bound);
        prop_assert_eq!(cluster.events, again.events);
    }
}
