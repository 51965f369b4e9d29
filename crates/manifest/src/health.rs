//! Whether an object has become what it says, from the object alone.
//!
//! ```text
//! object ──deleted? seen by its controller? Reconciling, Stalled?──► its kind's rule ──► Ready condition ──► Ready
//! ```
//!
//! The rules are those of kstatus (`sigs.k8s.io/cli-utils`, and Flux's fork of it), by which Helm 4 waits. Where we
//! leave them: a Deployment that is paused is ready, as Helm skips it; a pod that failed has failed, where kstatus
//! calls it current; a pod that no node takes is waited for, as kstatus gives it 15 seconds by the clock, and nothing
//! here knows the time.
//!
//! Helm 3 differs in what users may notice: it takes a Deployment or DaemonSet for ready when all but
//! `maxUnavailable` are, waits for the address of a load balancer, and never gives up early. That is not here.

mod pod;
mod workload;

use objects::{condition, meta};
use serde_json::Value;

use crate::object::kind_of;

/// How an object is. The texts say what is waited for, or what is wrong; they begin in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    Progressing(String),
    /// It won't become ready by itself: nobody needs to wait any longer.
    Failed(String),
    /// It is being deleted.
    Terminating,
}

/// The condition of custom resources that says nothing more than that they are ready.
const READY: &str = "Ready";

/// Judges a live object.
#[must_use]
pub fn health(object: &Value) -> Health {
    general(object).unwrap_or_else(|| of_kind(object))
}

/// Judges a live Job by its end, for whoever waits for Jobs; everything else by [`health`].
#[must_use]
pub fn health_of_job_completion(object: &Value) -> Health {
    if kind_of(object) != ("batch", "Job") {
        return health(object);
    }
    if meta::is_deleted(object) {
        return Health::Terminating;
    }
    workload::job_end(object).unwrap_or_else(|| {
        let wanted = meta::number_at(object, "/spec/completions")
            .or(meta::number_at(object, "/spec/parallelism"))
            .unwrap_or(1);
        let succeeded = meta::number_at(object, "/status/succeeded").unwrap_or(0);
        match condition::is_true(object, "Suspended") {
            true => Health::Progressing("the job is suspended".to_owned()),
            false => Health::Progressing(format!("{succeeded} of {wanted} completions are done")),
        }
    })
}

/// Judges a hook: a Job or a Pod by its end, everything else is ready once it exists.
#[must_use]
pub fn health_of_hook(object: &Value) -> Health {
    if kind_of(object) == ("batch", "Job") {
        return health_of_job_completion(object);
    }
    if kind_of(object) != ("", "Pod") {
        return Health::Ready;
    }
    if meta::is_deleted(object) {
        return Health::Terminating;
    }
    pod::end(object).unwrap_or_else(|| match pod::health(object) {
        // It runs, and only its end counts; what keeps it from running may yet pass.
        Health::Ready | Health::Terminating => Health::Progressing("the pod is running".to_owned()),
        Health::Progressing(why) | Health::Failed(why) => Health::Progressing(why),
    })
}

impl Health {
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// What is waited for, or wrong; empty when it is ready.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Ready => "",
            Self::Progressing(why) | Self::Failed(why) => why,
            Self::Terminating => "the object is being deleted",
        }
    }
}

/// What holds of objects of every kind, if it decides.
fn general(object: &Value) -> Option<Health> {
    if meta::is_deleted(object) {
        return Some(Health::Terminating);
    }
    let generation = meta::number_at(object, "/metadata/generation");
    let observed = meta::number_at(object, "/status/observedGeneration");
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        let why = format!("the controller has seen generation {observed} of {generation}");
        return Some(Health::Progressing(why));
    }
    // The first that is true decides, as they stand.
    meta::list_at(object, "/status/conditions")
        .iter()
        .filter(|one| meta::text(one, "status") == "True")
        .find_map(|one| match meta::text(one, "type") {
            "Reconciling" => Some(Health::Progressing(words(one, "it is reconciled"))),
            "Stalled" => Some(Health::Failed(words(one, "its controller is stalled"))),
            _ => None,
        })
}

fn of_kind(object: &Value) -> Health {
    match kind_of(object) {
        ("apps" | "extensions", "Deployment") => workload::deployment(object),
        ("apps" | "extensions", "DaemonSet") => workload::daemon_set(object),
        ("apps" | "extensions", "ReplicaSet") => workload::replica_set(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("batch", "Job") => workload::job(object),
        ("", "Pod") => pod::health(object),
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") | ("policy", "PodDisruptionBudget") => {
            Health::Ready
        }
        _ => by_ready_condition(object),
    }
}

/// Only a load balancer needs its address in the cluster; what is outside may take any time.
fn service(object: &Value) -> Health {
    let balanced = meta::text_at(object, "/spec/type") == "LoadBalancer";
    if balanced && meta::text_at(object, "/spec/clusterIP").is_empty() {
        return Health::Progressing("the service has no address in the cluster".to_owned());
    }
    Health::Ready
}

fn claim(object: &Value) -> Health {
    match meta::text_at(object, "/status/phase") {
        "Bound" => Health::Ready,
        "" => Health::Progressing("the claim is not bound to a volume".to_owned()),
        phase => Health::Progressing(format!("the claim is not bound to a volume: {phase}")),
    }
}

fn definition(object: &Value) -> Health {
    for one in meta::list_at(object, "/status/conditions") {
        let status = meta::text(one, "status");
        match (meta::text(one, "type"), status) {
            ("NamesAccepted", "False") => return Health::Failed(words(one, "its names are taken")),
            ("Established", "True") => return Health::Ready,
            ("Established", "False") if meta::text(one, "reason") != "Installing" => {
                return Health::Failed(words(one, "it is not established"));
            }
            _ => {}
        }
    }
    Health::Progressing("the definition is not established".to_owned())
}

/// An object without a rule and without the condition is ready once it exists.
fn by_ready_condition(object: &Value) -> Health {
    match condition::find(object, READY) {
        Some(one) if ["False", "Unknown"].contains(&meta::text(one, "status")) => {
            Health::Progressing(words(one, "it is not ready"))
        }
        _ => Health::Ready,
    }
}

/// What a condition says, on one line: its reason and message, or else our own words.
fn words(condition: &Value, otherwise: &str) -> String {
    let message = meta::text(condition, "message").trim();
    match (meta::text(condition, "reason"), message) {
        ("", "") => otherwise.to_owned(),
        ("", one) | (one, "") => one.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(version: &str, kind: &str, rest: Value, expected: &str) {
        let mut object = rest;
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        let found = match health(&object) {
            Health::Ready => "ready".to_owned(),
            Health::Progressing(why) => format!("progressing: {why}"),
            Health::Failed(why) => format!("failed: {why}"),
            Health::Terminating => "terminating".to_owned(),
        };
        assert_eq!(found, expected, "{object}");
    }

    fn conditions(all: &[(&str, &str, &str)]) -> Value {
        let all: Vec<Value> = all
            .iter()
            .map(|(kind, status, reason)| json!({"type": kind, "status": status, "reason": reason}))
            .collect();
        json!({"conditions": all})
    }

    #[test]
    fn what_is_deleted_or_not_yet_seen_is_not_judged_by_its_kind() {
        let bound = json!({"phase": "Bound"});
        check(
            "v1",
            "PersistentVolumeClaim",
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": bound}),
            "terminating",
        );
        check(
            "x.io/v1",
            "X",
            json!({"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}),
            "progressing: the controller has seen generation 2 of 3",
        );
    }

    #[test]
    fn standard_conditions_decide_for_every_kind() {
        let of = |kind, status| json!({"status": conditions(&[(kind, status, "Because")])});
        check(
            "v1",
            "ConfigMap",
            of("Reconciling", "True"),
            "progressing: Because",
        );
        check("x.io/v1", "X", of("Stalled", "True"), "failed: Because");
        check("x.io/v1", "X", of("Stalled", "False"), "ready");
    }

    #[test]
    fn custom_resources_are_ready_by_their_condition_or_at_once() {
        let of = |status| json!({"status": conditions(&[("Ready", status, "Because")])});
        check("x.io/v1", "X", of("True"), "ready");
        check("x.io/v1", "X", of("False"), "progressing: Because");
        check("x.io/v1", "X", of("Unknown"), "progressing: Because");
        check("x.io/v1", "X", of("Odd"), "ready");
        check("x.io/v1", "X", json!({}), "ready");
        check("networking.k8s.io/v1", "Ingress", json!({}), "ready");
        check(
            "x.io/v1",
            "X",
            json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]}}),
            "progressing: R: m",
        );
    }

    #[test]
    fn load_balancers_need_an_address_in_the_cluster() {
        check(
            "v1",
            "Service",
            json!({"spec": {"type": "LoadBalancer"}}),
            "progressing: the service has no address in the cluster",
        );
        check(
            "v1",
            "Service",
            json!({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"}}),
            "ready",
        );
        check("v1", "Service", json!({"spec": {}}), "ready");
    }

    #[test]
    fn claims_are_ready_when_they_are_bound() {
        check(
            "v1",
            "PersistentVolumeClaim",
            json!({"status": {"phase": "Bound"}}),
            "ready",
        );
        check(
            "v1",
            "PersistentVolumeClaim",
            json!({"status": {"phase": "Pending"}}),
            "progressing: the claim is not bound to a volume: Pending",
        );
    }

    #[test]
    fn definitions_are_ready_when_they_are_established() {
        for (all, expected) in [
            (
                &[
                    ("NamesAccepted", "True", "NoConflicts"),
                    ("Established", "True", "InitialNamesAccepted"),
                ][..],
                "ready",
            ),
            (
                &[("NamesAccepted", "False", "ListKindConflict")],
                "failed: ListKindConflict",
            ),
            (
                &[("Established", "False", "Installing")],
                "progressing: the definition is not established",
            ),
            (&[("Established", "False", "NotAccepted")], "failed: NotAccepted"),
            (&[], "progressing: the definition is not established"),
        ] {
            check(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                json!({"status": conditions(all)}),
                expected,
            );
        }
    }

    #[test]
    fn a_jobs_end_counts_only_for_who_waits_for_jobs() {
        let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"completions": 3}, "status": status});
        let running = job(json!({"startTime": "2026-01-01T00:00:00Z", "succeeded": 1}));
        assert_eq!(health(&running), Health::Ready);
        assert_eq!(
            health_of_job_completion(&running).message(),
            "1 of 3 completions are done"
        );
        let done = job(conditions(&[("Complete", "True", "")]));
        assert!(health_of_job_completion(&done).is_ready());
        let failed = job(conditions(&[("Failed", "True", "BackoffLimitExceeded")]));
        assert_eq!(
            health_of_job_completion(&failed),
            Health::Failed("the job failed: BackoffLimitExceeded".to_owned())
        );
        let suspended = job(conditions(&[("Suspended", "True", "JobSuspended")]));
        assert!(health(&suspended).is_ready());
        assert_eq!(
            health_of_job_completion(&suspended).message(),
            "the job is suspended"
        );
    }

    #[test]
    fn hooks_are_judged_by_their_end() {
        let pod = |phase: &str| json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": phase}});
        assert!(health_of_hook(&pod("Succeeded")).is_ready());
        assert_eq!(
            health_of_hook(&pod("Failed")),
            Health::Failed("the pod failed".to_owned())
        );
        let mut running = pod("Running");
        running["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
        assert_eq!(health_of_hook(&running).message(), "the pod is running");
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"});
        assert!(health_of_hook(&claim).is_ready());
    }
}
