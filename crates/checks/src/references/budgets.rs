//! What selects pods to protect or to close off: disruption budgets and network policies.

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::selection;
use crate::view::{Item, View};

pub(crate) static THEME: Theme = Theme {
    title: "Disruption budgets and network policies",
    checks: &[&BUDGET_SELECTS_NOTHING, &BUDGET_BLOCKS, &POLICY_SELECTS_NOTHING],
    look,
};

static BUDGET_SELECTS_NOTHING: Check = Check {
    id: "budget-selects-nothing",
    title: "A PodDisruptionBudget that selects no pod",
    severity: Severity::Warning,
    softer: "",
    cure: "give the selector the labels of the pods' template",
    why: "It protects nothing: a drain takes all pods at once.",
};

static BUDGET_BLOCKS: Check = Check {
    id: "budget-blocks-drains",
    title: "A PodDisruptionBudget that allows no eviction",
    severity: Severity::Warning,
    softer: "",
    cure: "let one pod go: maxUnavailable: 1, and more than one replica",
    why: "A node with such a pod can't be drained: upgrades of the cluster wait until somebody deletes the pod by hand.",
};

static POLICY_SELECTS_NOTHING: Check = Check {
    id: "network-policy-selects-nothing",
    title: "A NetworkPolicy that selects no pod",
    severity: Severity::Warning,
    softer: "",
    cure: "give podSelector the labels of the pods' template",
    why: "It closes nothing off, and its exceptions let nobody in.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, budget) in view.of(&Kind::POD_DISRUPTION_BUDGET) {
        let Some(selector) = meta::at(&budget.value, "/spec/selector") else {
            continue;
        };
        if let Some(miss) = view.miss(budget.namespace, selector) {
            let message = format!("selects no pod: {}", miss.message);
            found.add(&BUDGET_SELECTS_NOTHING, (at, "/spec/selector"), message);
            continue;
        }
        blocks(view, (at, budget), found);
    }
    let policies = view.items.iter().enumerate();
    for (at, policy) in policies.filter(|(_, item)| item.is("networking.k8s.io", "NetworkPolicy")) {
        if let Some(selector) = meta::at(&policy.value, "/spec/podSelector")
            && let Some(miss) = view.miss(policy.namespace, selector)
            // Policies are written for pods too that a program makes when it runs.
            && miss.is_typo
        {
            let message = format!("selects no pod: {}", miss.message);
            found.add(&POLICY_SELECTS_NOTHING, (at, "/spec/podSelector"), message);
        }
    }
}

/// How many pods a budget speaks of, as far as they say themselves: nothing when they are scaled.
fn replicas(view: &View<'_>, budget: &Item<'_>) -> Option<i64> {
    let selector = meta::at(&budget.value, "/spec/selector")?;
    let pods = view.selected(budget.namespace, &selection::read(selector));
    if pods.is_empty() {
        return None;
    }
    let mut sum = 0;
    for pods in pods {
        let workload = &view.items[pods.item];
        let is_counted = matches!(
            workload.kind().name.as_ref(),
            "Deployment" | "StatefulSet" | "ReplicaSet"
        );
        if !is_counted || view.is_scaled(workload) {
            return None;
        }
        sum += meta::number_at(&workload.value, "/spec/replicas").unwrap_or(1);
    }
    Some(sum)
}

fn blocks(view: &View<'_>, (at, budget): (usize, &Item<'_>), found: &mut Findings) {
    let field = |name: &str| meta::at(&budget.value, "/spec").and_then(|spec| spec.get(name));
    if let Some(unavailable) = field("maxUnavailable")
        && matches!(amount(unavailable), Some(Amount::Count(0) | Amount::Percent(0)))
    {
        let message = "maxUnavailable is 0".to_owned();
        return found.add(&BUDGET_BLOCKS, (at, "/spec/maxUnavailable"), message);
    }
    let Some(available) = field("minAvailable").and_then(amount) else {
        return;
    };
    let message = match (available, replicas(view, budget)) {
        (Amount::Percent(100..), _) => "minAvailable is 100%".to_owned(),
        // No pods, nothing to evict.
        (_, None | Some(0)) => return,
        // A share is rounded up, so that of one pod any share is all of it.
        (Amount::Percent(share), Some(replicas)) if (share * replicas + 99) / 100 >= replicas => {
            format!("minAvailable is {share}% of {replicas}, rounded up all of them")
        }
        (Amount::Count(count), Some(replicas)) if count >= replicas => {
            format!("minAvailable is {count} of {replicas}")
        }
        _ => return,
    };
    found.add(&BUDGET_BLOCKS, (at, "/spec/minAvailable"), message);
}

/// A number of pods, or a share of them.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    Count(i64),
    Percent(i64),
}

pub(crate) fn amount(value: &Value) -> Option<Amount> {
    match value {
        Value::Number(number) => number.as_i64().map(Amount::Count),
        Value::String(text) => match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(Amount::Percent),
            None => text.parse().ok().map(Amount::Count),
        },
        _ => None,
    }
}
