//! Whose an object is: Helm's label and annotations, and the field managers that are an earlier life of a release.

use manifest::Object;
use objects::meta;
use serde_json::{Map, Value, json};

/// The name under which a release owns its fields. It is helm 4's own: a release is one manager's, whichever of the two
/// tools applies, so that neither meets the other's fields as a conflict and each takes away what a new manifest drops.
/// Who it was is said by the user agent, in the audit log of the cluster.
pub const MANAGER: &str = "helm";

/// Helm's annotation that keeps an object when its release lets go of it.
pub const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// Managers whose fields a release takes over, beside [`MANAGER`] where it updated instead of applied, as helm 3 does:
/// shipway before 0.2, which applied under its own name, and kubectl by hand before a release adopted the object.
const EARLIER: &[&str] = &[
    "shipway",
    "kubectl",
    "kubectl-client-side-apply",
    "kubectl-create",
    "before-first-apply",
];

/// A release, as objects name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    pub release: &'a str,
    pub namespace: &'a str,
}

impl Owner<'_> {
    /// Marks an object as one of the release.
    pub fn stamp(self, object: &mut Object) {
        meta::map_mut(&mut object.value, &["metadata", "labels"])
            .insert(MANAGED_BY.to_owned(), json!("Helm"));
        let annotations = meta::map_mut(&mut object.value, &["metadata", "annotations"]);
        annotations.insert(RELEASE_NAME.to_owned(), json!(self.release));
        annotations.insert(RELEASE_NAMESPACE.to_owned(), json!(self.namespace));
    }

    /// What keeps a live object from being one of the release, in Helm's words; empty when it is one.
    #[must_use]
    pub fn doubts(self, live: &Value) -> Vec<String> {
        let told = |what: &str, key: &str, found: Option<&str>, wanted: &str| match found {
            Some(found) if found == wanted => None,
            Some(found) => Some(format!(
                "{what} validation error: key \"{key}\" must equal \"{wanted}\": current value is \"{found}\""
            )),
            None => Some(format!(
                "{what} validation error: missing key \"{key}\": must be set to \"{wanted}\""
            )),
        };
        [
            told("label", MANAGED_BY, meta::label(live, MANAGED_BY), "Helm"),
            told(
                "annotation",
                RELEASE_NAME,
                meta::annotation(live, RELEASE_NAME),
                self.release,
            ),
            told(
                "annotation",
                RELEASE_NAMESPACE,
                meta::annotation(live, RELEASE_NAMESPACE),
                self.namespace,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether a live object says that it belongs to another release.
    #[must_use]
    pub fn is_other(self, live: &Value) -> bool {
        let differs = |key: &str, own: &str| meta::annotation(live, key).is_some_and(|found| found != own);
        differs(RELEASE_NAME, self.release) || differs(RELEASE_NAMESPACE, self.namespace)
    }
}

/// Whether an object stays when its release lets go of it.
#[must_use]
pub fn is_kept(object: &Value) -> bool {
    meta::annotation(object, RESOURCE_POLICY).is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}

/// The `managedFields` of a live object with those of earlier managers made ours; `None` when there are none.
///
/// Without this a field that a new manifest drops would stay, owned by a manager that nobody is any more, and one that
/// it changes would be a conflict. It is what Kubernetes' own migration from client-side apply does.
#[must_use]
pub fn handed_over(live: &Value, api_version: &str) -> Option<Value> {
    let entries = meta::list_at(live, "/metadata/managedFields");
    let is_ours = |entry: &Value| {
        let manager = meta::text(entry, "manager");
        meta::text(entry, "subresource").is_empty() && (manager == MANAGER || EARLIER.contains(&manager))
    };
    entries
        .iter()
        .find(|entry| is_ours(entry) && !is_applied(entry))?;
    let (ours, others): (Vec<&Value>, Vec<&Value>) = entries.iter().partition(|entry| is_ours(entry));
    let mut fields = Map::new();
    for entry in &ours {
        if let Some(more) = entry.get("fieldsV1").and_then(Value::as_object) {
            unite(&mut fields, more);
        }
    }
    let mut entry = json!({
        "manager": MANAGER, "operation": "Apply", "apiVersion": api_version,
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    });
    if let Some(time) = ours.iter().filter_map(|entry| entry.get("time")?.as_str()).max() {
        entry["time"] = json!(time);
    }
    Some(
        std::iter::once(entry)
            .chain(others.into_iter().cloned())
            .collect(),
    )
}

/// Whether an entry of `managedFields` has what the release applied last.
#[must_use]
pub fn is_applied(entry: &Value) -> bool {
    meta::text(entry, "manager") == MANAGER
        && meta::text(entry, "operation") == "Apply"
        && meta::text(entry, "subresource").is_empty()
}

/// Whether every field of an owned set (`fieldsV1`) is in `value`; one that is not would be dropped by applying it.
#[must_use]
pub fn names_only(owned: &Value, value: &Value) -> bool {
    let Some(owned) = owned.as_object() else {
        return false;
    };
    owned.iter().all(|(path, below)| {
        let is_leaf = below.as_object().is_none_or(Map::is_empty);
        let fits = |child: &Value| is_leaf || names_only(below, child);
        match path.split_once(':') {
            None => true,
            Some(("f", field)) => value.get(field).is_some_and(fits),
            Some(("k", keys)) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                // A key that the manifest leaves out has its default, such as the protocol of a port.
                let is_item = |item: &Value| {
                    keys.iter()
                        .all(|(key, value)| item.get(key).is_none_or(|own| own == value))
                };
                let mut items = value.as_array().into_iter().flatten();
                items.any(|item| is_item(item) && fits(item))
            }
            Some(("v", item)) => {
                let items = value.as_array();
                let item: Option<Value> = serde_json::from_str(item).ok();
                items.zip(item).is_some_and(|(items, item)| items.contains(&item))
            }
            Some(_) => false,
        }
    })
}

/// Adds the fields of one set to another; the depth is that of the object, which the API server bounds.
fn unite(set: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (field, below) in more {
        match (
            set.get_mut(field).and_then(Value::as_object_mut),
            below.as_object(),
        ) {
            (Some(have), Some(below)) => unite(have, below),
            _ => {
                set.insert(field.clone(), below.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner<'_> = Owner {
        release: "web",
        namespace: "shop",
    };

    #[test]
    fn a_stamped_object_is_the_releases() {
        let mut object = Object::new(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
            "",
        );
        assert_eq!(OWNER.doubts(&object.value).len(), 3);
        OWNER.stamp(&mut object);
        assert_eq!(OWNER.doubts(&object.value), Vec::<String>::new());
        let other = Owner {
            release: "api",
            ..OWNER
        };
        assert_eq!(
            other.doubts(&object.value),
            [
                "annotation validation error: key \"meta.helm.sh/release-name\" must equal \"api\": current value is \"web\""
            ]
        );
        assert!(other.is_other(&object.value) && !OWNER.is_other(&object.value));
    }

    #[test]
    fn what_is_owned_and_no_longer_wanted_is_found() {
        let owned = json!({"f:spec": {"f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}},
            "f:finalizers": {"v:\"a\"": {}}}});
        for (value, expected) in [
            (
                json!({"spec": {"ports": [{"port": 80, "name": "web"}], "finalizers": ["a"]}}),
                true,
            ),
            (
                json!({"spec": {"ports": [{"port": 80}], "finalizers": ["a"]}}),
                false,
            ),
            (
                json!({"spec": {"ports": [{"port": 81, "name": "web"}], "finalizers": ["a"]}}),
                false,
            ),
            (
                json!({"spec": {"ports": [{"port": 80, "name": "web"}], "finalizers": ["b"]}}),
                false,
            ),
        ] {
            assert_eq!(names_only(&owned, &value), expected, "{value}");
        }
    }

    #[test]
    fn fields_of_every_earlier_life_become_the_releases() {
        let entry = |manager: &str, operation: &str, fields: Value| {
            json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields})
        };
        let live = json!({"metadata": {"managedFields": [
            entry("helm", "Update", json!({"f:data": {"f:a": {}, "f:b": {}}})),
            entry("shipway", "Apply", json!({"f:data": {"f:b": {}, "f:d": {}}})),
            entry("kubectl-client-side-apply", "Update", json!({"f:data": {"f:c": {}}})),
            entry("kube-controller-manager", "Update", json!({"f:status": {}})),
        ]}});
        let after = handed_over(&live, "v1").unwrap();
        let managers: Vec<_> = after
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["manager"].clone())
            .collect();
        assert_eq!(managers, ["helm", "kube-controller-manager"]);
        assert_eq!(
            after[0]["fieldsV1"],
            json!({"f:data": {"f:a": {}, "f:b": {}, "f:c": {}, "f:d": {}}})
        );
        assert_eq!(after[0]["operation"], "Apply");
        let done = json!({"metadata": {"managedFields": after}});
        assert_eq!(handed_over(&done, "v1"), None);
    }

    #[test]
    fn fields_that_somebody_edited_stay_theirs() {
        for manager in ["kubectl-edit", "kubectl-patch", "kubectl-scale", "argocd", "hpa"] {
            let live = json!({"metadata": {"managedFields": [{"manager": manager, "operation": "Update",
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}]}});
            assert_eq!(handed_over(&live, "v1"), None, "{manager}");
        }
    }
}
