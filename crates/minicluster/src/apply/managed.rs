//! `metadata.managedFields`: who owns which fields, as stored in an object.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields_v1;
use super::fieldset::FieldSet;

/// An object keeps at most this many entries of updates; the API server merges the oldest into one.
const MAX_UPDATE_ENTRIES: usize = 10;

/// The manager of merged old updates.
const ANCIENT: &str = "ancient-changes";

/// How a manager wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

/// What tells entries apart. An applier has one entry whatever version it applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pub manager: String,
    pub operation: Operation,
    /// Empty for `Operation::Apply`.
    pub api_version: String,
    /// Empty for the object itself.
    pub subresource: String,
}

/// What an owner has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub fields: FieldSet,
    pub api_version: String,
    /// RFC 3339 in UTC with seconds, so that the order of texts is the order of times.
    pub time: Option<String>,
}

/// All owners of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managed {
    pub entries: BTreeMap<Owner, Entry>,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

impl Owner {
    /// The owner of an apply.
    #[must_use]
    pub fn applier(manager: &str, subresource: &str) -> Self {
        Owner {
            manager: name_or_unknown(manager),
            operation: Operation::Apply,
            api_version: String::new(),
            subresource: subresource.to_owned(),
        }
    }

    /// The owner of an update.
    #[must_use]
    pub fn updater(manager: &str, subresource: &str, api_version: &str) -> Self {
        Owner {
            manager: name_or_unknown(manager),
            operation: Operation::Update,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }
}

fn name_or_unknown(manager: &str) -> String {
    if manager.is_empty() { "unknown" } else { manager }.to_owned()
}

impl Managed {
    /// Reads the entries of an object; none if it has none.
    ///
    /// # Errors
    /// The first entry that can't be read, in the API server's words.
    pub fn of(object: &Value) -> Result<Self, String> {
        let mut managed = Managed::default();
        for (at, entry) in entries_of(object).iter().enumerate() {
            let (owner, entry) = decode(at, entry)?;
            managed.entries.insert(owner, entry);
        }
        Ok(managed)
    }

    /// True if nobody owns anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The stored list: appliers first, then by time, manager, version and subresource. `None` if nothing is
    /// owned: the field is then absent, not empty.
    #[must_use]
    pub fn to_list(&self) -> Option<Value> {
        if self.entries.is_empty() {
            return None;
        }
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by(|(a, x), (b, y)| {
            let by = |owner: &Owner, entry: &Entry| {
                (owner.operation, seconds(entry).to_owned(), owner.manager.clone())
            };
            by(a, x)
                .cmp(&by(b, y))
                .then_with(|| x.api_version.cmp(&y.api_version))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        Some(
            entries
                .into_iter()
                .map(|(owner, entry)| encode(owner, entry))
                .collect(),
        )
    }

    /// Writes the list into an object's metadata, or takes it out.
    pub fn store(&self, object: &mut Value) {
        let Some(object) = object.as_object_mut() else {
            return;
        };
        match self.to_list() {
            Some(list) => {
                let metadata = object
                    .entry("metadata")
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Some(metadata) = metadata.as_object_mut() {
                    metadata.insert("managedFields".to_owned(), list);
                }
            }
            None => {
                if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove("managedFields");
                }
            }
        }
    }

    /// Merges the oldest updates of a version into one entry until at most ten updates are left.
    pub(super) fn cap_updates(&mut self) {
        let mut updates: Vec<_> = self
            .entries
            .iter()
            .filter(|(owner, _)| owner.operation == Operation::Update)
            .map(|(owner, entry)| (seconds(entry).to_owned(), owner.clone()))
            .collect();
        let mut left = updates.len();
        updates.sort();
        let mut first_of_version: BTreeMap<String, Owner> = BTreeMap::new();
        for (_, owner) in updates {
            if left <= MAX_UPDATE_ENTRIES {
                return;
            }
            let Some(version) = self.entries.get(&owner).map(|entry| entry.api_version.clone()) else {
                continue;
            };
            let Some(first) = first_of_version.get(&version) else {
                first_of_version.insert(version, owner);
                continue;
            };
            let bucket = Owner::updater(ANCIENT, "", &version);
            if !self.entries.contains_key(&bucket)
                && let Some(entry) = self.entries.remove(first)
            {
                self.entries.insert(bucket.clone(), entry);
            }
            if let Some(merged) = self.entries.remove(&owner) {
                let target = self.entries.entry(bucket).or_insert_with(|| Entry {
                    fields: FieldSet::new(),
                    api_version: version,
                    time: None,
                });
                target.fields.extend(merged.fields);
                target.time = merged.time;
                left -= 1;
            }
        }
    }
}

/// The entries of an object as they stand there.
fn entries_of(object: &Value) -> &[Value] {
    super::shape::items(object.pointer("/metadata/managedFields"))
}

/// True if a client asks to forget all owners: an empty list, or one empty entry.
#[must_use]
pub fn is_reset(object: &Value) -> bool {
    let Some(list) = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
    else {
        return false;
    };
    match list.as_slice() {
        [] => true,
        [only] => only.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}

/// A copy of an object without the entries, which often are the larger part of it.
#[must_use]
pub fn stripped(object: &Value) -> Value {
    let Value::Object(fields) = object else {
        return object.clone();
    };
    let copy = |(name, value): (&String, &Value)| {
        let copied = match value {
            Value::Object(metadata) if name == "metadata" => {
                let kept = metadata.iter().filter(|(name, _)| *name != "managedFields");
                Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            value => value.clone(),
        };
        (name.clone(), copied)
    };
    Value::Object(fields.iter().map(copy).collect())
}

/// Takes the entries out of an object.
pub fn strip(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

/// True if two objects differ in nothing but the times of their entries (and their versions are the same): such a
/// write is dropped, so that applying twice does not make a new version.
#[must_use]
pub fn only_times_differ(before: &Value, after: &Value) -> bool {
    if !same_apart_from_entries(before, after) {
        return false;
    }
    let timeless = |object: &Value| {
        let mut entries = entries_of(object).to_vec();
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.remove("time");
        }
        // The order depends on the times.
        entries.sort_by_key(ToString::to_string);
        entries
    };
    entries_of(before).len() == entries_of(after).len() && timeless(before) == timeless(after)
}

fn same_apart_from_entries(before: &Value, after: &Value) -> bool {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return before == after;
    };
    let metadata = |one: &Map<String, Value>, other: &Map<String, Value>| {
        one.iter()
            .filter(|(name, _)| *name != "managedFields")
            .all(|(name, value)| other.get(name) == Some(value))
    };
    before.len() == after.len()
        && before.iter().all(|(name, old)| match (old, after.get(name)) {
            (Value::Object(old), Some(Value::Object(new))) if name == "metadata" => {
                metadata(old, new) && metadata(new, old)
            }
            (old, new) => new == Some(old),
        })
}

fn seconds(entry: &Entry) -> &str {
    entry.time.as_deref().unwrap_or_default()
}

fn decode(at: usize, entry: &Value) -> Result<(Owner, Entry), String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err("operation must be `Apply` or `Update`".to_owned()),
    };
    let api_version = text("apiVersion").to_owned();
    if api_version.is_empty() {
        return Err("apiVersion must not be empty".to_owned());
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(format!("missing fieldsType in managed fields entry {at}")),
        other => {
            return Err(format!(
                "invalid fieldsType {other:?} in managed fields entry {at}"
            ));
        }
    }
    let fields = match entry.get("fieldsV1") {
        None | Some(Value::Null) => FieldSet::new(),
        Some(fields) => fields_v1::parse(fields).map_err(|cause| {
            format!(
                "error decoding versioned set from managed fields entry {at}: error decoding set: {cause}"
            )
        })?,
    };
    let owner = Owner {
        manager: text("manager").to_owned(),
        operation,
        api_version: match operation {
            Operation::Apply => String::new(),
            Operation::Update => api_version.clone(),
        },
        subresource: text("subresource").to_owned(),
    };
    let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
    Ok((
        owner,
        Entry {
            fields,
            api_version,
            time,
        },
    ))
}

fn encode(owner: &Owner, entry: &Entry) -> Value {
    let mut object = json!({
        "apiVersion": entry.api_version,
        "fieldsType": "FieldsV1",
        "operation": owner.operation.as_str(),
    });
    // Not in the macro, which would copy it.
    object["fieldsV1"] = fields_v1::print(&entry.fields);
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            object[name] = Value::String(text.to_owned());
        }
    };
    add("manager", &owner.manager);
    add("subresource", &owner.subresource);
    add("time", entry.time.as_deref().unwrap_or_default());
    object
}
