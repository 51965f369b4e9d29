//! What a refused creation or deletion of a pod means, as controllers tell it.

use objects::control::{Action, Refusal};
use objects::meta;
use serde_json::Value;

/// What a refused write was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An object could not be created, and why.
    NotCreated(String),
    /// An object could not be deleted, and why.
    NotDeleted(String),
    /// Nothing that is worth telling: the next look sees what has happened.
    Nothing,
}

/// Reads a refusal.
#[must_use]
pub fn meaning(refusal: &Refusal<'_>) -> Meaning {
    match refusal.action {
        // A namespace on its way out takes its pods with it, and a name that is taken is drawn again.
        Action::Create(_) if is_ending(refusal) || refusal.reason == "AlreadyExists" => Meaning::Nothing,
        Action::Create(object) => Meaning::NotCreated(message(refusal, object)),
        Action::Delete { .. } if refusal.code != 404 => Meaning::NotDeleted(refusal.message.to_owned()),
        _ => Meaning::Nothing,
    }
}

fn is_ending(refusal: &Refusal<'_>) -> bool {
    refusal.code == 403 && refusal.message.contains("because it is being terminated")
}

/// Admission that changes objects runs before a name is generated, so what it says ends with the prefix.
fn message(refusal: &Refusal<'_>, object: &Value) -> String {
    const BEFORE_NAMES: [&str; 2] = ["error looking up service account", "no PriorityClass with name"];
    let prefix = meta::text_at(object, "/metadata/generateName");
    let early = BEFORE_NAMES.iter().any(|text| refusal.message.contains(text));
    if early && !prefix.is_empty() {
        return refusal.message.replacen(meta::name(object), prefix, 1);
    }
    refusal.message.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_refusals_that_need_a_person_are_told() {
        let create = Action::Create(json!({"metadata": {"name": "web-abc", "generateName": "web-"}}));
        let quota = "pods \"web-abc\" is forbidden: exceeded quota: q";
        let ending = "pods \"web-abc\" is forbidden: unable to create new content in namespace n because it is being \
                      terminated";
        let account = "pods \"web-abc\" is forbidden: error looking up service account n/x: serviceaccount \"x\" not \
                       found";
        for (code, reason, text, expected) in [
            (403, "Forbidden", quota, Meaning::NotCreated(quota.to_owned())),
            (403, "Forbidden", ending, Meaning::Nothing),
            (
                409,
                "AlreadyExists",
                "pods \"web-abc\" already exists",
                Meaning::Nothing,
            ),
            (
                403,
                "Forbidden",
                account,
                Meaning::NotCreated(account.replace("web-abc", "web-")),
            ),
        ] {
            let refusal = Refusal {
                action: &create,
                code,
                reason,
                message: text,
            };
            assert_eq!(meaning(&refusal), expected, "{text}");
        }
    }
}
