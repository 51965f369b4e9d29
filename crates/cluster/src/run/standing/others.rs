//! Who else writes an object, as `metadata.managedFields` has it.
//!
//! An entry names a manager and the fields that it owns; a path of ours is compared with each as text. Not here: what to do
//! about it.

use objects::meta;
use release::MANAGER;
use serde_json::Value;

/// The field that an autoscaler writes.
const REPLICAS: &str = "spec.replicas";

/// Whether somebody set the replicas of an object through its scale subresource: an autoscaler, or a person who scales.
pub(super) fn is_scaled(live: &Value) -> bool {
    let mut scaled = entries(live).filter(|entry| meta::text(entry, "subresource") == "scale");
    scaled.any(|entry| owned(entry).iter().any(|path| path == REPLICAS))
}

/// Who wrote fields that are not as they were applied: whoever owns one of them and wrote last. Of a field that somebody took
/// away nobody is the owner, so then it is whoever else wrote last. Empty if nobody did.
pub(super) fn writer(live: &Value, paths: &[&str]) -> String {
    let others = entries(live).filter(|entry| {
        meta::text(entry, "manager") != MANAGER && meta::text(entry, "subresource") != "status"
    });
    let owns = |entry: &Value| {
        let owned = owned(entry);
        paths
            .iter()
            .any(|path| owned.iter().any(|own| is_same_or_below(own, path)))
    };
    let last = others.max_by_key(|entry| (owns(entry), meta::text(entry, "time")));
    last.map(|entry| meta::text(entry, "manager").to_owned())
        .unwrap_or_default()
}

fn entries(live: &Value) -> impl Iterator<Item = &Value> {
    meta::list_at(live, "/metadata/managedFields").iter()
}

/// Whether one path is the other, or leads to something in it.
fn is_same_or_below(one: &str, other: &str) -> bool {
    let is_below = |path: &str, of: &str| {
        path.strip_prefix(of)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    is_below(one, other) || is_below(other, one)
}

/// The fields that an entry owns, each as [`manifest::diff`] writes its path.
fn owned(entry: &Value) -> Vec<String> {
    fn walk(fields: &Value, path: &str, found: &mut Vec<String>) {
        let below = fields.as_object().into_iter().flatten();
        let mut is_leaf = true;
        for (step, fields) in below.filter(|(step, _)| step.as_str() != ".") {
            is_leaf = false;
            walk(fields, &joined(path, step), found);
        }
        if is_leaf && !path.is_empty() {
            found.push(path.to_owned());
        }
    }
    let mut found = Vec::new();
    if let Some(fields) = entry.get("fieldsV1") {
        walk(fields, "", &mut found);
    }
    found
}

/// A path and a step of `FieldsV1`: `f:name` is a field, `k:{…}` an item by its keys, `v:…` one by its value.
fn joined(path: &str, step: &str) -> String {
    let Some((kind, step)) = step.split_once(':') else {
        return path.to_owned();
    };
    let is_plain = step
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte));
    match (kind, path) {
        ("f", "") if is_plain => step.to_owned(),
        ("f", _) if is_plain => format!("{path}.{step}"),
        ("f", _) => format!("{path}[{}]", Value::from(step)),
        ("k", _) => {
            let keys: Value = serde_json::from_str(step).unwrap_or_default();
            let keys = keys.as_object().into_iter().flatten();
            let keys = keys.map(|(key, value)| match value.as_str() {
                Some(text) => format!("{key}={text}"),
                None => format!("{key}={value}"),
            });
            format!("{path}[{}]", keys.collect::<Vec<String>>().join(","))
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, subresource: &str, time: &str, fields: &Value) -> Value {
        json!({"manager": manager, "subresource": subresource, "time": time, "fieldsV1": fields})
    }

    fn live(entries: &[Value]) -> Value {
        json!({"metadata": {"managedFields": entries}})
    }

    #[test]
    fn replicas_are_scaled_when_they_were_set_through_the_scale_subresource() {
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let of = |subresource: &str| live(&[entry("hpa", subresource, "", &replicas)]);
        assert!(is_scaled(&of("scale")));
        assert!(!is_scaled(&of("")));
        assert!(!is_scaled(&live(&[entry(
            "hpa",
            "scale",
            "",
            &json!({"f:metadata": {}})
        )])));
    }

    #[test]
    fn whoever_owns_the_field_is_named_and_otherwise_whoever_wrote_last() {
        let bundle =
            json!({"f:webhooks": {"k:{\"name\":\"a.example.com\"}": {"f:clientConfig": {"f:caBundle": {}}}}});
        let label = json!({"f:metadata": {"f:labels": {".": {}, "f:example.com/x": {}}}});
        let object = live(&[
            entry(MANAGER, "", "2026-03-02T09:00:09Z", &bundle),
            entry("cainjector", "", "2026-03-02T09:00:01Z", &bundle),
            entry("kubectl-edit", "", "2026-03-02T09:00:05Z", &label),
            entry("controller", "status", "2026-03-02T09:00:08Z", &label),
        ]);
        let by = |path: &str| writer(&object, &[path]);
        assert_eq!(
            by("webhooks[name=a.example.com].clientConfig.caBundle"),
            "cainjector"
        );
        assert_eq!(by("webhooks[name=a.example.com]"), "cainjector");
        assert_eq!(by("metadata.labels[\"example.com/x\"]"), "kubectl-edit");
        assert_eq!(by("spec.replicas"), "kubectl-edit");
        assert_eq!(writer(&live(&[]), &["spec.replicas"]), "");
    }
}
