//! The columns of what makes pods and scales them.

use serde_json::{Value, json};

use super::column::{AGE, Column, Columns, NAME, field, said};
use super::pods::{PODS, job_duration};
use super::read::{
    NONE, UNSET, condition, count, few, images, is_deleted, items, names, number, or, plain, selector, text,
    truth_text, written,
};
use super::{super::scale::selector_text, age_of};

const CONTAINERS: Column = said("Containers", "Names of each container in the template.", |o| {
    names(&o["spec"]["template"])
})
.wide();
const IMAGES: Column = said(
    "Images",
    "Images referenced by each container in the template.",
    |o| images(&o["spec"]["template"]),
)
.wide();
const READY: Column = said("Ready", "Number of the pod with ready state", |o| {
    let wanted = o["spec"]["replicas"].as_i64().unwrap_or(0);
    json!(format!("{}/{wanted}", number(&o["status"]["readyReplicas"])))
});

pub(super) const COLUMNS: &[Columns] = &[
    ("", "pods", PODS),
    ("", "podtemplates", &[
        NAME,
        said("Containers", "Names of each container in the template.", |o| names(&o["template"])),
        said("Images", "Images referenced by each container in the template.", |o| images(&o["template"])),
        said("Pod Labels", "The labels for the pod template.", |o| selector(&o["template"]["metadata"]["labels"])),
    ]),
    ("", "replicationcontrollers", &[
        NAME,
        field("Desired", "core.v1.ReplicationControllerSpec.replicas", |o| json!(number(&o["spec"]["replicas"]))).integer(),
        field("Current", "core.v1.ReplicationControllerStatus.replicas", |o| json!(number(&o["status"]["replicas"]))).integer(),
        field("Ready", "core.v1.ReplicationControllerStatus.readyReplicas", |o| json!(number(&o["status"]["readyReplicas"]))).integer(),
        AGE,
        CONTAINERS,
        IMAGES,
        field("Selector", "core.v1.ReplicationControllerSpec.selector", |o| selector(&o["spec"]["selector"])).wide(),
    ]),
    ("apps", "deployments", &[
        NAME,
        READY,
        field("Up-to-date", "apps.v1.DeploymentStatus.updatedReplicas", |o| json!(number(&o["status"]["updatedReplicas"]))),
        field("Available", "apps.v1.DeploymentStatus.availableReplicas", |o| json!(number(&o["status"]["availableReplicas"]))),
        AGE,
        CONTAINERS,
        IMAGES,
        // The description of the type's first version.
        said("Selector", "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment.", |o| json!(selector_text(&o["spec"]["selector"]))).wide(),
    ]),
    ("apps", "replicasets", &[
        NAME,
        field("Desired", "apps.v1.ReplicaSetSpec.replicas", |o| json!(number(&o["spec"]["replicas"]))).integer(),
        field("Current", "apps.v1.ReplicaSetStatus.replicas", |o| json!(number(&o["status"]["replicas"]))).integer(),
        field("Ready", "apps.v1.ReplicaSetStatus.readyReplicas", |o| json!(number(&o["status"]["readyReplicas"]))).integer(),
        AGE,
        CONTAINERS,
        IMAGES,
        field("Selector", "apps.v1.ReplicaSetSpec.selector", |o| selector(&o["spec"]["selector"])).wide(),
    ]),
    ("apps", "statefulsets", &[NAME, READY, AGE, CONTAINERS, IMAGES]),
    ("apps", "daemonsets", &[
        NAME,
        field("Desired", "apps.v1.DaemonSetStatus.desiredNumberScheduled", |o| json!(number(&o["status"]["desiredNumberScheduled"]))).integer(),
        field("Current", "apps.v1.DaemonSetStatus.currentNumberScheduled", |o| json!(number(&o["status"]["currentNumberScheduled"]))).integer(),
        field("Ready", "apps.v1.DaemonSetStatus.numberReady", |o| json!(number(&o["status"]["numberReady"]))).integer(),
        field("Up-to-date", "apps.v1.DaemonSetStatus.updatedNumberScheduled", |o| json!(number(&o["status"]["updatedNumberScheduled"]))).integer(),
        field("Available", "apps.v1.DaemonSetStatus.numberAvailable", |o| json!(number(&o["status"]["numberAvailable"]))).integer(),
        field("Node Selector", "core.v1.PodSpec.nodeSelector", |o| selector(&o["spec"]["template"]["spec"]["nodeSelector"])),
        AGE,
        CONTAINERS,
        IMAGES,
        field("Selector", "apps.v1.DaemonSetSpec.selector", |o| selector(&o["spec"]["selector"])).wide(),
    ]),
    ("apps", "controllerrevisions", &[
        NAME,
        said("Controller", "Controller of the object", controller),
        field("Revision", "apps.v1.ControllerRevision.revision", |o| json!(number(&o["revision"]))),
        AGE,
    ]),
    ("batch", "jobs", &[
        NAME,
        said("Status", "Status of the job.", |o| json!(job_status(o))),
        field("Completions", "batch.v1.JobStatus.succeeded", |o| json!(completions(o))),
        said("Duration", "Time required to complete the job.", job_duration),
        AGE,
        CONTAINERS,
        IMAGES,
        field("Selector", "batch.v1.JobSpec.selector", |o| selector(&o["spec"]["selector"])).wide(),
    ]),
    ("batch", "cronjobs", &[
        NAME,
        field("Schedule", "batch.v1.CronJobSpec.schedule", |o| plain(&o["spec"]["schedule"])),
        field("Timezone", "batch.v1.CronJobSpec.timeZone", |o| or(&o["spec"]["timeZone"], NONE)),
        field("Suspend", "batch.v1.CronJobSpec.suspend", |o| truth_text(&o["spec"]["suspend"])).boolean(),
        field("Active", "batch.v1.CronJobStatus.active", |o| count(&o["status"]["active"])).integer(),
        field("Last Schedule", "batch.v1.CronJobStatus.lastScheduleTime", |o| match text(&o["status"]["lastScheduleTime"]) {
            "" => json!(NONE),
            time => json!(age_of(time)),
        }),
        AGE,
        said("Containers", "Names of each container in the template.", |o| names(&o["spec"]["jobTemplate"]["spec"]["template"])).wide(),
        said("Images", "Images referenced by each container in the template.", |o| images(&o["spec"]["jobTemplate"]["spec"]["template"])).wide(),
        field("Selector", "batch.v1.JobSpec.selector", |o| selector(&o["spec"]["jobTemplate"]["spec"]["selector"])).wide(),
    ]),
    ("autoscaling", "horizontalpodautoscalers", &[
        NAME,
        field("Reference", "autoscaling.v2.HorizontalPodAutoscalerSpec.scaleTargetRef", |o| {
            let target = &o["spec"]["scaleTargetRef"];
            json!(format!("{}/{}", text(&target["kind"]), text(&target["name"])))
        }),
        field("Targets", "autoscaling.v2.HorizontalPodAutoscalerSpec.metrics", |o| json!(targets(o))),
        field("MinPods", "autoscaling.v2.HorizontalPodAutoscalerSpec.minReplicas", |o| {
            json!(written(&o["spec"]["minReplicas"]).unwrap_or_else(|| UNSET.to_owned()))
        }),
        field("MaxPods", "autoscaling.v2.HorizontalPodAutoscalerSpec.maxReplicas", |o| json!(number(&o["spec"]["maxReplicas"]))),
        field("Replicas", "autoscaling.v2.HorizontalPodAutoscalerStatus.currentReplicas", |o| json!(number(&o["status"]["currentReplicas"]))),
        AGE,
    ]),
    ("policy", "poddisruptionbudgets", &[
        NAME,
        said("Min Available", "The minimum number of pods that must be available.", |o| json!(written(&o["spec"]["minAvailable"]).unwrap_or_else(|| "N/A".to_owned()))),
        said("Max Unavailable", "The maximum number of pods that may be unavailable.", |o| json!(written(&o["spec"]["maxUnavailable"]).unwrap_or_else(|| "N/A".to_owned()))),
        said("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time.", |o| json!(number(&o["status"]["disruptionsAllowed"]))).integer(),
        AGE,
    ]),
];

fn job_status(job: &Value) -> &'static str {
    let has = |kind: &str| condition(job, kind) == Some("True");
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if is_deleted(job) => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn completions(job: &Value) -> String {
    let succeeded = number(&job["status"]["succeeded"]);
    match (
        job["spec"]["completions"].as_i64(),
        number(&job["spec"]["parallelism"]),
    ) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, many) if many > 1 => format!("{succeeded}/1 of {many}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

/// `deployment.apps/web`
fn controller(object: &Value) -> Value {
    let owners = items(&object["metadata"]["ownerReferences"]);
    let Some(owner) = owners.iter().find(|one| one["controller"] == json!(true)) else {
        return json!(NONE);
    };
    let group = text(&owner["apiVersion"]).split_once('/').map(|(group, _)| group);
    let kind = match group {
        Some(group) => format!("{}.{group}", text(&owner["kind"])),
        None => text(&owner["kind"]).to_owned(),
    };
    json!(format!("{}/{}", kind.to_lowercase(), text(&owner["name"])))
}

/// `cpu: 40%/80%`: what is measured and what is wanted, for two metrics and how many more.
fn targets(autoscaler: &Value) -> String {
    let metrics = items(&autoscaler["spec"]["metrics"]);
    if metrics.is_empty() {
        return NONE.to_owned();
    }
    let measured = items(&autoscaler["status"]["currentMetrics"]);
    let all: Vec<String> = metrics
        .iter()
        .enumerate()
        .map(|(n, metric)| target(metric, measured.get(n).unwrap_or(&Value::Null)))
        .collect();
    few(&all, 2, ", ")
}

fn target(metric: &Value, measured: &Value) -> String {
    let (field, of_resource) = match text(&metric["type"]) {
        "External" => ("external", false),
        "Object" => ("object", false),
        "Pods" => ("pods", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".to_owned(),
    };
    let (wanted, current) = (&metric[field]["target"], &measured[field]["current"]);
    let amount = |value: &Value| written(value).unwrap_or_else(|| "<unknown>".to_owned());
    let average = written(&wanted["averageValue"]);
    if of_resource {
        let name = text(&metric[field]["name"]);
        if let Some(average) = average {
            return format!("{name}: {}/{average}", amount(&current["averageValue"]));
        }
        let percent = |value: &Value| value.as_i64().map(|percent| format!("{percent}%"));
        let used = percent(&current["averageUtilization"]).unwrap_or_else(|| "<unknown>".to_owned());
        let wanted = percent(&wanted["averageUtilization"]).unwrap_or_else(|| "<auto>".to_owned());
        return format!("{name}: {used}/{wanted}");
    }
    match average {
        Some(average) if field == "pods" => format!("{}/{average}", amount(&current["averageValue"])),
        Some(average) => format!("{}/{average} (avg)", amount(&current["averageValue"])),
        None => format!(
            "{}/{}",
            amount(&current["value"]),
            written(&wanted["value"]).unwrap_or_else(|| "0".to_owned())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_say_what_is_measured_and_what_is_wanted() {
        let resource = |name: &str, target: Value| json!({"type": "Resource", "resource": {"name": name, "target": target}});
        let cpu = resource("cpu", json!({"averageUtilization": 80}));
        let memory = resource("memory", json!({"averageValue": "1Gi"}));
        let external = json!({"type": "External", "external": {"target": {"averageValue": "5"}}});
        for (metrics, measured, expected) in [
            (json!([]), json!([]), "<none>"),
            (json!([cpu]), json!([{"type": ""}]), "cpu: <unknown>/80%"),
            (
                json!([cpu, memory]),
                json!([{"resource": {"current": {"averageUtilization": 12}}}, {"resource": {"current": {"averageValue": "7Mi"}}}]),
                "cpu: 12%/80%, memory: 7Mi/1Gi",
            ),
            (json!([external]), json!(null), "<unknown>/5 (avg)"),
            (
                json!([cpu, memory, external]),
                json!(null),
                "cpu: <unknown>/80%, memory: <unknown>/1Gi + 1 more...",
            ),
            (json!([{"type": "New"}]), json!(null), "<unknown type>"),
        ] {
            let object = json!({"spec": {"metrics": metrics}, "status": {"currentMetrics": measured}});
            assert_eq!(targets(&object), expected);
        }
    }

    #[test]
    fn jobs_say_how_many_have_succeeded_of_how_many() {
        for (spec, expected) in [
            (json!({"completions": 3}), "2/3"),
            (json!({"parallelism": 4}), "2/1 of 4"),
            (json!({}), "2/1"),
        ] {
            assert_eq!(
                completions(&json!({"spec": spec, "status": {"succeeded": 2}})),
                expected
            );
        }
    }
}
