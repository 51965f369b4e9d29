//! HorizontalPodAutoscaler between autoscaling/v2, which is stored, and v1, which knows the use of the CPU alone.
//!
//! Other metrics, conditions and the behaviour stand in annotations while they are v1. Metrics there have the shape
//! that v1 once had for them: `targetAverageUtilization` for `target: {type: Utilization, …}` and so on.

use serde_json::{Map, Value, json};

use super::move_field;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// What v1 is taken to mean when it names no metric.
const DEFAULT_UTILIZATION: i64 = 80;

/// The kinds of metrics and the fields that hold them.
const SOURCES: &[(&str, &str)] = &[
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

/// v1 out of v2.
pub(super) fn read(object: &mut Value) {
    let mut notes: Vec<(&str, Value)> = Vec::new();
    if let Some(spec) = fields(object, "spec") {
        let mut metrics = take_list(spec, "metrics");
        if let Some(at) = metrics.iter().position(|metric| cpu(metric, "target").is_some()) {
            let metric = metrics.remove(at);
            if let Some(utilization) = cpu(&metric, "target") {
                spec.insert("targetCPUUtilizationPercentage".to_owned(), utilization);
            }
        }
        if !metrics.is_empty() {
            metrics.iter_mut().for_each(|metric| to_flat(metric, "target"));
            notes.push((METRICS, Value::Array(metrics)));
        }
        if let Some(behavior) = spec.remove("behavior") {
            notes.push((BEHAVIOR, behavior));
        }
    }
    if let Some(status) = fields(object, "status") {
        let mut current = take_list(status, "currentMetrics");
        if let Some(utilization) = current.iter().find_map(|metric| cpu(metric, "current")) {
            status.insert("currentCPUUtilizationPercentage".to_owned(), utilization);
        }
        // The fields that v1 prints though they are zero.
        status.entry("currentReplicas").or_insert(json!(0));
        if !current.is_empty() {
            current.iter_mut().for_each(|metric| to_flat(metric, "current"));
            notes.push((CURRENT, Value::Array(current)));
        }
        let conditions = take_list(status, "conditions");
        if !conditions.is_empty() {
            notes.push((CONDITIONS, Value::Array(conditions)));
        }
    }
    let Some(metadata) = fields(object, "metadata").filter(|_| !notes.is_empty()) else {
        return;
    };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        for (name, value) in notes {
            annotations.insert(name.to_owned(), json!(value.to_string()));
        }
    }
}

/// v2 out of v1.
pub(super) fn write(object: &mut Value) {
    let mut note = |name: &str| -> Option<Value> {
        let annotations = object.pointer_mut("/metadata/annotations")?.as_object_mut()?;
        let text = annotations.remove(name)?;
        // What a client has made unreadable is dropped, as by the real server.
        serde_json::from_str(text.as_str()?).ok()
    };
    let list = |value: Option<Value>| match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let mut metrics = list(note(METRICS));
    let mut current = list(note(CURRENT));
    let conditions = list(note(CONDITIONS));
    let behavior = note(BEHAVIOR);
    metrics.iter_mut().for_each(|metric| to_nested(metric, "target"));
    current.iter_mut().for_each(|metric| to_nested(metric, "current"));
    if let Some(metadata) = fields(object, "metadata")
        && metadata.get("annotations").is_some_and(|all| *all == json!({}))
    {
        metadata.remove("annotations");
    }
    if let Some(spec) = fields(object, "spec") {
        let wanted = spec.remove("targetCPUUtilizationPercentage");
        let wanted = wanted.or_else(|| metrics.is_empty().then(|| json!(DEFAULT_UTILIZATION)));
        if let Some(utilization) = wanted {
            let target = json!({"type": "Utilization", "averageUtilization": utilization});
            metrics.insert(
                0,
                json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}),
            );
        }
        spec.insert("metrics".to_owned(), Value::Array(metrics));
        if let Some(behavior) = behavior.filter(Value::is_object) {
            spec.insert("behavior".to_owned(), behavior);
        }
    }
    if let Some(status) = fields(object, "status") {
        let utilization = status.remove("currentCPUUtilizationPercentage");
        if let Some(utilization) =
            utilization.filter(|_| current.iter().all(|metric| cpu(metric, "current").is_none()))
        {
            let value = json!({"averageUtilization": utilization});
            current.push(json!({"type": "Resource", "resource": {"name": "cpu", "current": value}}));
        }
        let current = if current.is_empty() {
            Value::Null
        } else {
            Value::Array(current)
        };
        status.insert("currentMetrics".to_owned(), current);
        if !conditions.is_empty() {
            status.insert("conditions".to_owned(), Value::Array(conditions));
        }
    }
}

fn fields<'a>(object: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    object.get_mut(name).and_then(Value::as_object_mut)
}

fn take_list(fields: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match fields.remove(name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// The use of the CPU in percent, of a metric that is nothing else.
fn cpu(metric: &Value, side: &str) -> Option<Value> {
    let resource = metric.get("resource").filter(|one| one["name"] == "cpu")?;
    resource.get(side)?.get("averageUtilization").cloned()
}

/// The field that holds a metric's source.
fn source(metric: &mut Value) -> Option<(&'static str, &mut Map<String, Value>)> {
    let kind = metric.get("type")?.as_str()?;
    let (kind, field) = SOURCES.iter().find(|(known, _)| *known == kind)?;
    Some((kind, metric.get_mut(field)?.as_object_mut()?))
}

/// The flat names of the values, which v1 has instead of a `target` or `current`.
fn flat_names(kind: &str, side: &str) -> [(&'static str, &'static str); 3] {
    match (kind, side) {
        ("Object", "target") => [
            ("value", "targetValue"),
            ("averageValue", "averageValue"),
            ("averageUtilization", "-"),
        ],
        ("Object", _) => [
            ("value", "currentValue"),
            ("averageValue", "averageValue"),
            ("averageUtilization", "-"),
        ],
        (_, "target") => [
            ("value", "targetValue"),
            ("averageValue", "targetAverageValue"),
            ("averageUtilization", "targetAverageUtilization"),
        ],
        _ => [
            ("value", "currentValue"),
            ("averageValue", "currentAverageValue"),
            ("averageUtilization", "currentAverageUtilization"),
        ],
    }
}

fn to_flat(metric: &mut Value, side: &str) {
    let Some((kind, source)) = source(metric) else {
        return;
    };
    if let Some(Value::Object(mut values)) = source.remove(side) {
        for (nested, flat) in flat_names(kind, side) {
            if let Some(value) = values.remove(nested) {
                source.insert(flat.to_owned(), value);
            }
        }
    }
    if kind == "Object" {
        move_field(source, "describedObject", "target");
    }
    if let Some(Value::Object(mut named)) = source.remove("metric") {
        move_field(&mut named, "name", "metricName");
        if kind == "External" {
            move_field(&mut named, "selector", "metricSelector");
        }
        source.extend(named);
    }
}

fn to_nested(metric: &mut Value, side: &str) {
    let Some((kind, source)) = source(metric) else {
        return;
    };
    if kind == "Object" {
        move_field(source, "target", "describedObject");
    }
    let mut values = Map::new();
    for (nested, flat) in flat_names(kind, side) {
        if let Some(value) = source.remove(flat) {
            values.insert(nested.to_owned(), value);
        }
    }
    if side == "target" {
        let of = |name: &str| values.contains_key(name);
        let ty = match () {
            () if of("averageUtilization") => "Utilization",
            () if of("averageValue") => "AverageValue",
            () => "Value",
        };
        values.insert("type".to_owned(), json!(ty));
    }
    source.insert(side.to_owned(), Value::Object(values));
    let mut named = Map::new();
    for (flat, nested) in [
        ("metricName", "name"),
        ("metricSelector", "selector"),
        ("selector", "selector"),
    ] {
        if let Some(value) = source.remove(flat) {
            named.insert(nested.to_owned(), value);
        }
    }
    if !named.is_empty() {
        source.insert("metric".to_owned(), Value::Object(named));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_shows_the_cpu_and_keeps_the_rest_in_annotations() {
        let stored = json!({
            "metadata": {"name": "h", "annotations": {"a": "b"}},
            "spec": {"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d"},
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
                "metrics": [
                    {"type": "Resource", "resource": {"name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 50}}},
                    {"type": "Resource", "resource": {"name": "memory",
                        "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
                    {"type": "Object", "object": {"describedObject": {"kind": "Service", "name": "s"},
                        "metric": {"name": "rps", "selector": {}}, "target": {"type": "Value", "value": "2k"}}},
                    {"type": "External", "external": {"metric": {"name": "q", "selector": {"matchLabels": {"x": "y"}}},
                        "target": {"type": "AverageValue", "averageValue": "30"}}},
                ]},
            "status": {"desiredReplicas": 2, "currentReplicas": 2,
                "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "current": {"averageUtilization": 40, "averageValue": "4m"}}}],
                "conditions": [{"type": "AbleToScale", "status": "True"}]},
        });
        let mut object = stored.clone();
        read(&mut object);
        assert_eq!(object["spec"]["targetCPUUtilizationPercentage"], 50);
        assert_eq!(object["spec"]["metrics"], Value::Null);
        assert_eq!(object["status"]["currentCPUUtilizationPercentage"], 40);
        let metrics = object["metadata"]["annotations"][METRICS].as_str().unwrap();
        let metrics: Value = serde_json::from_str(metrics).unwrap();
        assert_eq!(
            metrics[0],
            json!({"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}})
        );
        assert_eq!(metrics[1]["object"]["target"]["name"], "s");
        assert_eq!(metrics[1]["object"]["metricName"], "rps");
        write(&mut object);
        assert_eq!(object, stored);
    }

    #[test]
    fn v1_without_a_metric_means_the_cpu_at_80_percent() {
        let mut object = json!({"metadata": {}, "spec": {"maxReplicas": 2}});
        write(&mut object);
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        assert_eq!(object["spec"], json!({"maxReplicas": 2, "metrics": [metric]}));
    }

    #[test]
    fn annotations_that_are_no_metrics_are_dropped() {
        for text in [
            "{",
            "[1]",
            "{}",
            "[{\"type\":\"Resource\"}]",
            "[{\"type\":\"Pods\",\"pods\":7}]",
        ] {
            let mut object =
                json!({"metadata": {"annotations": {METRICS: text}}, "spec": {"maxReplicas": 1}});
            write(&mut object);
            assert_eq!(object["metadata"], json!({}), "{text}");
        }
    }
}
