//! The rules of the kinds that own pods.

use controllers::cron_job::{Schedule, find_zone};
use jiff::tz::TimeZone;
use objects::Selector;
use serde_json::{Value, json};

use super::findings::{Findings, given, text};
use super::{meta, pod};

const STATEFUL_UPDATE: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
    'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const STATEFUL_FREE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// CronJobs append eleven characters to the names of their Jobs, which have at most 63.
const MAX_CRON_JOB_NAME: usize = 52;

pub(super) fn deployment(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    out.not_negative("spec", spec, "replicas");
    selected_template(out, spec, "deployment");
    let strategy = &spec["strategy"];
    match text(strategy, "type") {
        "Recreate" if given(strategy, "rollingUpdate").is_some() => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            out.forbidden("spec.strategy.rollingUpdate", why);
        }
        "Recreate" => {}
        "RollingUpdate" => rolling_update(out, &strategy["rollingUpdate"]),
        other => out.one_of("spec.strategy", other, &["Recreate", "RollingUpdate"]),
    }
    out.not_negative("spec", spec, "minReadySeconds");
    out.not_negative("spec", spec, "revisionHistoryLimit");
    let ready = spec["minReadySeconds"].as_i64().unwrap_or(0);
    if let Some(deadline) = given(spec, "progressDeadlineSeconds") {
        out.not_negative("spec", spec, "progressDeadlineSeconds");
        if deadline.as_i64().is_some_and(|seconds| seconds <= ready) {
            out.invalid(
                "spec.progressDeadlineSeconds",
                deadline,
                "must be greater than minReadySeconds",
            );
        }
    }
}

pub(super) fn replica_set(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    out.not_negative("spec", spec, "replicas");
    out.not_negative("spec", spec, "minReadySeconds");
    selected_template(out, spec, "replicaset");
}

pub(super) fn daemon_set(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    selected_template(out, spec, "daemonset");
    out.not_negative("spec", spec, "minReadySeconds");
    let strategy = text(&spec["updateStrategy"], "type");
    out.one_of(
        "spec.updateStrategy.type",
        strategy,
        &["RollingUpdate", "OnDelete"],
    );
    out.not_negative("spec", spec, "revisionHistoryLimit");
}

pub(super) fn stateful_set(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    match text(spec, "podManagementPolicy") {
        "OrderedReady" | "Parallel" => {}
        other => {
            let why = "must be 'OrderedReady' or 'Parallel'";
            out.invalid("spec.podManagementPolicy", &json!(other), why);
        }
    }
    match text(&spec["updateStrategy"], "type") {
        "RollingUpdate" | "OnDelete" => {}
        other => {
            let why = "must be 'RollingUpdate' or 'OnDelete'";
            out.invalid("spec.updateStrategy", &json!(other), why);
        }
    }
    out.not_negative("spec", spec, "replicas");
    out.not_negative("spec", spec, "minReadySeconds");
    selected_template(out, &with_claimed_volumes(spec), "statefulset");
}

/// The spec of a StatefulSet whose template has the volumes that its pods will have: one for each claim.
fn with_claimed_volumes(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let claims = spec.get("volumeClaimTemplates").and_then(Value::as_array);
    let names: Vec<Value> = claims
        .into_iter()
        .flatten()
        .map(|claim| claim["metadata"]["name"].clone())
        .collect();
    if names.is_empty() || !spec["template"]["spec"].is_object() {
        return spec;
    }
    let volumes = &mut spec["template"]["spec"]["volumes"];
    let mut given = volumes.as_array().cloned().unwrap_or_default();
    given.retain(|volume| !names.contains(&volume["name"]));
    given.extend(
        names
            .iter()
            .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}})),
    );
    *volumes = json!(given);
    spec
}

pub(super) fn stateful_set_update(out: &mut Findings, new: &Value, old: &Value) {
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(map) = spec.as_object_mut() {
            map.retain(|field, _| !STATEFUL_FREE.contains(&field.as_str()));
        }
        spec
    };
    if fixed(new) != fixed(old) {
        out.forbidden("spec", STATEFUL_UPDATE);
    }
}

/// An update may not change the selector of a Deployment, ReplicaSet or DaemonSet.
pub(super) fn selector_update(out: &mut Findings, new: &Value, old: &Value) {
    out.immutable(
        "spec.selector",
        new.pointer("/spec/selector"),
        old.pointer("/spec/selector"),
    );
}

pub(super) fn job(out: &mut Findings, object: &Value) {
    job_spec(out, "spec", &object["spec"], true);
}

pub(super) fn job_update(out: &mut Findings, new: &Value, old: &Value) {
    let suspended = old.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    for field in [
        "completions",
        "selector",
        "template",
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
    ] {
        let path = format!("/spec/{field}");
        // The template of a suspended Job can still be scheduled otherwise.
        if field != "template" || !suspended {
            out.immutable(&format!("spec.{field}"), new.pointer(&path), old.pointer(&path));
        }
    }
}

pub(super) fn cron_job(out: &mut Findings, object: &Value) {
    let spec = &object["spec"];
    let name = text(&object["metadata"], "name");
    if name.len() > MAX_CRON_JOB_NAME {
        out.invalid(
            "metadata.name",
            &json!(name),
            "must be no more than 52 characters",
        );
    }
    let schedule = text(spec, "schedule");
    if schedule.is_empty() {
        out.required("spec.schedule", "");
    } else if schedule.contains("TZ") {
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        out.invalid("spec.schedule", &json!(schedule), why);
    } else if let Err(why) = Schedule::parse(schedule, TimeZone::UTC) {
        out.invalid("spec.schedule", &json!(schedule), &why);
    }
    if let Some(zone) = given(spec, "timeZone") {
        time_zone(out, zone);
    }
    out.not_negative("spec", spec, "startingDeadlineSeconds");
    match text(spec, "concurrencyPolicy") {
        "" => out.required("spec.concurrencyPolicy", ""),
        policy => out.one_of("spec.concurrencyPolicy", policy, &["Allow", "Forbid", "Replace"]),
    }
    job_spec(out, "spec.jobTemplate.spec", &spec["jobTemplate"]["spec"], false);
    out.not_negative("spec", spec, "successfulJobsHistoryLimit");
    out.not_negative("spec", spec, "failedJobsHistoryLimit");
}

fn time_zone(out: &mut Findings, zone: &Value) {
    let name = zone.as_str().unwrap_or_default();
    let unknown = format!("unknown time zone {name}");
    let why = match name {
        "" => "must be nil or non-empty string",
        _ if name.eq_ignore_ascii_case("local") => {
            "must be an explicit time zone as defined in https://www.iana.org/time-zones"
        }
        _ if find_zone(name).is_none() => &unknown,
        _ => return,
    };
    out.invalid("spec.timeZone", zone, why);
}

fn job_spec(out: &mut Findings, at: &str, spec: &Value, selects: bool) {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
    ] {
        out.not_negative(at, spec, field);
    }
    if selects {
        match given(spec, "selector") {
            None => out.required(format!("{at}.selector"), ""),
            Some(selector) => {
                meta::selector(out, &format!("{at}.selector"), selector);
                if !Selector::from_json(selector).selects(&spec["template"]) {
                    let labels = &spec["template"]["metadata"]["labels"];
                    let why = "`selector` does not match template `labels`";
                    out.invalid(format!("{at}.template.metadata.labels"), labels, why);
                }
            }
        }
    }
    pod::template(out, &format!("{at}.template"), &spec["template"]);
    let policy = text(&spec["template"]["spec"], "restartPolicy");
    if matches!(policy, "Always" | "") {
        let why = "valid values: \"OnFailure\", \"Never\"";
        out.required(format!("{at}.template.spec.restartPolicy"), why);
    }
}

/// The selector, and the template that it must select, of an owner whose pods never end.
fn selected_template(out: &mut Findings, spec: &Value, owner: &str) {
    let mut selects = None;
    match given(spec, "selector") {
        None => out.required("spec.selector", ""),
        Some(selector) => {
            meta::selector(out, "spec.selector", selector);
            if meta::is_empty_selector(selector) {
                out.invalid(
                    "spec.selector",
                    selector,
                    &format!("empty selector is invalid for {owner}"),
                );
            } else {
                selects = Some(Selector::from_json(selector));
            }
        }
    }
    let template = &spec["template"];
    if selects.is_some_and(|selector| !selector.selects(template)) {
        let labels = &template["metadata"]["labels"];
        out.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        );
    }
    pod::template(out, "spec.template", template);
    match text(&template["spec"], "restartPolicy") {
        "Always" | "" => {}
        policy => out.one_of("spec.template.spec.restartPolicy", policy, &["Always"]),
    }
}

fn rolling_update(out: &mut Findings, update: &Value) {
    let at = |field: &str| format!("spec.strategy.rollingUpdate.{field}");
    let is_zero = |field: &str| update[field].as_i64() == Some(0) || update[field] == "0%";
    for field in ["maxUnavailable", "maxSurge"] {
        amount(out, &at(field), &update[field]);
    }
    let unavailable = &update["maxUnavailable"];
    if is_zero("maxUnavailable") && is_zero("maxSurge") {
        out.invalid(
            at("maxUnavailable"),
            unavailable,
            "may not be 0 when `maxSurge` is 0",
        );
    }
    let percent = unavailable
        .as_str()
        .and_then(|text| text.strip_suffix('%')?.parse::<u64>().ok());
    if percent.is_some_and(|percent| percent > 100) {
        out.invalid(at("maxUnavailable"), unavailable, "must not be greater than 100%");
    }
}

/// A number that isn't negative, or a percentage.
pub(super) fn amount(out: &mut Findings, at: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let digits = text.strip_suffix('%');
            if !digits
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            {
                let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
                           '93%', regex used for validation is '[0-9]+%')";
                out.invalid(at, value, why);
            }
        }
        number if number.as_i64().is_some_and(|n| n < 0) => {
            out.invalid(at, number, "must be greater than or equal to 0");
        }
        _ => {}
    }
}
