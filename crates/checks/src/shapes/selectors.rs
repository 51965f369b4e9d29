//! Workloads and their own pods: the selector, other workloads' selectors, the Service of a StatefulSet.

use manifest::Severity;
use objects::{Kind, Selector, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, meant};
use crate::pods::Pods;
use crate::view::{Item, Target, View};

pub(crate) static THEME: Theme = Theme {
    title: "Workloads and their pods",
    checks: &[
        &NOT_ITS_TEMPLATE,
        &OVERLAP,
        &NO_SERVICE,
        &RESTART_POLICY,
        &ROLLING_UPDATE,
    ],
    look,
};

static NOT_ITS_TEMPLATE: Check = Check {
    id: "selector-not-template",
    title: "A selector that does not select the workload's own pods",
    severity: Severity::Error,
    softer: "",
    cure: "write the labels of spec.selector into the template too; in an upgrade change the template, as the selector is \
           immutable",
    why: "The API server refuses the object.",
};

static OVERLAP: Check = Check {
    id: "selectors-overlap",
    title: "Two workloads that select each other's pods",
    severity: Severity::Warning,
    softer: "",
    cure: "give each workload a label of its own in selector and template, such as app.kubernetes.io/component",
    why: "Services, budgets and autoscalers of the one count the other's pods, and kubectl shows them under both.",
};

static NO_SERVICE: Check = Check {
    id: "stateful-set-no-service",
    title: "A StatefulSet whose Service is not there",
    severity: Severity::Warning,
    softer: "",
    cure: "name a headless Service of the chart in serviceName",
    why: "Its pods have no names in DNS, which members of a cluster find each other by.",
};

static RESTART_POLICY: Check = Check {
    id: "restart-policy",
    title: "A restartPolicy that the kind does not allow",
    severity: Severity::Error,
    softer: "",
    cure: "Jobs say OnFailure or Never, all other workloads Always or nothing",
    why: "The API server refuses the object. What is left out is Always.",
};

static ROLLING_UPDATE: Check = Check {
    id: "rolling-update-forbidden",
    title: "Settings of a rolling update, and a strategy that does not roll",
    severity: Severity::Error,
    softer: "",
    cure: "leave out strategy.rollingUpdate when the type is Recreate",
    why: "The API server refuses the object; in an upgrade also when the settings are only left over from before.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    let mut selecting: Vec<(&Pods<'_>, Selector)> = Vec::new();
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let item = &view.items[pods.item];
        restart_policy(item, pods, found);
        rolling_update((pods.item, item), found);
        stateful_service(view, (pods.item, item), found);
        let Some(selector) = meta::at(&item.value, "/spec/selector") else {
            continue;
        };
        let selector = match item.kind().name.as_ref() {
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => Selector::from_json(selector),
            "ReplicationController" => Selector::from_map(selector),
            // A Job makes its own.
            _ => continue,
        };
        if !pods.is_selected(&selector) {
            let message = differs(&item.value, pods);
            found.add(&NOT_ITS_TEMPLATE, (pods.item, "/spec/selector"), message);
            continue;
        }
        if item.hook.is_none() && !selector.is_empty() {
            overlap(view, (pods, &selector), &selecting, found);
            selecting.push((pods, selector));
        }
    }
}

fn differs(workload: &Value, pods: &Pods<'_>) -> String {
    let wanted = meta::at(workload, "/spec/selector/matchLabels").and_then(Value::as_object);
    let differing = wanted.into_iter().flatten().find_map(|(key, value)| {
        let value = value.as_str()?;
        match pods.labels().get(key).and_then(Value::as_str) {
            Some(has) if has == value => None,
            Some(has) => Some(format!("selects {key}: {value}, and its template has {has}")),
            None => Some(format!(
                "selects {key}: {value}, and its template has no such label"
            )),
        }
    });
    differing.unwrap_or_else(|| "does not select its template's labels".to_owned())
}

fn overlap(
    view: &View<'_>,
    (pods, selector): (&Pods<'_>, &Selector),
    before: &[(&Pods<'_>, Selector)],
    found: &mut Findings,
) {
    let other = before.iter().find(|(other, others)| {
        other.namespace == pods.namespace && other.is_selected(selector) && pods.is_selected(others)
    });
    if let Some((other, _)) = other {
        let other = view.items[other.item].short();
        let message = format!("selects the pods of {other}, and that one these");
        found.add(&OVERLAP, (pods.item, "/spec/selector"), message);
    }
}

fn stateful_service(view: &View<'_>, (at, item): (usize, &Item<'_>), found: &mut Findings) {
    let name = meta::text_at(&item.value, "/spec/serviceName");
    if *item.kind() != Kind::STATEFUL_SET || name.is_empty() {
        return;
    }
    let is_missing = match view.find(&Kind::SERVICE, item.namespace, name) {
        Target::Missing => true,
        Target::Unknown => view.makes_some(&Kind::SERVICE, item.namespace),
        Target::Made(..) | Target::There(_) => false,
    };
    if is_missing {
        let meant = meant(name, view.names(&Kind::SERVICE, item.namespace));
        let message = format!("there is no Service {name:?}{meant}");
        found.add(&NO_SERVICE, (at, "/spec/serviceName"), message);
    }
}

fn rolling_update((at, item): (usize, &Item<'_>), found: &mut Findings) {
    let strategy = meta::at(&item.value, "/spec/strategy").unwrap_or(&Value::Null);
    let is_settled = strategy.get("rollingUpdate").is_some_and(Value::is_object);
    if *item.kind() == Kind::DEPLOYMENT && meta::text(strategy, "type") == "Recreate" && is_settled {
        let message = "the strategy is Recreate, and rollingUpdate is given".to_owned();
        found.add(&ROLLING_UPDATE, (at, "/spec/strategy/rollingUpdate"), message);
    }
}

fn restart_policy(item: &Item<'_>, pods: &Pods<'_>, found: &mut Findings) {
    let policy = meta::text(pods.spec(), "restartPolicy");
    let (allowed, told) = match item.kind().name.as_ref() {
        "Pod" => return,
        "Job" | "CronJob" => (matches!(policy, "OnFailure" | "Never"), "OnFailure or Never"),
        _ => (matches!(policy, "" | "Always"), "Always"),
    };
    if !allowed {
        let given = match policy {
            "" => "left out, which is Always".to_owned(),
            given => format!("{given:?}"),
        };
        let message = format!("restartPolicy is {given}; a {} takes {told}", item.kind().name);
        found.add(
            &RESTART_POLICY,
            (pods.item, &pods.at("/spec/restartPolicy")),
            message,
        );
    }
}
