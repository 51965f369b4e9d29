//! Taints of nodes and the tolerations of pods, read once: `objects::taint` reads them again for each question,
//! which is too slow to ask for every node.

use objects::meta;
use serde_json::Value;

/// The taint that stands for `spec.unschedulable` when a pod tolerates it.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// What a taint does to pods that don't tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
    /// None that is known; it repels nobody.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: Effect,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Toleration {
    key: String,
    value: String,
    /// Any value of the key.
    exists: bool,
    /// `None` for every effect.
    effect: Option<Effect>,
}

impl Effect {
    fn of(text: &str) -> Self {
        match text {
            "NoSchedule" => Self::NoSchedule,
            "PreferNoSchedule" => Self::PreferNoSchedule,
            "NoExecute" => Self::NoExecute,
            _ => Self::Other,
        }
    }
}

impl Taint {
    #[must_use]
    pub fn of(taint: &Value) -> Self {
        Self {
            key: meta::text(taint, "key").to_owned(),
            value: meta::text(taint, "value").to_owned(),
            effect: Effect::of(meta::text(taint, "effect")),
        }
    }

    /// The taint that a node which is `unschedulable` counts as having.
    #[must_use]
    pub fn unschedulable() -> Self {
        Self {
            key: UNSCHEDULABLE.to_owned(),
            value: String::new(),
            effect: Effect::NoSchedule,
        }
    }

    /// Whether it keeps pods away rather than only making the node less wanted.
    #[must_use]
    pub fn repels(&self) -> bool {
        matches!(self.effect, Effect::NoSchedule | Effect::NoExecute)
    }
}

impl Toleration {
    #[must_use]
    pub fn of(toleration: &Value) -> Self {
        let effect = meta::text(toleration, "effect");
        Self {
            key: meta::text(toleration, "key").to_owned(),
            value: meta::text(toleration, "value").to_owned(),
            exists: meta::text(toleration, "operator") == "Exists",
            effect: (!effect.is_empty()).then(|| Effect::of(effect)),
        }
    }

    fn tolerates(&self, taint: &Taint) -> bool {
        self.effect.is_none_or(|effect| effect == taint.effect)
            && (self.key.is_empty() && self.exists || self.key == taint.key)
            && (self.exists || self.value == taint.value)
    }
}

/// Whether one of the tolerations covers a taint.
#[must_use]
pub fn tolerated(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|one| one.tolerates(taint))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_toleration_covers_its_key_value_and_effect() {
        let taint = Taint::of(&json!({"key": "a", "value": "1", "effect": "NoSchedule"}));
        for (toleration, expected) in [
            (json!({"key": "a", "value": "1"}), true),
            (json!({"key": "a", "value": "1", "effect": "NoSchedule"}), true),
            (json!({"key": "a", "value": "1", "effect": "NoExecute"}), false),
            (json!({"key": "a", "value": "2"}), false),
            (json!({"key": "a", "operator": "Exists"}), true),
            (json!({"key": "b", "operator": "Exists"}), false),
            (json!({"operator": "Exists"}), true),
            (json!({}), false),
        ] {
            assert_eq!(
                tolerated(&[Toleration::of(&toleration)], &taint),
                expected,
                "{toleration}"
            );
        }
    }
}
