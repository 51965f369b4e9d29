//! Defaults of the kinds that own pods, and of what scales them.

use serde_json::{Value, json};

use super::{claim, each, field, pod, put, set, set_absent, text};

pub(super) fn deployment(deployment: &mut Value) {
    let spec = field(deployment, "spec");
    set_absent(spec, "replicas", json!(1));
    let strategy = field(spec, "strategy");
    set(strategy, "type", json!("RollingUpdate"));
    if text(strategy, "type") == "RollingUpdate" {
        let update = field(strategy, "rollingUpdate");
        set_absent(update, "maxUnavailable", json!("25%"));
        set_absent(update, "maxSurge", json!("25%"));
    }
    set_absent(spec, "revisionHistoryLimit", json!(10));
    set_absent(spec, "progressDeadlineSeconds", json!(600));
    pod::template(spec);
}

pub(super) fn replica_set(set: &mut Value) {
    let spec = field(set, "spec");
    set_absent(spec, "replicas", json!(1));
    pod::template(spec);
}

pub(super) fn replication_controller(controller: &mut Value) {
    let labels = controller.pointer("/spec/template/metadata/labels").cloned();
    if let Some(labels) = labels.filter(|labels| labels.as_object().is_some_and(|map| !map.is_empty())) {
        set_absent(field(controller, "spec"), "selector", labels.clone());
        set_absent(field(controller, "metadata"), "labels", labels);
    }
    replica_set(controller);
}

pub(super) fn stateful_set(set: &mut Value) {
    let spec = field(set, "spec");
    super::set(spec, "podManagementPolicy", json!("OrderedReady"));
    let strategy = field(spec, "updateStrategy");
    super::set(strategy, "type", json!("RollingUpdate"));
    if text(strategy, "type") == "RollingUpdate" {
        set_absent(field(strategy, "rollingUpdate"), "partition", json!(0));
    }
    let retention = field(spec, "persistentVolumeClaimRetentionPolicy");
    super::set(retention, "whenDeleted", json!("Retain"));
    super::set(retention, "whenScaled", json!("Retain"));
    set_absent(spec, "replicas", json!(1));
    set_absent(spec, "revisionHistoryLimit", json!(10));
    each(spec, "volumeClaimTemplates", |template| {
        super::set(template, "apiVersion", json!("v1"));
        super::set(template, "kind", json!("PersistentVolumeClaim"));
        claim(template);
    });
    pod::template(spec);
}

pub(super) fn daemon_set(set: &mut Value) {
    let spec = field(set, "spec");
    let strategy = field(spec, "updateStrategy");
    super::set(strategy, "type", json!("RollingUpdate"));
    if text(strategy, "type") == "RollingUpdate" {
        let update = field(strategy, "rollingUpdate");
        set_absent(update, "maxUnavailable", json!(1));
        set_absent(update, "maxSurge", json!(0));
    }
    set_absent(spec, "revisionHistoryLimit", json!(10));
    pod::template(spec);
}

pub(super) fn job(job: &mut Value) {
    let spec = field(job, "spec");
    let unset = |spec: &Value, name: &str| spec.get(name).is_none_or(Value::is_null);
    if unset(spec, "completions") && unset(spec, "parallelism") {
        set_absent(spec, "completions", json!(1));
    }
    set_absent(spec, "parallelism", json!(1));
    let tries = if unset(spec, "backoffLimitPerIndex") {
        6
    } else {
        i64::from(i32::MAX)
    };
    set_absent(spec, "backoffLimit", json!(tries));
    super::set(spec, "completionMode", json!("NonIndexed"));
    set_absent(spec, "suspend", json!(false));
    set_absent(spec, "manualSelector", json!(false));
    let replace = if unset(spec, "podFailurePolicy") {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    super::set(spec, "podReplacementPolicy", json!(replace));
    pod::template(spec);
    labels_of_template(job);
}

/// A Job without labels has those of its template.
pub(in crate::validate) fn labels_of_template(job: &mut Value) {
    let empty = |labels: &Value| labels.as_object().is_none_or(serde_json::Map::is_empty);
    let labels = job.pointer("/spec/template/metadata/labels").cloned();
    if let Some(labels) = labels.filter(|labels| !empty(labels))
        && job.pointer("/metadata/labels").is_none_or(empty)
    {
        put(field(job, "metadata"), "labels", labels);
    }
}

pub(super) fn cron_job(job: &mut Value) {
    let spec = field(job, "spec");
    super::set(spec, "concurrencyPolicy", json!("Allow"));
    set_absent(spec, "suspend", json!(false));
    set_absent(spec, "successfulJobsHistoryLimit", json!(3));
    set_absent(spec, "failedJobsHistoryLimit", json!(1));
    if let Some(spec) = spec.pointer_mut("/jobTemplate/spec") {
        pod::template(spec);
    }
}

pub(super) fn autoscaler(autoscaler: &mut Value) {
    let second = text(autoscaler, "apiVersion") != "autoscaling/v1";
    let spec = field(autoscaler, "spec");
    set_absent(spec, "minReplicas", json!(1));
    if !second {
        return;
    }
    if spec
        .get("metrics")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty)
    {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        put(
            spec,
            "metrics",
            json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
        );
    }
    if spec.get("behavior").is_none_or(Value::is_null) {
        return;
    }
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    let up = field(field(spec, "behavior"), "scaleUp");
    set_absent(up, "stabilizationWindowSeconds", json!(0));
    super::set(up, "selectPolicy", json!("Max"));
    set_absent(up, "policies", json!([pods, percent]));
    let down = field(field(spec, "behavior"), "scaleDown");
    super::set(down, "selectPolicy", json!("Max"));
    set_absent(down, "policies", json!([percent]));
}
