//! Whether the objects of a release fit into the quotas of their namespaces.
//!
//! ```text
//! quotas (hard, used), live → desired ──► what surely does not fit, once all pods of before have gone
//! ```
//!
//! Only what surely does not fit is reported, as each report stops a release: room for a surge is not asked for, what
//! is in use counts only as far as it is known, and quotas of a scope are left to the server.

use objects::{Quantity, Units, meta};
use serde_json::Value;

use crate::demand::{demand, demand_of, replicas, says, template};
use crate::health::health;

/// A quota that has no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The quota's name.
    pub quota: String,
    pub namespace: String,
    /// `requests.cpu`
    pub resource: String,
    /// The most that the quota allows.
    pub hard: String,
    /// What the quota says is in use now.
    pub used: String,
    /// What the changes add to that.
    pub more: String,
}

/// An object as it is, and as it shall be: `None` where it is not.
pub type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

/// What the changes ask of one resource before and after them.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    before: Quantity,
    after: Quantity,
    /// Whether what is in use holds exactly what the objects asked for before.
    vague: bool,
}

/// Finds what surely does not fit after the changes.
///
/// Assumptions: `quotas` are live ResourceQuotas. Objects without a namespace count in every quota's.
#[must_use]
pub fn exceeds(quotas: &[Value], changes: &[Pair<'_>]) -> Vec<Exceeded> {
    let mut found = Vec::new();
    for quota in quotas.iter().filter(|quota| !is_scoped(quota)) {
        let hard = meta::at(quota, "/spec/hard").and_then(Value::as_object);
        for (resource, limit) in hard.into_iter().flatten() {
            let sums = sums(resource, meta::namespace(quota), changes);
            found.extend(exceeded(quota, (resource, limit), sums));
        }
    }
    found
}

fn exceeded(quota: &Value, (resource, limit): (&str, &Value), sums: Sums) -> Option<Exceeded> {
    let hard = Quantity::of(limit)?;
    if sums.after <= sums.before {
        return None;
    }
    let more = sums.after - sums.before;
    let used = used(quota, resource);
    // Without a sure account of what is in use, the objects alone must be too much.
    let after = match used {
        Some(used) if !sums.vague => used + more,
        _ => sums.after,
    };
    if after <= hard {
        return None;
    }
    let hard_text = limit
        .as_str()
        .map_or_else(|| limit.to_string(), ToOwned::to_owned);
    let units = Units::of(&hard_text);
    Some(Exceeded {
        quota: meta::name(quota).to_owned(),
        namespace: meta::namespace(quota).to_owned(),
        resource: resource.to_owned(),
        hard: hard_text,
        used: used.unwrap_or_default().print(units),
        more: more.print(units),
    })
}

fn sums(resource: &str, namespace: &str, changes: &[Pair<'_>]) -> Sums {
    let mut sums = Sums::default();
    for (live, desired) in changes {
        let both = [live, desired].into_iter().flatten();
        if both
            .map(|object| meta::namespace(object))
            .any(|own| !own.is_empty() && own != namespace)
        {
            continue;
        }
        if let Some(live) = live {
            let before = demand(live).amount(resource);
            sums.before = sums.before + before;
            sums.vague |= replicas(live).is_some() && is_of_pods(resource) && !is_certain(live, resource);
        }
        if let Some(desired) = desired {
            // What the manifest leaves out is somebody else's to say: an autoscaler's.
            let own = meta::number_at(desired, "/spec/replicas");
            let kept = live.filter(|_| own.is_none()).and_then(replicas);
            let replicas = replicas(desired).map(|own| kept.unwrap_or(own));
            sums.after = sums.after + demand_of(desired, replicas).amount(resource);
        }
    }
    sums
}

/// Whether a quota's account holds exactly what a live workload's template says.
fn is_certain(live: &Value, resource: &str) -> bool {
    let wanted = replicas(live);
    let has = match meta::text(live, "kind") {
        "Pod" => wanted,
        _ => Some(meta::number_at(live, "/status/replicas").unwrap_or(0)),
    };
    // Pods of these may be of an older template for as long as somebody likes.
    let by_hand = meta::at(live, "/spec/paused") == Some(&Value::Bool(true))
        || meta::text_at(live, "/spec/updateStrategy/type") == "OnDelete";
    let said =
        ["pods", "count/pods"].contains(&resource) || template(live).is_some_and(|pod| says(pod, resource));
    has == wanted && !by_hand && said && (health(live).is_ready() || wanted == Some(0))
}

/// Whether a quota counts this by pods.
fn is_of_pods(resource: &str) -> bool {
    const OF_CLAIMS: &str = "requests.storage";
    let bare = ["cpu", "memory", "ephemeral-storage", "pods", "count/pods"].contains(&resource);
    let prefixed = ["requests.", "limits.", "hugepages-"]
        .iter()
        .any(|prefix| resource.starts_with(prefix));
    bare || prefixed && resource != OF_CLAIMS
}

/// What the quota says is in use, if it has measured what it now limits.
fn used(quota: &Value, resource: &str) -> Option<Quantity> {
    let status = quota.get("status")?;
    let measured = status.get("hard")?.get(resource)?;
    let wanted = meta::at(quota, "/spec/hard")?.get(resource)?;
    let used = status.get("used")?.get(resource)?;
    (measured == wanted).then(|| Quantity::of(used)).flatten()
}

fn is_scoped(quota: &Value) -> bool {
    !meta::list_at(quota, "/spec/scopes").is_empty()
        || !meta::list_at(quota, "/spec/scopeSelector/matchExpressions").is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(hard: &Value, used: &Value) -> Value {
        json!({"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}})
    }

    /// A Deployment whose pods request so much, and which is as it says.
    fn deployment(replicas: i64, cpu: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "ns"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "a", "resources": {"requests": {"cpu": cpu}}}]}}},
            "status": {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
                "availableReplicas": replicas, "conditions": [{"type": "Available", "status": "True"}]}})
    }

    fn check(quota: &Value, changes: &[Pair<'_>], expected: &[&str]) {
        let found: Vec<String> = exceeds(std::slice::from_ref(quota), changes)
            .iter()
            .map(|one| {
                format!(
                    "{} {}: {} of {}, {} more",
                    one.quota, one.resource, one.used, one.hard, one.more
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_added_to_what_is_in_use_must_fit() {
        let quota = quota(
            &json!({"requests.cpu": "4", "pods": "10"}),
            &json!({"requests.cpu": "3", "pods": "3"}),
        );
        let more = deployment(2, "600m");
        check(
            &quota,
            &[(None, Some(&more))],
            &["q requests.cpu: 3 of 4, 1200m more"],
        );
        check(&quota, &[(None, Some(&deployment(2, "500m")))], &[]);
        let live = deployment(2, "1");
        check(&quota, &[(Some(&live), Some(&deployment(3, "1")))], &[]);
        check(
            &quota,
            &[(Some(&live), Some(&deployment(4, "1")))],
            &["q requests.cpu: 3 of 4, 2 more"],
        );
        check(
            &quota,
            &[(Some(&live), None), (None, Some(&deployment(3, "1")))],
            &[],
        );
    }

    #[test]
    fn without_a_sure_account_the_objects_alone_must_be_too_much() {
        let unmeasured =
            json!({"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": {"requests.cpu": "4"}}});
        check(&unmeasured, &[(None, Some(&deployment(4, "1")))], &[]);
        check(
            &unmeasured,
            &[(None, Some(&deployment(5, "1")))],
            &["q requests.cpu: 0 of 4, 5 more"],
        );
        let quota = quota(&json!({"requests.cpu": "4"}), &json!({"requests.cpu": "4"}));
        let mut rolling = deployment(2, "1");
        rolling["status"]["readyReplicas"] = json!(1);
        check(&quota, &[(Some(&rolling), Some(&deployment(3, "1")))], &[]);
        let mut silent = deployment(2, "1");
        silent["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({});
        check(&quota, &[(Some(&silent), Some(&deployment(2, "1")))], &[]);
    }

    #[test]
    fn replicas_that_are_left_out_stay_as_they_are() {
        let quota = quota(&json!({"pods": "5"}), &json!({"pods": "5"}));
        let mut desired = deployment(1, "1");
        desired["spec"].as_object_mut().unwrap().remove("replicas");
        check(&quota, &[(Some(&deployment(5, "1")), Some(&desired))], &[]);
    }

    #[test]
    fn other_namespaces_and_scopes_are_left_alone() {
        let mut quota = quota(&json!({"configmaps": "1"}), &json!({"configmaps": "1"}));
        let map = |namespace: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace}});
        check(&quota, &[(None, Some(&map("other")))], &[]);
        check(
            &quota,
            &[(None, Some(&map("")))],
            &["q configmaps: 1 of 1, 1 more"],
        );
        check(
            &quota,
            &[(None, Some(&map("ns")))],
            &["q configmaps: 1 of 1, 1 more"],
        );
        quota["spec"]["scopes"] = json!(["NotTerminating"]);
        check(&quota, &[(None, Some(&map("ns")))], &[]);
    }

    #[test]
    fn less_than_before_is_never_too_much() {
        let quota = quota(&json!({"requests.cpu": "1"}), &json!({"requests.cpu": "4"}));
        check(
            &quota,
            &[(Some(&deployment(4, "1")), Some(&deployment(3, "1")))],
            &[],
        );
    }
}
