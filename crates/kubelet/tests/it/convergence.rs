//! A kubelet that forgets everything between any two looks writes the same statuses as one that forgets nothing.

use objects::Kind;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::{Stage, pod};

/// What a story is made of.
#[derive(Clone, Debug)]
struct Story {
    policy: &'static str,
    init: bool,
    sidecar: bool,
    probes: bool,
    volume: bool,
    hook: bool,
    does: Vec<&'static str>,
    delete_at: Option<i64>,
    map_at: i64,
}

fn story() -> impl Strategy<Value = Story> {
    let policy = prop::sample::select(vec!["Always", "OnFailure", "Never"]);
    let phrases = [
        "exit 0 after 3s",
        "exit 1 after 7s",
        "exit 2 after 1s 3 times",
        "oom at 1Gi after 20s",
        "ready after 4s",
        "never ready",
        "fails liveness after 12s",
        "fails readiness after 9s",
        "started after 6s",
        "pull takes 5s",
        "pull fails",
        "stops slowly",
        "stops after 3s",
    ];
    let does = prop::sample::subsequence(phrases.to_vec(), 0..4);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (policy, flags, does, prop::option::of(0_i64..200), 0_i64..40).prop_map(
        |(policy, (init, sidecar, probes, volume, hook), does, delete_at, map_at)| Story {
            policy,
            init,
            sidecar,
            probes,
            volume,
            hook,
            does,
            delete_at,
            map_at,
        },
    )
}

impl Story {
    fn pod(&self) -> Value {
        let mut container = json!({"name": "c", "image": "app"});
        if self.probes {
            for (field, period) in [("startupProbe", 3), ("readinessProbe", 4), ("livenessProbe", 5)] {
                container[field] = json!({"periodSeconds": period, "exec": {}});
            }
        }
        if self.hook {
            container["lifecycle"] = json!({"postStart": {"sleep": {"seconds": 4}}});
        }
        let mut init = Vec::new();
        if self.init {
            init.push(json!({"name": "i", "image": "init"}));
        }
        if self.sidecar {
            init.push(json!({"name": "s", "image": "side", "restartPolicy": "Always"}));
        }
        let mut spec =
            json!({"restartPolicy": self.policy, "containers": [container], "initContainers": init});
        if self.volume {
            spec["volumes"] = json!([{"name": "v", "configMap": {"name": "m"}}]);
        }
        pod(spec)
    }

    /// The statuses that were written, without events: those may repeat.
    fn statuses(&self, mut stage: Stage) -> Vec<String> {
        stage.put(Kind::POD, self.pod());
        let mut marks = vec![(self.map_at, true)];
        marks.extend(self.delete_at.map(|at| (at, false)));
        marks.sort_unstable();
        for (at, arrives) in marks {
            stage.run(at);
            if arrives {
                stage.put(
                    Kind::CONFIG_MAP,
                    json!({"metadata": {"name": "m", "namespace": "n"}}),
                );
            } else if stage.pod().is_some() {
                stage.delete(30);
            }
        }
        stage.run(900);
        let event = |line: &&str| line.contains(": ") && !line.starts_with("       ");
        stage
            .story
            .lines()
            .filter(|line| !event(line))
            .map(str::to_owned)
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn losing_all_memory_changes_no_status(story in story()) {
        let rules = story.does.iter().map(|phrase| format!("- {{image: 'app', does: {phrase}}}\n"));
        let rules = format!("rules:\n{}", rules.collect::<String>());
        let kept = story.statuses(Stage::new(&rules));
        let lost = story.statuses(Stage::forgetful(&rules));
        prop_assert_eq!(kept, lost);
    }

    #[test]
    fn any_object_is_survived(garbage in garbage(4)) {
        let mut stage = Stage::new("");
        let mut object = pod(json!({}));
        for (field, value) in garbage.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
            object["status"][field] = value.clone();
        }
        object["spec"]["nodeName"] = json!("node-1");
        stage.put(Kind::POD, object);
        stage.run(60);
    }
}

/// Values under the names that a kubelet reads.
fn garbage(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["", "x", "2026-01-01T00:00:00Z", "Running", "-1"]).prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "containers",
        "initContainers",
        "containerStatuses",
        "conditions",
        "state",
        "running",
        "startedAt",
        "terminated",
        "finishedAt",
        "exitCode",
        "name",
        "image",
        "restartPolicy",
        "phase",
        "restartCount",
        "readinessProbe",
        "periodSeconds",
        "initialDelaySeconds",
        "volumes",
        "lastState",
        "startTime",
        "activeDeadlineSeconds",
        "type",
        "status",
    ]);
    let tree = leaf.prop_recursive(depth, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..6).prop_map(|map| map
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    });
    tree.prop_filter("a map", Value::is_object)
}
