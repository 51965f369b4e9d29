//! What an autoscaler does with the usage of pods.

use controllers::autoscaler::Autoscalers;
use objects::control::Loop;
use objects::{Key, Kind, condition, meta};
use serde_json::{Value, json};

use crate::cluster::{Cluster, merge};

fn loops() -> Vec<Box<dyn Loop>> {
    vec![Box::new(Autoscalers::default())]
}

fn cpu(target: Value) -> Value {
    json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}])
}

/// An autoscaler `h` of a Deployment `web` with so many pods, each using so many thousandths of a CPU of 1.
fn started(replicas: i64, usage: Option<i64>, fields: Value) -> Cluster {
    let mut cluster = Cluster::new(loops, |_| None, 0);
    let selector = json!({"matchLabels": {"app": "web"}});
    let spec = json!({"replicas": replicas, "selector": selector});
    cluster.create(
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}),
    );
    for number in 0..replicas {
        let name = format!("web-{number}");
        let container = json!({"name": "c", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}});
        cluster.create(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": "web"}}, "spec": {"containers": [container]},
        }));
    }
    // So that the pods have run for long enough.
    cluster.run(3600);
    if let Some(milli) = usage {
        set_usage(&mut cluster, replicas, milli);
    }
    let mut spec = json!({
        "minReplicas": 1, "maxReplicas": 10,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "metrics": cpu(json!({"type": "Utilization", "averageUtilization": 50})),
    });
    merge(&mut spec, &fields);
    let object = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": spec,
    });
    cluster.create(object);
    // The first look.
    cluster.run(15);
    cluster
}

fn set_usage(cluster: &mut Cluster, replicas: i64, milli: i64) {
    for number in 0..replicas {
        let name = format!("web-{number}");
        let usage = json!({"cpu": format!("{milli}m"), "memory": "100Mi"});
        let metrics = json!({
            "metadata": {"name": name, "namespace": "n"}, "timestamp": "2026-01-01T00:59:50Z", "window": "15s",
            "containers": [{"name": "c", "usage": usage}],
        });
        cluster
            .world
            .put(&Key::new(Kind::POD_METRICS, "n", &name), metrics);
    }
}

fn wanted(cluster: &Cluster) -> i64 {
    let web = cluster.get(&Kind::DEPLOYMENT, "web");
    meta::number_at(&web, "/spec/replicas").expect("a number")
}

fn status(cluster: &Cluster) -> Value {
    cluster.get(&Kind::HORIZONTAL_POD_AUTOSCALER, "h")["status"].clone()
}

/// The status, the reason and the message of a condition.
fn told(cluster: &Cluster, kind: &str) -> [String; 3] {
    let object = cluster.get(&Kind::HORIZONTAL_POD_AUTOSCALER, "h");
    let condition = condition::find(&object, kind).cloned().unwrap_or_default();
    ["status", "reason", "message"].map(|field| meta::text(&condition, field).to_owned())
}

#[test]
fn without_the_metrics_api_it_says_what_the_real_one_says() {
    let mut cluster = started(
        2,
        None,
        json!({"metrics": cpu(json!({"averageUtilization": 80}))}),
    );
    cluster.run(1);
    let mut status = status(&cluster);
    for condition in status["conditions"].as_array_mut().expect("conditions") {
        condition
            .as_object_mut()
            .expect("a map")
            .remove("lastTransitionTime");
    }
    let why = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from \
               resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    let expected = json!({
        "conditions": [
            {
                "message": "the HPA controller was able to get the target's current scale",
                "reason": "SucceededGetScale", "status": "True", "type": "AbleToScale",
            },
            {
                "message": format!("the HPA was unable to compute the replica count: {why}"),
                "reason": "FailedGetResourceMetric", "status": "False", "type": "ScalingActive",
            },
        ],
        "currentMetrics": [{"type": ""}], "currentReplicas": 2, "desiredReplicas": 0,
    });
    assert_eq!(status, expected);
    assert_eq!(cluster.said("FailedGetResourceMetric"), [why]);
    let context =
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value:";
    assert_eq!(
        cluster.said("FailedComputeMetricsReplicas"),
        [format!("{context} {why}")]
    );
}

#[test]
fn busy_pods_get_company_and_idle_ones_lose_it_five_minutes_later() {
    let mut cluster = started(2, Some(1000), json!({}));
    cluster.run(1);
    assert_eq!(wanted(&cluster), 4);
    let reason = "cpu resource utilization (percentage of request)";
    assert_eq!(
        cluster.said("SuccessfulRescale"),
        [format!("New size: 4; reason: {reason} above target")]
    );
    let after = status(&cluster);
    assert_eq!(
        (&after["currentReplicas"], &after["desiredReplicas"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(after["lastScaleTime"], "2026-01-01T01:00:15Z");
    let current = json!({"averageUtilization": 100, "averageValue": "1"});
    assert_eq!(
        after["currentMetrics"],
        json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}])
    );
    let able = "the HPA controller was able to update the target scale to 4";
    assert_eq!(told(&cluster, "AbleToScale"), ["True", "SucceededRescale", able]);
    let active = format!("the HPA was able to successfully calculate a replica count from {reason}");
    assert_eq!(
        told(&cluster, "ScalingActive"),
        ["True", "ValidMetricFound", active.as_str()]
    );

    set_usage(&mut cluster, 2, 100);
    cluster.run(295);
    assert_eq!(wanted(&cluster), 4);
    assert_eq!(told(&cluster, "AbleToScale")[1], "ScaleDownStabilized");
    cluster.run(30);
    assert_eq!(wanted(&cluster), 1);
    assert_eq!(
        cluster.said("SuccessfulRescale")[1],
        "New size: 1; reason: All metrics below target"
    );
}

#[test]
fn the_number_stays_within_its_bounds_whatever_the_metrics_say() {
    for (replicas, usage, fields, expected, reason) in [
        (
            5,
            None,
            json!({"maxReplicas": 3}),
            3,
            "Current number of replicas above Spec.MaxReplicas",
        ),
        (
            2,
            None,
            json!({"minReplicas": 4}),
            4,
            "Current number of replicas below Spec.MinReplicas",
        ),
        (
            2,
            Some(1000),
            json!({"maxReplicas": 3}),
            3,
            "cpu resource utilization (percentage of request) above target",
        ),
    ] {
        let mut cluster = started(replicas, usage, fields);
        cluster.run(1);
        assert_eq!(wanted(&cluster), expected);
        assert_eq!(
            cluster.said("SuccessfulRescale"),
            [format!("New size: {expected}; reason: {reason}")]
        );
    }
    let mut cluster = started(0, None, json!({}));
    cluster.run(1);
    let why = "scaling is disabled since the replica count of the target is zero";
    assert_eq!(told(&cluster, "ScalingActive"), ["False", "ScalingDisabled", why]);
    assert_eq!(wanted(&cluster), 0);
}

#[test]
fn the_most_demanding_metric_decides_and_a_failing_one_does_not_shrink() {
    let memory = json!({"type": "Resource", "resource": {
        "name": "memory", "target": {"type": "AverageValue", "averageValue": "25Mi"},
    }});
    let idle = json!({"type": "ContainerResource", "containerResource": {
        "name": "cpu", "container": "c", "target": {"type": "Utilization", "averageUtilization": 100},
    }});
    let custom =
        json!({"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"averageValue": "1"}}});
    let mut cluster = started(2, Some(100), json!({"metrics": [idle, memory, custom]}));
    cluster.run(1);
    assert_eq!(wanted(&cluster), 4);
    assert_eq!(told(&cluster, "ScalingLimited")[1], "ScaleUpLimit");
    assert_eq!(
        cluster.said("SuccessfulRescale"),
        ["New size: 4; reason: memory resource above target"]
    );
    let metrics = status(&cluster)["currentMetrics"].clone();
    assert_eq!(
        metrics[1]["resource"]["current"],
        json!({"averageValue": "104857600"})
    );
    assert_eq!(metrics[2], json!({"type": ""}));
    let why = "unable to get metric rps: unable to fetch metrics from custom metrics API: no custom metrics API \
               (custom.metrics.k8s.io) registered";
    assert_eq!(cluster.said("FailedGetPodsMetric"), [why]);

    let mut cluster = started(4, Some(100), json!({"metrics": [idle, custom]}));
    cluster.run(400);
    assert_eq!(wanted(&cluster), 4);
    assert_eq!(told(&cluster, "ScalingActive")[1], "FailedGetPodsMetric");
}

#[test]
fn a_target_that_is_missing_is_looked_for_every_15_seconds() {
    let target = json!({"scaleTargetRef": {"name": "other"}});
    let mut cluster = started(1, None, target);
    cluster.run(31);
    let why = "deployments.apps \"other\" not found";
    assert_eq!(cluster.said("FailedGetScale"), [why; 3]);
    let told_at_last = format!("the HPA controller was unable to get the target's current scale: {why}");
    assert_eq!(
        told(&cluster, "AbleToScale"),
        ["False", "FailedGetScale", told_at_last.as_str()]
    );
}
