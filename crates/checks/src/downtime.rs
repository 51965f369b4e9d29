//! What goes down in a rollout or a drain. Only workloads that serve a Service are looked at, and only where it is asked.

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::pods::{Container, Pods};
use crate::references::budgets::{Amount, amount};
use crate::selection;
use crate::view::{Item, Target, View};

pub(crate) static THEME: Theme = Theme {
    title: "Staying up",
    checks: &[
        &ONE_REPLICA,
        &NO_READINESS,
        &ALL_AT_ONCE,
        &NO_BUDGET,
        &GRACE_TOO_SHORT,
        &NO_GRACE,
        &CLAIM_HELD,
        &NO_SPREAD,
    ],
    look,
};

static ONE_REPLICA: Check = Check {
    id: "one-replica",
    title: "A single pod serves",
    severity: Severity::Warning,
    softer: "",
    cure: "run two replicas at least, or an autoscaler with minReplicas: 2",
    why: "Whenever its node is drained or lost, there is nothing until a new pod is ready.",
};

static NO_READINESS: Check = Check {
    id: "no-readiness-probe",
    title: "Pods that serve and are not asked whether they can",
    severity: Severity::Warning,
    softer: "",
    cure: "give the container that serves a readinessProbe",
    why: "A pod gets traffic as soon as its process runs, and a rollout goes on though nothing works.",
};

static ALL_AT_ONCE: Check = Check {
    id: "all-at-once",
    title: "A rollout that takes all pods down",
    severity: Severity::Warning,
    softer: "",
    cure: "use RollingUpdate with maxUnavailable: 0 or 1",
    why: "Between the old pods and the new ones nothing serves, at every upgrade.",
};

static NO_BUDGET: Check = Check {
    id: "no-disruption-budget",
    title: "Pods that serve and have no PodDisruptionBudget",
    severity: Severity::Warning,
    softer: "",
    cure: "add a PodDisruptionBudget with maxUnavailable: 1 that selects them",
    why: "When nodes are drained, all of them may go at once.",
};

static GRACE_TOO_SHORT: Check = Check {
    id: "grace-too-short",
    title: "A preStop that takes longer than the pod may",
    severity: Severity::Warning,
    softer: "",
    cure: "give terminationGracePeriodSeconds the preStop's seconds and those that the program needs to end",
    why: "The program is killed without ever being told to stop: requests under way are lost.",
};

static NO_GRACE: Check = Check {
    id: "no-graceful-stop",
    title: "A pod that serves and stops at once",
    severity: Severity::Note,
    softer: "",
    cure: "add lifecycle.preStop with a sleep of some seconds, unless the program goes on serving after SIGTERM",
    why: "A pod is told to stop while others still send to it: routes are told at the same time, and take a moment.",
};

static CLAIM_HELD: Check = Check {
    id: "claim-held-by-the-old",
    title: "A rollout whose new pods need the volume of the old ones",
    severity: Severity::Warning,
    softer: "",
    cure: "use a StatefulSet, a ReadWriteMany claim, or strategy Recreate with the downtime it brings",
    why: "The volume can be on one node only. A new pod on another node waits for it, and the old one is kept until the new \
          one is ready: the rollout hangs.",
};

static NO_SPREAD: Check = Check {
    id: "no-spread",
    title: "Pods that may all be on one node",
    severity: Severity::Note,
    softer: "",
    cure: "add topologySpreadConstraints by kubernetes.io/hostname, or a podAntiAffinity",
    why: "The scheduler spreads them when it is easy and not otherwise; what is on one node goes down with it.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    if !view.context.always_up {
        return;
    }
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let item = &view.items[pods.item];
        let is_kept = matches!(
            item.kind().name.as_ref(),
            "Deployment" | "StatefulSet" | "DaemonSet"
        );
        let replicas = replicas(view, item);
        if !is_kept || item.hook.is_some() || replicas == Some(0) || !serves(view, pods) {
            continue;
        }
        of_pods(pods, found);
        if item.kind().name == "DaemonSet" {
            continue;
        }
        many(view, (pods, item), replicas, found);
        all_at_once((pods.item, item), replicas, found);
        claim(view, (pods, item), found);
    }
}

/// How many pods there are at least; nothing when an autoscaler outside of the chart says.
fn replicas(view: &View<'_>, item: &Item<'_>) -> Option<i64> {
    let scaler = view.of(&Kind::HORIZONTAL_POD_AUTOSCALER).find(|(_, scaler)| {
        let target = meta::at(&scaler.value, "/spec/scaleTargetRef").unwrap_or(&Value::Null);
        scaler.namespace == item.namespace
            && meta::text(target, "name") == item.name()
            && meta::text(target, "kind") == item.kind().name
    });
    match scaler {
        Some((_, scaler)) => Some(meta::number_at(&scaler.value, "/spec/minReplicas").unwrap_or(1)),
        None if view.is_scaled(item) => None,
        None => Some(meta::number_at(&item.value, "/spec/replicas").unwrap_or(1)),
    }
}

fn serves(view: &View<'_>, pods: &Pods<'_>) -> bool {
    view.of(&Kind::SERVICE).any(|(_, service)| {
        let selector = meta::at(&service.value, "/spec/selector").unwrap_or(&Value::Null);
        let has_some = selector.as_object().is_some_and(|labels| !labels.is_empty());
        has_some && service.namespace == pods.namespace && pods.is_selected(&selection::read(selector))
    })
}

fn of_pods(pods: &Pods<'_>, found: &mut Findings) {
    let containers: Vec<Container<'_>> = pods.staying().collect();
    let has_ports = |one: &&Container<'_>| !meta::list_at(one.value, "/ports").is_empty();
    let serving: Vec<&Container<'_>> = match containers.iter().filter(has_ports).collect::<Vec<_>>() {
        none if none.is_empty() => containers.iter().collect(),
        some => some,
    };
    let Some(first) = serving.first() else { return };
    if !serving
        .iter()
        .any(|one| one.value.get("readinessProbe").is_some())
    {
        let message = format!(
            "container {} has no readinessProbe",
            meta::text(first.value, "name")
        );
        found.add(&NO_READINESS, (pods.item, &first.at), message);
    }
    let grace = meta::number_at(pods.spec(), "/terminationGracePeriodSeconds").unwrap_or(30);
    for one in &containers {
        if let Some(sleep) = pause(one.value).filter(|sleep| *sleep >= grace) {
            let message = format!("preStop waits {sleep} s, and the pod is killed after {grace} s");
            found.add(
                &GRACE_TOO_SHORT,
                (pods.item, &format!("{}/lifecycle/preStop", one.at)),
                message,
            );
        }
    }
    let has_stop = |one: &&&Container<'_>| meta::at(one.value, "/lifecycle/preStop").is_some();
    if serving.iter().find(has_stop).is_none() {
        let message = format!("container {} has no preStop", meta::text(first.value, "name"));
        found.add(&NO_GRACE, (pods.item, &first.at), message);
    }
}

/// The seconds that a preStop waits, where it is nothing but a sleep.
fn pause(container: &Value) -> Option<i64> {
    let stop = meta::at(container, "/lifecycle/preStop")?;
    if let Some(seconds) = meta::number_at(stop, "/sleep/seconds") {
        return Some(seconds);
    }
    let command = meta::list_at(stop, "/exec/command")
        .iter()
        .filter_map(Value::as_str);
    let words: Vec<&str> = command.flat_map(str::split_whitespace).collect();
    let at = words
        .iter()
        .position(|word| word.rsplit('/').next() == Some("sleep"))?;
    words.get(at + 1)?.trim_end_matches([';', 's']).parse().ok()
}

fn many(view: &View<'_>, (pods, item): (&Pods<'_>, &Item<'_>), replicas: Option<i64>, found: &mut Findings) {
    if replicas == Some(1) {
        let message = format!("{} has one replica", item.short());
        // Where nobody writes it, the default is meant.
        return found.add(&ONE_REPLICA, (pods.item, "/spec/replicas"), message);
    }
    let budgets = view.of(&Kind::POD_DISRUPTION_BUDGET);
    let there = view.there(&Kind::POD_DISRUPTION_BUDGET, item.namespace);
    let mut budgets = budgets
        .filter(|(_, budget)| budget.namespace == item.namespace)
        .map(|(_, budget)| &*budget.value)
        .chain(there);
    let selects = |budget: &Value| {
        meta::at(budget, "/spec/selector")
            .is_some_and(|selector| pods.is_selected(&selection::read(selector)))
    };
    if !budgets.any(selects) {
        let message = format!("no PodDisruptionBudget selects the pods of {}", item.short());
        found.add(&NO_BUDGET, (pods.item, "/metadata/name"), message);
    }
    let spec = pods.spec();
    let spreads = ["/topologySpreadConstraints", "/affinity/podAntiAffinity"];
    if spreads.iter().all(|pointer| meta::at(spec, pointer).is_none()) {
        let message = "neither topologySpreadConstraints nor podAntiAffinity is given".to_owned();
        found.add(&NO_SPREAD, (pods.item, &pods.at("/spec")), message);
    }
}

fn all_at_once((at, item): (usize, &Item<'_>), replicas: Option<i64>, found: &mut Findings) {
    if item.kind().name != "Deployment" {
        return;
    }
    if meta::text_at(&item.value, "/spec/strategy/type") == "Recreate" {
        let message = "the strategy is Recreate".to_owned();
        return found.add(&ALL_AT_ONCE, (at, "/spec/strategy/type"), message);
    }
    let pointer = "/spec/strategy/rollingUpdate/maxUnavailable";
    let all = match meta::at(&item.value, pointer).and_then(amount) {
        Some(Amount::Percent(share)) => share >= 100,
        Some(Amount::Count(count)) => replicas.is_some_and(|replicas| count >= replicas),
        None => false,
    };
    if all {
        let given = meta::at(&item.value, pointer).unwrap_or(&Value::Null);
        let of = replicas
            .map(|replicas| format!(" of {replicas}"))
            .unwrap_or_default();
        let message = format!("maxUnavailable is {}{of}", given.to_string().trim_matches('"'));
        found.add(&ALL_AT_ONCE, (at, pointer), message);
    }
}

/// A Deployment that rolls with claims that one node can have at a time.
fn claim(view: &View<'_>, (pods, item): (&Pods<'_>, &Item<'_>), found: &mut Findings) {
    let rolls = meta::text_at(&item.value, "/spec/strategy/type") != "Recreate";
    let surge = meta::at(&item.value, "/spec/strategy/rollingUpdate/maxSurge").and_then(amount);
    let makes_first = !matches!(surge, Some(Amount::Count(0) | Amount::Percent(0)));
    if item.kind().name != "Deployment" || !rolls || !makes_first {
        return;
    }
    for (at, volume) in pods.list("volumes") {
        let name = meta::text_at(volume, "/persistentVolumeClaim/claimName");
        let claim = match view.find(&Kind::PERSISTENT_VOLUME_CLAIM, item.namespace, name) {
            Target::Made(_, claim) | Target::There(claim) => claim,
            Target::Missing | Target::Unknown => continue,
        };
        let modes = meta::list_at(claim, "/spec/accessModes");
        let is_single = |mode: &Value| mode == "ReadWriteOnce" || mode == "ReadWriteOncePod";
        if !modes.is_empty() && modes.iter().all(is_single) {
            let message = format!(
                "PersistentVolumeClaim {name} is {}",
                modes[0].as_str().unwrap_or_default()
            );
            found.add(&CLAIM_HELD, (pods.item, &at), message);
        }
    }
}
