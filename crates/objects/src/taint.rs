//! Taints of nodes and the tolerations of pods.

use serde_json::Value;

use crate::meta;

/// The first of a pod's tolerations that tolerates a taint.
#[must_use]
pub fn toleration<'a>(tolerations: &'a [Value], taint: &Value) -> Option<&'a Value> {
    tolerations.iter().find(|one| tolerates(one, taint))
}

/// Whether a toleration is for a taint: an empty effect or, with `Exists`, an empty key is for all. An operator that
/// nobody knows tolerates nothing.
#[must_use]
pub fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = meta::text(toleration, "effect");
    let key = meta::text(toleration, "key");
    if !effect.is_empty() && effect != meta::text(taint, "effect") {
        return false;
    }
    let same = |field| meta::text(toleration, field) == meta::text(taint, field);
    match meta::text(toleration, "operator") {
        "Exists" => key.is_empty() || same("key"),
        "" | "Equal" => !key.is_empty() && same("key") && same("value"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_toleration_is_for_a_key_a_value_and_an_effect() {
        let taint = json!({"key": "k", "value": "v", "effect": "NoSchedule"});
        for (toleration, expected) in [
            (json!({"key": "k", "value": "v", "effect": "NoSchedule"}), true),
            (json!({"key": "k", "value": "v"}), true),
            (json!({"key": "k", "operator": "Exists"}), true),
            (json!({"operator": "Exists"}), true),
            (json!({"key": "k", "value": "w"}), false),
            (json!({"key": "k", "value": "v", "effect": "NoExecute"}), false),
            (json!({"value": "v"}), false),
            (json!({"key": "k", "operator": "Like", "value": "v"}), false),
        ] {
            assert_eq!(tolerates(&toleration, &taint), expected, "{toleration}");
        }
    }
}
