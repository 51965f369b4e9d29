//! What a pod asks for and may use altogether: its containers, what runs before them, and its overhead.

use std::collections::BTreeMap;

use serde_json::Value;

use super::amount::Amount;
use super::{list, text};

/// Amounts by resource.
pub(crate) type Amounts = BTreeMap<String, Amount>;

/// The amounts of one field (`requests`, `limits`) of a list of resources.
pub(crate) fn amounts(resources: &Value, field: &str) -> Amounts {
    let all = resources.get(field).and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), Amount::of(value)?)))
        .collect()
}

pub(crate) fn add(to: &mut Amounts, from: &Amounts) {
    for (name, amount) in from {
        let sum = to.get(name).map_or(*amount, |own| own.plus(*amount));
        to.insert(name.clone(), sum);
    }
}

/// What a pod needs (`requests`) or may use (`limits`): the containers that run together, or what one init container
/// takes beside the sidecars before it, whichever is more; and the overhead.
#[must_use]
pub(crate) fn pod_amounts(spec: &Value, field: &str) -> Amounts {
    let mut running = Amounts::new();
    for container in list(spec, "containers") {
        add(&mut running, &amounts(&container["resources"], field));
    }
    let (mut sidecars, mut starting) = (Amounts::new(), Amounts::new());
    for container in list(spec, "initContainers") {
        let own = amounts(&container["resources"], field);
        let mut together = sidecars.clone();
        add(&mut together, &own);
        if text(container, "restartPolicy") == "Always" {
            add(&mut running, &own);
            sidecars.clone_from(&together);
        }
        for (name, amount) in together {
            let most = starting.get(&name).map_or(amount, |own| amount.max(*own));
            starting.insert(name, most);
        }
    }
    for (name, amount) in starting {
        let most = running.get(&name).map_or(amount, |own| amount.max(*own));
        running.insert(name, most);
    }
    running.extend(amounts(&spec["resources"], field));
    for (name, amount) in amounts(spec, "overhead") {
        match running.get(&name) {
            Some(own) => drop(running.insert(name, own.plus(amount))),
            None if field == "requests" => drop(running.insert(name, amount)),
            None => {}
        }
    }
    running
}
