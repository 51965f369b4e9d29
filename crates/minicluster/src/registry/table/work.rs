//! Cells of Jobs, CronJobs and autoscalers that take more than a field to read.

use serde_json::{Value, json};

use super::duration;
use crate::registry::world::seconds_since;

/// The most metrics of an autoscaler that a cell shows.
const MAX_METRICS: usize = 2;

/// How far a Job is, in one word.
pub(super) fn job_status(job: &Value) -> Value {
    let conditions = job["status"]["conditions"].as_array();
    let holds = |kind: &str| {
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == kind && one["status"] == "True")
    };
    let ends = ["Complete", "Failed"].into_iter().find(|kind| holds(kind));
    let word = match ends {
        Some(end) => end,
        None if job["metadata"]["deletionTimestamp"].is_string() => "Terminating",
        None => ["Suspended", "FailureTarget", "SuccessCriteriaMet"]
            .into_iter()
            .find(|kind| holds(kind))
            .unwrap_or("Running"),
    };
    json!(word)
}

/// Successes and how many are wanted.
pub(super) fn completions(job: &Value) -> Value {
    let succeeded = job["status"]["succeeded"].as_i64().unwrap_or_default();
    let spec = &job["spec"];
    json!(
        match (spec["completions"].as_i64(), spec["parallelism"].as_i64()) {
            (Some(wanted), _) => format!("{succeeded}/{wanted}"),
            (None, Some(parallelism)) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
            (None, _) => format!("{succeeded}/1"),
        }
    )
}

/// How long a Job took, or takes by now.
pub(super) fn took(job: &Value) -> Value {
    let since = |field: &str| job["status"][field].as_str().and_then(seconds_since);
    match (since("startTime"), since("completionTime")) {
        (Some(start), end) => json!(duration((start - end.unwrap_or(0)).max(0))),
        _ => json!(""),
    }
}

/// When a CronJob last made a Job.
pub(super) fn last_schedule(cron: &Value) -> Value {
    let since = cron["status"]["lastScheduleTime"]
        .as_str()
        .and_then(seconds_since);
    json!(since.map_or("<none>".to_owned(), |seconds| duration(seconds.max(0))))
}

/// What an autoscaler measures against what it wants: `cpu: 10%/50%`.
pub(super) fn targets(autoscaler: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let wanted = list(&autoscaler["spec"]["metrics"]);
    let measured = list(&autoscaler["status"]["currentMetrics"]);
    let shown = wanted.iter().enumerate().take(MAX_METRICS).map(|(at, metric)| {
        let (field, prefix) = match metric["type"].as_str().unwrap_or_default() {
            "Resource" => ("resource", metric["resource"]["name"].as_str()),
            "ContainerResource" => ("containerResource", metric["containerResource"]["name"].as_str()),
            "Pods" => ("pods", None),
            "Object" => ("object", None),
            "External" => ("external", None),
            _ => return "<unknown type>".to_owned(),
        };
        let target = &metric[field]["target"];
        let current = measured
            .get(at)
            .map_or(&Value::Null, |one| &one[field]["current"]);
        let prefix = prefix.map(|name| format!("{name}: ")).unwrap_or_default();
        format!("{prefix}{}", against(field, current, target))
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if wanted.len() > MAX_METRICS {
        text.push_str(&format!(" + {} more...", wanted.len() - MAX_METRICS));
    }
    json!(if text.is_empty() { "<none>" } else { &text })
}

fn against(field: &str, current: &Value, target: &Value) -> String {
    let amount = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| "<unknown>".to_owned(), str::to_owned)
    };
    let percent = |value: &Value| {
        value
            .as_i64()
            .map_or("<unknown>".to_owned(), |percent| format!("{percent}%"))
    };
    if target["averageValue"].is_string() {
        let average = if matches!(field, "object" | "external") {
            " (avg)"
        } else {
            ""
        };
        return format!(
            "{}/{}{average}",
            amount(&current["averageValue"]),
            amount(&target["averageValue"])
        );
    }
    if target["value"].is_string() {
        return format!("{}/{}", amount(&current["value"]), amount(&target["value"]));
    }
    let target = percent(&target["averageUtilization"]);
    let target = if target == "<unknown>" {
        "<auto>".to_owned()
    } else {
        target
    };
    format!("{}/{target}", percent(&current["averageUtilization"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_shows_what_it_measures_against_what_it_wants() {
        let cpu =
            json!({"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}});
        let memory =
            json!({"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "25Mi"}}});
        let measured =
            json!({"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 7}}});
        let of = |metrics: Value, measured: Value| {
            targets(&json!({"spec": {"metrics": metrics}, "status": {"currentMetrics": measured}}))
        };
        assert_eq!(of(json!([]), json!([])), "<none>");
        assert_eq!(of(json!([cpu]), json!([{"type": ""}])), "cpu: <unknown>/50%");
        assert_eq!(
            of(json!([cpu, memory]), json!([measured])),
            "cpu: 7%/50%, memory: <unknown>/25Mi"
        );
        assert_eq!(
            of(json!([cpu, cpu, memory]), json!([])),
            "cpu: <unknown>/50%, cpu: <unknown>/50% + 1 more..."
        );
    }

    #[test]
    fn a_job_says_in_a_word_how_far_it_is() {
        for (condition, deleted, expected) in [
            ("Complete", true, "Complete"),
            ("Suspended", false, "Suspended"),
            ("Suspended", true, "Terminating"),
            ("FailureTarget", false, "FailureTarget"),
            ("Other", false, "Running"),
        ] {
            let mut job = json!({"status": {"conditions": [{"type": condition, "status": "True"}]}});
            if deleted {
                job["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
            }
            assert_eq!(job_status(&job), expected);
        }
        assert_eq!(completions(&json!({"spec": {"parallelism": 3}})), "0/1 of 3");
        assert_eq!(
            completions(&json!({"spec": {"completions": 2}, "status": {"succeeded": 1}})),
            "1/2"
        );
    }
}
