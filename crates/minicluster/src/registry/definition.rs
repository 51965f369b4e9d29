//! The life of a CustomResourceDefinition: its names are accepted, it is served, its objects go with it.
//!
//! ```text
//! create ─► settle (names, Established) ─► catalog ─► delete ─► Terminating ─► objects go ─► definition goes
//! ```
//!
//! Each pass reads the world and does what is left to do, so that it may be repeated. Conversion webhooks are not
//! called: what is stored is served under the asked version's name as it is.

use serde_json::{Value, json};

use super::catalog::Served;
use super::failure::{Cause, Failure};
use super::write::stored_form;
use super::{Registry, complete, metadata};
use crate::store::{Expected, Key, Resource};
use crate::validate;

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// How often a definition is tried again when others write to it.
const MAX_TRIES: usize = 10;

/// Told to whoever writes a definition whose webhook would convert.
pub(super) const NOT_CONVERTED: &str = "spec.conversion.strategy: this cluster does not call conversion webhooks; \
                                        objects are served in every version as they are stored";

pub(super) fn is_definition(served: &Served) -> bool {
    served.is("apiextensions.k8s.io", "customresourcedefinitions")
}

/// Gives a definition its defaults and, if it is new, the status that it begins with.
pub(super) fn default(object: &mut Value, old: Option<&Value>) {
    let kind = object["spec"]["names"]["kind"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if let Some(names) = object["spec"]["names"].as_object_mut() {
        for (field, value) in [
            ("singular", kind.to_lowercase()),
            ("listKind", format!("{kind}List")),
        ] {
            if names
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .is_empty()
            {
                names.insert(field.to_owned(), json!(value));
            }
        }
    }
    if object["spec"]["conversion"]["strategy"].is_null() {
        object["spec"]["conversion"] = json!({"strategy": "None"});
    }
    let versions = object["spec"]["versions"].as_array().into_iter().flatten();
    let storage = versions
        .filter(|version| version["storage"] == true)
        .map(|version| version["name"].clone());
    let storage: Vec<Value> = storage.collect();
    if old.is_none() {
        let stored = if storage.is_empty() {
            Value::Null
        } else {
            json!(storage)
        };
        object["status"] = json!({
            "acceptedNames": {"kind": "", "plural": ""},
            "conditions": null,
            "storedVersions": stored,
        });
    } else if let Some(stored) = object["status"]["storedVersions"].as_array_mut() {
        for version in storage {
            if !stored.contains(&version) {
                stored.push(version);
            }
        }
    }
}

/// Refuses a definition that is none.
pub(super) fn check(object: &Value, old: Option<&Value>) -> Result<(), Failure> {
    let causes: Vec<Cause> = validate::definition(object, old)
        .into_iter()
        .map(|cause| Cause {
            reason: cause.reason,
            field: cause.field,
            message: cause.message,
        })
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    let name = metadata::text(object, "name");
    let (group, kind) = ("apiextensions.k8s.io", "CustomResourceDefinition");
    Err(Failure::invalid(group, kind, name, &causes))
}

/// What deleting adds to a definition.
pub(super) fn mark(object: &mut Value, now: &str) {
    let finalizers = metadata::of_mut(object)
        .entry("finalizers")
        .or_insert_with(|| json!([]));
    if let Some(all) = finalizers.as_array_mut()
        && !all.iter().any(|one| one == FINALIZER)
    {
        all.push(json!(FINALIZER));
    }
    let (reason, message) = (
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion",
    );
    set_condition(object, ("Terminating", "True"), (reason, message), now);
}

fn set_condition(
    object: &mut Value,
    (kind, status): (&str, &str),
    (reason, message): (&str, &str),
    now: &str,
) {
    if !object["status"]["conditions"].is_array() {
        object["status"]["conditions"] = json!([]);
    }
    let Some(all) = object["status"]["conditions"].as_array_mut() else {
        return;
    };
    let mut new = json!({"lastTransitionTime": now, "message": message, "reason": reason, "status": status,
        "type": kind});
    match all.iter_mut().find(|one| one["type"] == kind) {
        Some(old) => {
            if old["status"] == status {
                new["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = new;
        }
        None => all.push(new),
    }
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|all| {
        all.iter()
            .any(|one| one["type"] == kind && one["status"] == "True")
    })
}

/// Compares a definition's names with those that others of its group have; sets what is accepted.
fn accept(object: &mut Value, others: &[Value], now: &str) {
    let wanted = object["spec"]["names"].clone();
    let texts = |names: &Value, fields: &[&str]| -> Vec<String> {
        let single = fields.iter().filter_map(|field| names[*field].as_str());
        let short = names["shortNames"].as_array().into_iter().flatten();
        let short = short
            .filter_map(Value::as_str)
            .filter(|_| fields.contains(&"plural"));
        single.chain(short).map(str::to_owned).collect()
    };
    let accepted = || others.iter().map(|other| &other["status"]["acceptedNames"]);
    let resources: Vec<String> = accepted()
        .flat_map(|names| texts(names, &["plural", "singular"]))
        .collect();
    let kinds: Vec<String> = accepted()
        .flat_map(|names| texts(names, &["kind", "listKind"]))
        .collect();
    let mut names = object["status"]["acceptedNames"].clone();
    let mut conflict = None;
    let checks = [
        ("plural", "PluralConflict", &resources),
        ("singular", "SingularConflict", &resources),
        ("shortNames", "ShortNamesConflict", &resources),
        ("kind", "KindConflict", &kinds),
        ("listKind", "ListKindConflict", &kinds),
    ];
    for (field, reason, taken) in checks {
        let each: Vec<&str> = match &wanted[field] {
            Value::String(name) => vec![name],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let conflicts: Vec<String> = each
            .iter()
            .filter(|name| taken.iter().any(|other| other == *name))
            .map(|name| format!("\"{name}\" is already in use"))
            .collect();
        if conflicts.is_empty() {
            match wanted.get(field) {
                Some(value) => names[field] = value.clone(),
                None => {
                    if let Some(names) = names.as_object_mut() {
                        names.remove(field);
                    }
                }
            }
        } else {
            conflict.get_or_insert((reason, conflicts.join(", ")));
        }
    }
    match (wanted.get("categories"), names.as_object_mut()) {
        (Some(value), Some(names)) => drop(names.insert("categories".to_owned(), value.clone())),
        (None, Some(names)) => drop(names.remove("categories")),
        _ => {}
    }
    object["status"]["acceptedNames"] = names;
    let established = has_condition(object, "Established");
    match conflict {
        None => {
            set_condition(
                object,
                ("NamesAccepted", "True"),
                ("NoConflicts", "no conflicts found"),
                now,
            );
            let message = "the initial names have been accepted";
            set_condition(
                object,
                ("Established", "True"),
                ("InitialNamesAccepted", message),
                now,
            );
        }
        Some((reason, message)) => {
            set_condition(object, ("NamesAccepted", "False"), (reason, &message), now);
            if !established {
                let message = "not all names are accepted";
                set_condition(object, ("Established", "False"), ("NotAccepted", message), now);
            }
        }
    }
}

impl Registry {
    fn definitions(&self) -> Option<(std::sync::Arc<Served>, Resource)> {
        let catalog = self.catalog();
        let served = catalog.find("apiextensions.k8s.io", "v1", "customresourcedefinitions")?;
        Some((std::sync::Arc::clone(served), served.stored_as.clone()?))
    }

    /// Brings all definitions of a group to the state that their names allow, or on with going. One pass.
    pub(super) async fn settle_definitions(&self, group: &str) {
        let Some((served, resource)) = self.definitions() else {
            return;
        };
        let mut all: Vec<Value> = self.values(&resource, None);
        all.retain(|one| one.pointer("/spec/group").and_then(Value::as_str) == Some(group));
        // Whoever was first has the name.
        all.sort_by_key(|one| {
            let version = metadata::text(one, "creationTimestamp").to_owned();
            (!has_condition(one, "Established"), version)
        });
        for definition in &all {
            let name = metadata::text(definition, "name");
            if metadata::is_terminating(definition) {
                continue;
            }
            let is_new = !has_condition(definition, "Established");
            let accepted = self
                .change_object(&served, name, |object| {
                    let others: Vec<Value> = self.values(&resource, None);
                    let others: Vec<Value> = others
                        .into_iter()
                        .filter(|one| {
                            one.pointer("/spec/group").and_then(Value::as_str) == Some(group)
                                && metadata::text(one, "name") != name
                        })
                        .collect();
                    accept(object, &others, &self.around.now());
                })
                .await;
            if let Some(object) = accepted.filter(|object| is_new && has_condition(object, "Established")) {
                self.begin_history(&object);
            }
        }
        self.refresh_catalog();
    }

    /// Changes an object of the cluster scope unless that changes nothing; gives it as it is then.
    pub(super) async fn change_object(
        &self,
        served: &Served,
        name: &str,
        change: impl Fn(&mut Value),
    ) -> Option<Value> {
        let key = Key::new(served.stored_as.as_ref()?, None, name).ok()?;
        for _ in 0..MAX_TRIES {
            let found = self.store.get(&key)?;
            let mut object = complete(served, &found).ok()?;
            let before = object.clone();
            change(&mut object);
            if object == before {
                return Some(object);
            }
            let changed = object.clone();
            let draft = stored_form(served, &mut object).ok()?;
            let expected = Expected::Revision(found.revision());
            if self.store.update(key.clone(), expected, draft).await.is_ok() {
                return Some(changed);
            }
        }
        None
    }

    pub(super) fn spawn_removal(&self, name: String) {
        let registry = self.clone();
        tokio::spawn(async move { registry.remove_definition(&name).await });
    }

    /// One pass over a definition that is going: its objects, and it when none is left.
    async fn remove_definition(&self, name: &str) {
        let Some((served, resource)) = self.definitions() else {
            return;
        };
        let Some(found) = Key::new(&resource, None, name)
            .ok()
            .and_then(|key| self.store.get(&key))
        else {
            return;
        };
        let Ok(definition) = complete(&served, &found) else {
            return;
        };
        let finalizers = metadata::of(&definition)
            .get("finalizers")
            .and_then(Value::as_array);
        let ours = finalizers.is_some_and(|all| all.iter().any(|one| one == FINALIZER));
        if !metadata::is_terminating(&definition) || !ours || self.empty_definition(&definition).await > 0 {
            return;
        }
        let done = self
            .change_object(&served, name, |object| {
                let (reason, message) = ("InstanceDeletionCompleted", "removed all instances");
                set_condition(
                    object,
                    ("Terminating", "False"),
                    (reason, message),
                    &self.around.now(),
                );
                if let Some(all) = metadata::of_mut(object)
                    .get_mut("finalizers")
                    .and_then(Value::as_array_mut)
                {
                    all.retain(|one| one != FINALIZER);
                }
            })
            .await;
        let Some(object) = done.filter(|object| !metadata::has_finalizers(object)) else {
            return;
        };
        if let Ok(key) = Key::new(&resource, None, name)
            && let Some(found) = self.store.get(&key)
        {
            let _ = self.store.delete(key, Expected::Revision(found.revision())).await;
        }
        let group = object
            .pointer("/spec/group")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.settle_definitions(group).await;
    }

    /// Goes on with what an earlier run of a durable cluster left half done.
    pub(super) async fn resume_definitions(&self) {
        let Some((_, resource)) = self.definitions() else {
            return;
        };
        for definition in self.values(&resource, None) {
            if metadata::is_terminating(&definition) {
                self.remove_definition(metadata::text(&definition, "name")).await;
            } else if !has_condition(&definition, "Established") {
                let group = definition.pointer("/spec/group").and_then(Value::as_str);
                self.settle_definitions(group.unwrap_or_default()).await;
            }
        }
    }
}
