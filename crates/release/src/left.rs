//! How a release left its quiet objects: which incarnation of each, in which state.
//!
//! It is an annotation of the record's object, written with the last write of an operation. An uninstall deletes an object
//! that is still so without looking at it first, by uid and `resourceVersion`; the API server refuses when anybody has
//! touched it since, and then it is looked at. Helm drops the annotation when it writes the record, and makes none: then
//! everything is looked at.

use objects::{Key, Kind, meta};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The annotation of the record's Secret.
pub const ANNOTATION: &str = "shipway.dev/left";

/// The most objects that are noted: 100 bytes each, of the 256 KiB that all annotations of an object may have.
const MOST: usize = 1_000;

/// Kinds that nobody writes to but whoever applied them: no controller, and no status of theirs.
const QUIET: [(&str, &str); 11] = [
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
];

/// The quiet objects of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left(Vec<Seen>);

/// One of them, with what it was last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: Key,
    pub uid: String,
    pub resource_version: String,
}

/// As it is written: group, kind, namespace, name, uid and `resourceVersion`.
#[derive(Serialize, Deserialize)]
struct Written(String, String, String, String, String, String);

impl Left {
    /// Notes the quiet ones among some objects, as the cluster last said they are.
    #[must_use]
    pub fn of<'a>(objects: impl Iterator<Item = (&'a Key, &'a Value)>) -> Self {
        let seen = objects
            .filter(|(key, _)| is_quiet(&key.kind))
            .map(|(key, live)| Seen {
                key: key.clone(),
                uid: meta::uid(live).to_owned(),
                resource_version: meta::resource_version(live).to_owned(),
            })
            .filter(|seen| !seen.uid.is_empty() && !seen.resource_version.is_empty());
        Self(seen.take(MOST).collect())
    }

    /// What a record's object says of it; nothing where it is not to be understood.
    #[must_use]
    pub fn read(object: &Value) -> Self {
        let written = meta::annotation(object, ANNOTATION).unwrap_or("[]");
        let written: Vec<Written> = serde_json::from_str(written).unwrap_or_default();
        let seen = written
            .into_iter()
            .map(
                |Written(group, kind, namespace, name, uid, resource_version)| Seen {
                    key: Key::new(Kind::new(group, kind), &namespace, &name),
                    uid,
                    resource_version,
                },
            )
            .filter(|seen| is_quiet(&seen.key.kind));
        Self(seen.collect())
    }

    /// Writes it into a record's object.
    pub fn write(&self, object: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        let written = self.0.iter().map(|seen| {
            Written(
                seen.key.kind.group.to_string(),
                seen.key.kind.name.to_string(),
                seen.key.namespace.to_string(),
                seen.key.name.to_string(),
                seen.uid.clone(),
                seen.resource_version.clone(),
            )
        });
        // Plain data: nothing in it can't be JSON.
        let text = serde_json::to_string(&written.collect::<Vec<_>>()).unwrap_or_default();
        meta::map_mut(object, &["metadata", "annotations"]).insert(ANNOTATION.to_owned(), json!(text));
    }

    #[must_use]
    pub fn find(&self, key: &Key) -> Option<&Seen> {
        self.0.iter().find(|seen| seen.key == *key)
    }
}

fn is_quiet(kind: &Kind) -> bool {
    QUIET.contains(&(kind.group.as_ref(), kind.name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &Kind) -> Key {
        Key::new(kind.clone(), "shop", "a")
    }

    #[test]
    fn quiet_objects_are_noted_and_read_again() {
        let live = json!({"metadata": {"uid": "u", "resourceVersion": "7"}});
        let (map, workload) = (key(&Kind::CONFIG_MAP), key(&Kind::DEPLOYMENT));
        let left = Left::of([(&map, &live), (&workload, &live)].into_iter());
        let mut object = json!({"metadata": {}});
        left.write(&mut object);
        let read = Left::read(&object);
        assert_eq!(read, left);
        assert_eq!(
            read.find(&map).map(|seen| (&*seen.uid, &*seen.resource_version)),
            Some(("u", "7"))
        );
        assert_eq!(read.find(&workload), None, "controllers write to it");
    }

    #[test]
    fn what_is_not_to_be_understood_is_nothing() {
        for text in ["", "{}", "[[1]]", "[[\"\", \"ConfigMap\"]]"] {
            let object = json!({"metadata": {"annotations": {ANNOTATION: text}}});
            assert_eq!(Left::read(&object), Left::default(), "{text}");
        }
        // A kind that others write to is never taken to be quiet, whoever noted it.
        let text = r#"[["apps","Deployment","shop","a","u","7"]]"#;
        let object = json!({"metadata": {"annotations": {ANNOTATION: text}}});
        assert_eq!(Left::read(&object), Left::default());
    }
}
