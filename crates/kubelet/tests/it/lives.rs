//! Whole lives, told as the statuses and events that somebody who watches sees, with the seconds since the start.

use kubelet::nodes;
use objects::Kind;
use serde_json::{Value, json};

use crate::stage::{Stage, pod};

/// The story of a pod until a second.
fn life(rules: &str, spec: Value, until: i64) -> String {
    let mut stage = Stage::new(rules);
    stage.put(Kind::POD, pod(spec));
    stage.run(until);
    stage.story
}

#[test]
fn a_simple_pod_is_ready_after_one_write() {
    let mut stage = Stage::new("");
    stage.put(Kind::POD, pod(json!({})));
    stage.run(60);
    assert_eq!(stage.writes, 1, "{}", stage.story);
    insta::assert_snapshot!("simple_status", format!("{:#}", stage.status()));
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_job_succeeds_at_once() {
    let mut stage = Stage::new("");
    stage.put(Kind::POD, pod(json!({"restartPolicy": "Never"})));
    stage.run(60);
    assert_eq!(stage.writes, 1, "{}", stage.story);
    insta::assert_snapshot!("job_status", format!("{:#}", stage.status()));
}

#[test]
fn init_containers_run_in_their_order_and_sidecars_stay_until_the_work_is_done() {
    let spec = json!({
        "restartPolicy": "OnFailure",
        "initContainers": [
            {"name": "first", "image": "a"},
            {"name": "side", "image": "b", "restartPolicy": "Always", "startupProbe": {"periodSeconds": 2}},
            {"name": "second", "image": "c"},
        ],
    });
    let rules = "rules:\n- {container: first, does: exit 0 after 2s}\n- {container: side, does: started after 3s}\n\
                 - {container: second, does: exit 0 after 1s}\n- {container: c, does: exit 0 after 5s}\n";
    insta::assert_snapshot!(life(rules, spec, 60));
}

#[test]
fn a_failing_init_container_fails_a_pod_that_never_restarts() {
    let spec = json!({"restartPolicy": "Never", "initContainers": [{"name": "i", "image": "a"}]});
    insta::assert_snapshot!(life("rules: [{container: i, does: exit 3}]", spec, 60));
}

#[test]
fn a_crashing_container_is_restarted_after_ever_longer_waits() {
    insta::assert_snapshot!(life("rules: [{does: exit 1 after 5s}]", json!({}), 120));
}

#[test]
fn a_crash_loop_ends_when_the_container_stays_up() {
    insta::assert_snapshot!(life("rules: [{does: exit 1 after 1s 2 times}]", json!({}), 120));
}

#[test]
fn a_container_over_its_memory_limit_is_killed() {
    let spec = |limit: &str| {
        let resources = json!({"limits": {"memory": limit}, "requests": {"memory": limit}});
        json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "a", "resources": resources}]})
    };
    let rules = "rules: [{does: oom at 200Mi after 5s}]";
    insta::assert_snapshot!(life(rules, spec("128Mi"), 60));
    assert!(life(rules, spec("256Mi"), 60).contains("Succeeded"));
}

#[test]
fn probes_hold_readiness_and_kill() {
    let spec = json!({"containers": [{
        "name": "c",
        "image": "a",
        "readinessProbe": {"httpGet": {}, "initialDelaySeconds": 5, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {}, "periodSeconds": 10, "failureThreshold": 2},
    }]});
    insta::assert_snapshot!(life("rules: [{does: fails liveness after 30s}]", spec, 60));
}

#[test]
fn a_pod_that_is_never_ready_says_why() {
    let spec = json!({"containers": [{
        "name": "c", "image": "a", "readinessProbe": {"tcpSocket": {}, "periodSeconds": 5},
    }]});
    insta::assert_snapshot!(life("rules: [{does: never ready}]", spec, 60));
}

#[test]
fn a_pod_waits_for_its_readiness_gates() {
    let mut stage = Stage::new("");
    stage.put(
        Kind::POD,
        pod(json!({"readinessGates": [{"conditionType": "lb"}]})),
    );
    let mut object = stage.pod().unwrap().clone();
    let conditions = object["status"]["conditions"].as_array_mut().unwrap();
    conditions.push(json!({"type": "lb", "status": "True"}));
    stage.put(Kind::POD, object);
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_failing_pull_backs_off() {
    insta::assert_snapshot!(life(
        "rules: [{does: [pull takes 2s, pull fails]}]",
        json!({}),
        60
    ));
}

#[test]
fn a_slow_pull_holds_the_first_pod_of_an_image_only() {
    let mut stage = Stage::new("rules: [{does: pull takes 5s}]");
    stage.put(Kind::POD, pod(json!({})));
    stage.run(10);
    let mut second = pod(json!({}));
    second["metadata"]["name"] = json!("q");
    second["metadata"]["uid"] = json!("v");
    stage.put(Kind::POD, second);
    stage.run(20);
    insta::assert_snapshot!(stage.story);
}

#[test]
fn images_that_cannot_be_had_are_told_apart() {
    let image = |image: &str, policy: &str| json!({"containers": [{"name": "c", "image": image, "imagePullPolicy": policy}]});
    let invalid = life("", image("Not An Image", "IfNotPresent"), 5);
    let never = life("", image("a:1", "Never"), 5);
    insta::assert_snapshot!(format!("{invalid}\n{never}"));
    let present = life("rules: [{does: image present}]", image("a:1", "Never"), 5);
    assert!(present.contains("+Ready"), "{present}");
}

#[test]
fn a_missing_map_holds_the_pod_until_it_comes() {
    let mut stage = Stage::new("");
    stage.put(
        Kind::POD,
        pod(json!({"volumes": [{"name": "v", "configMap": {"name": "m"}}]})),
    );
    stage.run(25);
    stage.put(
        Kind::CONFIG_MAP,
        json!({"metadata": {"name": "m", "namespace": "n"}}),
    );
    stage.run(60);
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_missing_key_of_the_environment_is_a_configuration_error() {
    let mut stage = Stage::new("");
    let env = json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
    stage.put(
        Kind::POD,
        pod(json!({"containers": [{"name": "c", "image": "a", "env": env}]})),
    );
    stage.run(5);
    stage.put(
        Kind::SECRET,
        json!({"metadata": {"name": "s", "namespace": "n"}, "data": {"k": ""}}),
    );
    stage.run(60);
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_deleted_pod_stops_in_its_grace_and_is_gone() {
    for (name, rules) in [
        ("at_once", ""),
        ("takes_its_time", "rules: [{does: stops after 4s with 0}]"),
        ("does_not_listen", "rules: [{does: stops slowly}]"),
    ] {
        let mut stage = Stage::new(rules);
        stage.put(Kind::POD, pod(json!({})));
        stage.run(10);
        stage.story.clear();
        stage.delete(30);
        stage.run(120);
        assert!(stage.pod().is_none());
        insta::assert_snapshot!(name, stage.story);
    }
}

#[test]
fn a_pod_that_is_deleted_while_it_starts_is_gone_at_once() {
    let mut stage = Stage::new("");
    stage.put(
        Kind::POD,
        pod(json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]})),
    );
    stage.delete(30);
    assert!(stage.pod().is_none());
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_pod_that_is_active_too_long_fails() {
    insta::assert_snapshot!(life("", json!({"activeDeadlineSeconds": 30}), 60));
}

#[test]
fn a_pod_that_does_not_fit_is_rejected() {
    let resources = json!({"requests": {"cpu": "9"}});
    let spec = json!({"containers": [{"name": "c", "image": "a", "resources": resources}]});
    insta::assert_snapshot!(life("", spec, 60));
}

#[test]
fn a_new_image_restarts_the_container() {
    let mut stage = Stage::new("");
    stage.put(Kind::POD, pod(json!({})));
    stage.run(10);
    stage.story.clear();
    let mut object = stage.pod().unwrap().clone();
    object["spec"]["containers"][0]["image"] = json!("busybox:1.37");
    object["metadata"]["generation"] = json!(2);
    stage.put(Kind::POD, object);
    stage.run(20);
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_debugging_container_joins_a_running_pod() {
    let mut stage = Stage::new("");
    stage.put(Kind::POD, pod(json!({})));
    stage.story.clear();
    let mut object = stage.pod().unwrap().clone();
    object["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "sh"}]);
    stage.put(Kind::POD, object);
    insta::assert_snapshot!(stage.story);
}

#[test]
fn a_node_that_is_down_does_nothing_until_it_is_back() {
    let mut stage = Stage::new("rules: [{does: exit 1 after 5s}]");
    let down = |value: &str| {
        let mut node = nodes::fleet(1, &kubelet::Shape::default()).remove(0);
        node["metadata"]["annotations"][nodes::DOWN] = json!(value);
        node
    };
    stage.put(Kind::POD, pod(json!({})));
    stage.put(Kind::NODE, down("true"));
    stage.story.clear();
    stage.run(60);
    assert_eq!(stage.story, "");
    stage.put(Kind::NODE, down("false"));
    assert!(stage.story.contains("x1"), "{}", stage.story);
}

#[test]
fn nodes_of_others_are_left_alone() {
    let mut stage = Stage::new("");
    let mut object = pod(json!({}));
    object["spec"]["nodeName"] = json!("real");
    stage.put(Kind::NODE, json!({"metadata": {"name": "real"}}));
    stage.put(Kind::POD, object);
    stage.run(60);
    assert_eq!(stage.writes, 0);
}

#[test]
fn a_hook_after_the_start_holds_the_container_and_those_behind_it() {
    let hook = |seconds: i64| json!({"postStart": {"sleep": {"seconds": seconds}}});
    let spec = json!({"containers": [
        {"name": "a", "image": "a", "lifecycle": hook(5)},
        {"name": "b", "image": "b", "lifecycle": hook(2)},
        {"name": "c", "image": "c", "lifecycle": {"postStart": {"exec": {"command": ["true"]}}}},
    ]});
    insta::assert_snapshot!(life("", spec, 60));
}

#[test]
fn a_restarted_container_runs_its_hook_again() {
    let lifecycle = json!({"postStart": {"sleep": {"seconds": 3}}, "preStop": {"sleep": {"seconds": 4}}});
    let spec = json!({"containers": [{"name": "c", "image": "a", "lifecycle": lifecycle}]});
    let mut stage = Stage::new("rules: [{does: exit 1 after 5s}]");
    stage.put(Kind::POD, pod(spec));
    stage.run(30);
    stage.delete(30);
    stage.run(60);
    insta::assert_snapshot!(stage.story);
}
