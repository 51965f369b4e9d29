//! Every pod stays five minutes on a node that is not ready or not reached, unless it says otherwise.

use serde_json::{Value, json};

use super::{Request, list, list_mut, text};

const SECONDS: i64 = 300;
const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

pub(super) fn mutate(request: &Request<'_>, pod: &mut Value) {
    if !request.is_core("pods") || !pod["spec"].is_object() {
        return;
    }
    let spec = &mut pod["spec"];
    let tolerates = |taint: &str| {
        list(spec, "tolerations").iter().any(|one| {
            matches!(text(one, "key"), "") | (text(one, "key") == taint)
                && matches!(text(one, "effect"), "" | "NoExecute")
        })
    };
    let missing: Vec<Value> = TAINTS
        .into_iter()
        .filter(|taint| !tolerates(taint))
        .map(
            |taint| json!({"effect": "NoExecute", "key": taint, "operator": "Exists", "tolerationSeconds": SECONDS}),
        )
        .collect();
    if !missing.is_empty()
        && let Some(tolerations) = list_mut(spec, "tolerations")
    {
        tolerations.extend(missing);
    }
}
