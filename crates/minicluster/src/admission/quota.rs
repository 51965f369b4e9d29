//! ResourceQuotas: what a write would take, whether it fits, and what is in use altogether.
//!
//! ```text
//! object ──► usage ──► check against each quota that matches ──► charges to write into status.used
//! ```
//!
//! The caller holds a lock over the namespace between the check and the write, so that writes side by side never take
//! more than there is. A quota whose status is not of its specification is measured before it is asked.

mod usage;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::amount::Amount;
use super::limits::{Amounts, add, amounts};
use super::{Lookup, Operation, Refusal, Request, list, text};

/// What a write adds to a quota: its name and the amounts in use then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub quota: String,
    /// `status.used` with the write counted in.
    pub used: Value,
}

/// True if quotas count writes of this kind at all.
#[must_use]
pub fn counts(request: &Request<'_>) -> bool {
    if request.namespace.is_empty() || request.group.is_empty() && request.resource == "events" {
        return false;
    }
    match (
        request.operation,
        request.group,
        request.resource,
        request.subresource,
    ) {
        (Operation::Create, .., "") | (Operation::Update, "", "pods", "resize") => true,
        (Operation::Update, "", resource, "") => usage::grows(resource),
        _ => false,
    }
}

/// Decides whether a write fits into the quotas of its namespace; gives what to charge.
///
/// # Errors
/// The first quota that is exceeded, or that needs amounts which the object does not say.
pub fn check(request: &Request<'_>, object: &Value, lookup: &dyn Lookup) -> Result<Vec<Charge>, Refusal> {
    let mut asked = Vec::new();
    for mut quota in lookup.list("", "resourcequotas", request.namespace) {
        if !concerns(&quota, request, object) {
            continue;
        }
        let name = text(&quota["metadata"], "name").to_owned();
        let missing = usage::missing(&quota["spec"]["hard"], request, object);
        if !missing.is_empty() {
            return Err(Refusal::Forbidden(format!(
                "failed quota: {name}: must specify {missing}"
            )));
        }
        if !is_measured(&quota) {
            let status = status(&quota, lookup);
            quota["status"] = status;
        }
        asked.push((name, quota));
    }
    let mut delta = usage::of(request.group, request.resource, object);
    if let Some(old) = request.old {
        for (name, amount) in usage::of(request.group, request.resource, old) {
            let now = delta.get(&name).copied().unwrap_or(Amount::ZERO);
            delta.insert(name, now.minus(amount));
        }
    }
    delta.retain(|_, amount| *amount != Amount::ZERO);
    let charges = asked
        .into_iter()
        .map(|(name, quota)| charge(name, &quota, &delta));
    let charges: Result<Vec<_>, _> = charges.collect();
    Ok(charges?.into_iter().flatten().collect())
}

/// The status of a quota, measured from what is there.
#[must_use]
pub fn status(quota: &Value, lookup: &dyn Lookup) -> Value {
    let hard = quota["spec"]["hard"].as_object().cloned().unwrap_or_default();
    let namespace = text(&quota["metadata"], "namespace");
    let mut used: BTreeMap<String, Amount> = BTreeMap::new();
    let mut kinds: Vec<(String, String)> = hard.keys().filter_map(|name| usage::counted(name)).collect();
    kinds.sort();
    kinds.dedup();
    for (group, plural) in kinds {
        for object in lookup.list(&group, &plural, namespace) {
            if in_scope(quota, &group, &plural, &object) {
                add(&mut used, &usage::of(&group, &plural, &object));
            }
        }
    }
    let used: Map<String, Value> = hard
        .keys()
        .map(|name| {
            let amount = used.get(name).copied().unwrap_or(Amount::ZERO);
            (name.clone(), json!(amount.to_string()))
        })
        .collect();
    json!({"hard": hard, "used": used})
}

/// True if a quota's status says something of all that its specification limits.
#[must_use]
pub fn is_measured(quota: &Value) -> bool {
    let (hard, status) = (&quota["spec"]["hard"], &quota["status"]);
    let keys = |map: &Value| -> Vec<String> {
        let keys = map.as_object().into_iter().flatten();
        keys.map(|(key, _)| key.clone()).collect()
    };
    status["hard"] == *hard && keys(&status["used"]) == keys(hard)
}

fn charge(name: String, quota: &Value, delta: &Amounts) -> Result<Option<Charge>, Refusal> {
    let hard = amounts(&quota["status"], "hard");
    let used = amounts(&quota["status"], "used");
    let requested = delta.iter().filter(|(name, _)| hard.contains_key(*name));
    let (mut after, mut exceeded) = (used.clone(), Vec::new());
    for (resource, amount) in requested {
        let now = used.get(resource).copied().unwrap_or(Amount::ZERO);
        let sum = now.plus(*amount);
        if *amount > Amount::ZERO && hard.get(resource).is_some_and(|most| sum > *most) {
            exceeded.push(resource.as_str());
        }
        after.insert(resource.clone(), sum);
    }
    if exceeded.is_empty() {
        let changed = after != used;
        let used: Map<String, Value> = after
            .into_iter()
            .map(|(name, amount)| (name, json!(amount.to_string())))
            .collect();
        return Ok(changed.then_some(Charge {
            quota: name,
            used: Value::Object(used),
        }));
    }
    let print = |from: &Amounts| -> String {
        let all: Vec<String> = exceeded
            .iter()
            .map(|name| {
                let amount = from.get(*name).copied().unwrap_or(Amount::ZERO);
                format!("{name}={amount}")
            })
            .collect();
        all.join(",")
    };
    Err(Refusal::Forbidden(format!(
        "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
        print(delta),
        print(&used),
        print(&hard)
    )))
}

/// True if a quota limits something of an object.
fn concerns(quota: &Value, request: &Request<'_>, object: &Value) -> bool {
    let hard = quota["spec"]["hard"].as_object();
    let own = (request.group, request.resource);
    let limits = hard.into_iter().flatten().any(|(name, _)| {
        usage::counted(name).is_some_and(|(group, plural)| (group.as_str(), plural.as_str()) == own)
    });
    limits && in_scope(quota, request.group, request.resource, object)
}

/// True if an object is in all scopes of a quota.
fn in_scope(quota: &Value, group: &str, plural: &str, object: &Value) -> bool {
    let scopes = list(&quota["spec"], "scopes").iter().filter_map(Value::as_str);
    let selected = list(&quota["spec"]["scopeSelector"], "matchExpressions");
    let mut all = scopes.map(|scope| (scope, "Exists", &[] as &[Value])).chain(
        selected
            .iter()
            .map(|one| (text(one, "scopeName"), text(one, "operator"), list(one, "values"))),
    );
    all.all(|(scope, operator, values)| match (group, plural, scope) {
        ("", "pods", _) => usage::pod_has_scope(&object["spec"], scope, (operator, values)),
        ("", "persistentvolumeclaims", "VolumeAttributesClass") => usage::chosen(
            text(&object["spec"], "volumeAttributesClassName"),
            (operator, values),
        ),
        _ => false,
    })
}
