//! LimitRanges: amounts for containers that name none, and the least and the most of containers, pods and claims.

use serde_json::{Value, json};

use super::amount::Amount;
use super::limits::{Amounts, amounts, pod_amounts};
use super::{Lookup, Refusal, Request, list, put, text};

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

pub(super) fn mutate(request: &Request<'_>, pod: &mut Value, lookup: &dyn Lookup) {
    if !request.creates("pods") {
        return;
    }
    for range in ranges(request, lookup) {
        let mut said = Vec::new();
        for (field, what) in [("containers", "container"), ("initContainers", "init container")] {
            let containers = pod["spec"].get_mut(field).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                fill(container, &range, what, &mut said);
            }
        }
        if said.is_empty() {
            continue;
        }
        let metadata = &mut pod["metadata"];
        if !metadata["annotations"].is_object() {
            metadata["annotations"] = json!({});
        }
        let text = format!("LimitRanger plugin set: {}", said.join("; "));
        put(&mut metadata["annotations"], ANNOTATION, json!(text));
    }
}

pub(super) fn validate(request: &Request<'_>, object: &Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    let resized = request.group.is_empty() && request.resource == "pods" && request.subresource == "resize";
    let claim = request.is_core("persistentvolumeclaims");
    if !request.creates("pods") && !resized && !claim {
        return Ok(());
    }
    for range in ranges(request, lookup) {
        let mut faults = Vec::new();
        for limit in list(&range["spec"], "limits") {
            if claim {
                claim_faults(limit, object, &mut faults);
            } else {
                pod_faults(limit, &object["spec"], &mut faults);
            }
        }
        faults.dedup();
        match faults.as_slice() {
            [] => {}
            [one] => return Err(Refusal::Forbidden(one.clone())),
            many => return Err(Refusal::Forbidden(format!("[{}]", many.join(", ")))),
        }
    }
    Ok(())
}

fn ranges(request: &Request<'_>, lookup: &dyn Lookup) -> Vec<Value> {
    lookup.list("", "limitranges", request.namespace)
}

/// Gives a container what it leaves out; a container that names a limit but no request has had its defaults already.
fn fill(container: &mut Value, range: &Value, what: &str, said: &mut Vec<String>) {
    let name = text(container, "name").to_owned();
    for (from, to, word) in [
        ("defaultRequest", "requests", "request"),
        ("default", "limits", "limit"),
    ] {
        let mut set = Vec::new();
        for limit in list(&range["spec"], "limits") {
            if text(limit, "type") != "Container" {
                continue;
            }
            for (resource, amount) in limit[from].as_object().into_iter().flatten() {
                if !container["resources"].is_object() {
                    container["resources"] = json!({});
                }
                if !container["resources"][to].is_object() {
                    container["resources"][to] = json!({});
                }
                let amounts = &mut container["resources"][to];
                if amounts.get(resource).is_none() {
                    put(amounts, resource, amount.clone());
                    set.push(resource.clone());
                }
            }
        }
        if !set.is_empty() {
            set.sort();
            said.push(format!("{} {word} for {what} {name}", set.join(", ")));
        }
    }
}

fn pod_faults(limit: &Value, spec: &Value, faults: &mut Vec<String>) {
    let kind = text(limit, "type");
    let found: Vec<(Amounts, Amounts)> = match kind {
        "Container" => list(spec, "containers")
            .iter()
            .chain(list(spec, "initContainers"))
            .map(|container| &container["resources"])
            .map(|own| (amounts(own, "requests"), amounts(own, "limits")))
            .collect(),
        "Pod" => vec![(pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))],
        _ => return,
    };
    for (requests, limits) in &found {
        let of = |name: &str| (requests.get(name).copied(), limits.get(name).copied());
        for (name, least) in amounts(limit, "min") {
            faults.extend(minimum((&name, kind), least, of(&name)));
        }
        for (name, most) in amounts(limit, "max") {
            faults.extend(maximum((&name, kind), most, of(&name)));
        }
        for (name, most) in amounts(limit, "maxLimitRequestRatio") {
            faults.extend(ratio((&name, kind), most, of(&name)));
        }
    }
}

fn claim_faults(limit: &Value, claim: &Value, faults: &mut Vec<String>) {
    let kind = text(limit, "type");
    if kind != "PersistentVolumeClaim" {
        return;
    }
    let requests = amounts(&claim["spec"]["resources"], "requests");
    for (name, least) in amounts(limit, "min") {
        faults.extend(minimum(
            (&name, kind),
            least,
            (requests.get(&name).copied(), None),
        ));
    }
    for (name, most) in amounts(limit, "max") {
        let head = format!("maximum {name} usage per {kind} is {most}");
        match requests.get(&name) {
            None => faults.push(format!("{head}.  No request is specified")),
            Some(own) if *own > most => faults.push(format!("{head}, but request is {own}")),
            Some(_) => {}
        }
    }
}

/// A request and a limit, where there are any.
type Pair = (Option<Amount>, Option<Amount>);

fn minimum((name, kind): (&str, &str), least: Amount, (request, limit): Pair) -> Option<String> {
    let head = format!("minimum {name} usage per {kind} is {least}");
    match (request, limit) {
        (None, _) => Some(format!("{head}.  No request is specified")),
        (Some(own), _) if own < least => Some(format!("{head}, but request is {own}")),
        (_, Some(own)) if own < least => Some(format!("{head}, but limit is {own}")),
        _ => None,
    }
}

fn maximum((name, kind): (&str, &str), most: Amount, (request, limit): Pair) -> Option<String> {
    let head = format!("maximum {name} usage per {kind} is {most}");
    match (request, limit) {
        (_, None) => Some(format!("{head}.  No limit is specified")),
        (_, Some(own)) if own > most => Some(format!("{head}, but limit is {own}")),
        (Some(own), _) if own > most => Some(format!("{head}, but request is {own}")),
        _ => None,
    }
}

fn ratio((name, kind): (&str, &str), most: Amount, (request, limit): Pair) -> Option<String> {
    let head = format!("{name} max limit to request ratio per {kind} is {most}");
    let given = |amount: Option<Amount>| amount.filter(|own| *own != Amount::ZERO);
    match (given(request), given(limit)) {
        (None, _) => Some(format!("{head}, but no request is specified or request is 0")),
        (_, None) => Some(format!("{head}, but no limit is specified or limit is 0")),
        (Some(request), Some(limit)) => {
            let own = limit.ratio(request);
            (own > most.ratio(Amount::whole(1))).then(|| format!("{head}, but provided ratio is {own:.6}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_far_above_its_request_breaks_the_ratio() {
        let of = |text: &str| Amount::of(&json!(text));
        let two = Amount::whole(2);
        assert_eq!(ratio(("cpu", "Container"), two, (of("500m"), of("1"))), None);
        assert_eq!(
            ratio(("cpu", "Container"), two, (of("500m"), of("2"))).unwrap(),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000"
        );
    }
}
