//! The priority of a pod by its class, and that at most one class is the default.

use serde_json::{Value, json};

use super::{Lookup, Operation, Refusal, Request, put, text};

const GROUP: &str = "scheduling.k8s.io";
const CLASSES: &str = "priorityclasses";
const PREEMPT: &str = "PreemptLowerPriority";

pub(super) fn mutate(request: &Request<'_>, pod: &mut Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    if !request.is_core("pods") || !pod["spec"].is_object() {
        return Ok(());
    }
    let spec = &mut pod["spec"];
    if request.operation == Operation::Update {
        keep(spec, request.old);
        return Ok(());
    }
    let class = class_of(text(spec, "priorityClassName"), lookup)?;
    let (value, policy) = match &class {
        Some(class) => {
            put(spec, "priorityClassName", class["metadata"]["name"].clone());
            let policy = text(class, "preemptionPolicy");
            let policy = if policy.is_empty() { PREEMPT } else { policy };
            (class["value"].as_i64().unwrap_or(0), policy)
        }
        None => (0, PREEMPT),
    };
    if let Some(own) = spec["priority"].as_i64()
        && own != value
    {
        return Err(Refusal::Forbidden(format!(
            "the integer value of priority ({own}) must not be provided in pod spec; priority admission controller \
             computed {value} from the given PriorityClass name"
        )));
    }
    let own = text(spec, "preemptionPolicy");
    if !own.is_empty() && own != policy {
        return Err(Refusal::Forbidden(format!(
            "the string value of PreemptionPolicy ({own}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        )));
    }
    put(spec, "priority", json!(value));
    put(spec, "preemptionPolicy", json!(policy));
    Ok(())
}

pub(super) fn validate(request: &Request<'_>, class: &Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    if request.group != GROUP || request.resource != CLASSES || class["globalDefault"] != true {
        return Ok(());
    }
    let other = lookup
        .list(GROUP, CLASSES, "")
        .into_iter()
        .find(|other| other["globalDefault"] == true && text(&other["metadata"], "name") != request.name);
    match other {
        None => Ok(()),
        Some(other) => Err(Refusal::Forbidden(format!(
            "PriorityClass {} is already marked as default. Only one default can exist",
            text(&other["metadata"], "name")
        ))),
    }
}

/// The class by name; without one the default with the least value, if there is any.
fn class_of(name: &str, lookup: &dyn Lookup) -> Result<Option<Value>, Refusal> {
    if !name.is_empty() {
        return match lookup.get(GROUP, CLASSES, "", name) {
            None => Err(Refusal::Forbidden(format!(
                "no PriorityClass with name {name} was found"
            ))),
            found => Ok(found),
        };
    }
    let defaults = lookup.list(GROUP, CLASSES, "").into_iter();
    Ok(defaults
        .filter(|class| class["globalDefault"] == true)
        .min_by_key(|class| class["value"].as_i64()))
}

/// A client that does not know the fields does not lose them.
fn keep(spec: &mut Value, old: Option<&Value>) {
    for field in ["priority", "preemptionPolicy"] {
        if spec[field].is_null()
            && let Some(old) = old.map(|old| &old["spec"][field])
            && !old.is_null()
        {
            put(spec, field, old.clone());
        }
    }
}
