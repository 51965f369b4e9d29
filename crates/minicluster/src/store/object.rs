//! A stored object: its JSON ready to be sent, and the little that selectors and writers ask of it.
//!
//! ```text
//! Value ──► Draft (JSON with a gap for the version) ──► Object (the gap filled with the revision of its write)
//! ```
//!
//! The revision of a write is known only when its turn comes, yet every reader wants it inside the JSON. So a draft
//! leaves a gap at `metadata.resourceVersion`, and filling it is a copy: objects are serialised once, by their
//! writer, and lists and watches send the bytes as they are.

mod lean;

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::Error;
use super::key::Key;

/// Pairs of a name and its value: labels, or fields that selectors may ask for.
pub type Pairs = Box<[(Box<str>, Box<str>)]>;

/// The field by whose values the objects of a resource are found without a look at all of them: what each kubelet,
/// `kubectl drain` and `kubectl describe node` ask for. The real server has an index of it, too.
const INDEXED_FIELD: &str = "spec.nodeName";

/// What can be asked of an object without reading its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// `metadata.uid`, or empty.
    pub uid: Box<str>,
    /// `metadata.labels`.
    pub labels: Pairs,
    /// The fields that selectors of this kind may ask for, as the writer chose them.
    pub fields: Pairs,
}

/// An object on its way into the store.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) json: Vec<u8>,
    /// Where the digits of the revision belong.
    pub(super) gap: u32,
    pub(super) traits: Arc<Traits>,
}

/// An object of the store, as of one revision. Never changes.
#[derive(Clone, Debug)]
pub struct Object {
    key: Key,
    revision: u64,
    json: Bytes,
    gap: u32,
    digits: u8,
    traits: Arc<Traits>,
}

impl Draft {
    /// Serialises an object; whatever it says in `metadata.resourceVersion` is replaced when it is stored.
    ///
    /// Assumptions: `fields` are the values of the kind's selectable fields, computed by the caller.
    /// Errors: [`Error::InvalidObject`] if it is no JSON object with a `metadata` object.
    pub fn new(value: &Value, fields: Pairs) -> Result<Self, Error> {
        let invalid = |problem: &str| Error::InvalidObject {
            problem: problem.to_owned(),
        };
        let object = value
            .as_object()
            .ok_or_else(|| invalid("it is not a JSON object"))?;
        let metadata = object.get("metadata").and_then(Value::as_object);
        let metadata = metadata.ok_or_else(|| invalid("it has no metadata"))?;
        let (json, gap) = serialise(object).map_err(|error| invalid(&error.to_string()))?;
        let gap = u32::try_from(gap).map_err(|_| invalid("it is longer than 4 GiB"))?;
        let uid = metadata.get("uid").and_then(Value::as_str).unwrap_or_default();
        let traits = Traits {
            uid: Box::from(uid),
            labels: labels(metadata),
            fields,
        };
        Ok(Self {
            json,
            gap,
            traits: Arc::new(traits),
        })
    }

    /// Reports whether storing the draft over `object` would change nothing but its revision.
    pub fn same_as(&self, object: &Object) -> bool {
        let (head, tail) = object.around_gap();
        let gap = self.gap as usize;
        self.json.len() == head.len() + tail.len()
            && self.json.get(..gap) == Some(head)
            && self.json.get(gap..) == Some(tail)
            && self.traits == object.traits
    }

    /// Everything the draft takes in memory and on disk, to be compared with limits.
    pub(super) fn bytes(&self) -> usize {
        self.json.len() + traits_bytes(&self.traits)
    }

    /// Fills the gap.
    pub(super) fn into_object(self, key: Key, revision: u64) -> Object {
        let gap = (self.gap as usize).min(self.json.len());
        let (head, tail) = self.json.split_at(gap);
        Object::assemble(key, revision, (head, tail), self.traits)
    }
}

impl Object {
    /// What the object is called.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The revision of the write that made it: its `metadata.resourceVersion`.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The whole object as JSON, with its version. Cloning it copies nothing.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// Parses the JSON.
    ///
    /// Errors: [`Error::InvalidObject`], which would be a bug: the store wrote these bytes from a `Value`.
    pub fn value(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.json).map_err(|error| Error::InvalidObject {
            problem: error.to_string(),
        })
    }

    /// [`Object::value`] without the managed fields, which are not even parsed.
    pub fn lean_value(&self) -> Result<Value, Error> {
        lean::parse(&self.json).map_err(|error| Error::InvalidObject {
            problem: error.to_string(),
        })
    }

    /// `metadata.uid`, or empty.
    pub fn uid(&self) -> &str {
        &self.traits.uid
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> &[(Box<str>, Box<str>)] {
        &self.traits.labels
    }

    /// The fields that the writer declared selectable.
    pub fn fields(&self) -> &[(Box<str>, Box<str>)] {
        &self.traits.fields
    }

    /// Its value of the one field that is indexed, if it has one.
    pub(super) fn indexed(&self) -> Option<&str> {
        let mut fields = self.traits.fields.iter();
        let (_, value) = fields.find(|(field, _)| is_indexed(field))?;
        Some(&**value).filter(|value| !value.is_empty())
    }

    /// The same object with another version: what a watcher gets when an object leaves its selection, where the
    /// real server sends the old object with the version of the change.
    pub fn at_revision(&self, revision: u64) -> Self {
        Self::assemble(
            self.key.clone(),
            revision,
            self.around_gap(),
            Arc::clone(&self.traits),
        )
    }

    pub(super) fn traits(&self) -> &Traits {
        &self.traits
    }

    pub(super) fn bytes(&self) -> usize {
        self.json.len() + traits_bytes(&self.traits)
    }

    /// The JSON before and after the version.
    pub(super) fn around_gap(&self) -> (&[u8], &[u8]) {
        let gap = self.gap as usize;
        (&self.json[..gap], &self.json[gap + usize::from(self.digits)..])
    }

    fn assemble(key: Key, revision: u64, (head, tail): (&[u8], &[u8]), traits: Arc<Traits>) -> Self {
        let digits = revision.to_string();
        let mut json = Vec::with_capacity(head.len() + digits.len() + tail.len());
        json.extend_from_slice(head);
        json.extend_from_slice(digits.as_bytes());
        json.extend_from_slice(tail);
        let gap = u32::try_from(head.len()).expect("a draft is shorter than 4 GiB");
        let digits = u8::try_from(digits.len()).expect("a u64 has at most 20 digits");
        Self {
            key,
            revision,
            json: Bytes::from(json),
            gap,
            digits,
            traits,
        }
    }
}

/// Whether objects are found by this field without a look at all of them.
pub(super) fn is_indexed(field: &str) -> bool {
    field == INDEXED_FIELD
}

fn traits_bytes(traits: &Traits) -> usize {
    let pairs = traits.labels.iter().chain(&traits.fields);
    traits.uid.len() + pairs.map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

fn labels(metadata: &Map<String, Value>) -> Pairs {
    let labels = metadata.get("labels").and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    pairs
        .filter_map(|(name, value)| Some((Box::from(name.as_str()), Box::from(value.as_str()?))))
        .collect()
}

/// Writes the object and tells where the digits of the version belong.
fn serialise(object: &Map<String, Value>) -> serde_json::Result<(Vec<u8>, usize)> {
    let mut out = Vec::with_capacity(1024);
    let mut gap = 0;
    let mut separator = b'{';
    for (name, value) in object {
        open_member(&mut out, &mut separator, name)?;
        match value {
            Value::Object(metadata) if name == "metadata" => gap = serialise_metadata(&mut out, metadata)?,
            _ => serde_json::to_writer(&mut out, value)?,
        }
    }
    out.push(b'}');
    Ok((out, gap))
}

fn serialise_metadata(out: &mut Vec<u8>, metadata: &Map<String, Value>) -> serde_json::Result<usize> {
    const VERSION: &str = "resourceVersion";
    let mut gap = None;
    let mut separator = b'{';
    for (name, value) in metadata {
        open_member(out, &mut separator, name)?;
        if name == VERSION {
            out.push(b'"');
            gap = Some(out.len());
            out.push(b'"');
        } else {
            serde_json::to_writer(&mut *out, value)?;
        }
    }
    let gap = match gap {
        Some(gap) => gap,
        None => {
            open_member(out, &mut separator, VERSION)?;
            out.extend_from_slice(b"\"\"");
            out.len() - 1
        }
    };
    out.push(b'}');
    Ok(gap)
}

fn open_member(out: &mut Vec<u8>, separator: &mut u8, name: &str) -> serde_json::Result<()> {
    out.push(*separator);
    *separator = b',';
    serde_json::to_writer(&mut *out, name)?;
    out.write_all(b":").map_err(serde_json::Error::io)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::key::Resource;

    fn stored(value: &Value, revision: u64) -> Object {
        let pods = Resource::new("", "pods").unwrap();
        let key = Key::new(&pods, Some("ns"), "a").unwrap();
        Draft::new(value, Pairs::default())
            .unwrap()
            .into_object(key, revision)
    }

    #[test]
    fn the_version_is_put_where_it_belongs() {
        for (input, expected) in [
            (
                json!({"metadata": {}}),
                json!({"metadata": {"resourceVersion": "7"}}),
            ),
            (
                json!({"metadata": {"resourceVersion": "123", "uid": "u"}, "z": [1]}),
                json!({"metadata": {"resourceVersion": "7", "uid": "u"}, "z": [1]}),
            ),
            (
                json!({"a": {"metadata": {"resourceVersion": "1"}}, "metadata": {"name": "n"}}),
                json!({"a": {"metadata": {"resourceVersion": "1"}}, "metadata": {"name": "n", "resourceVersion": "7"}}),
            ),
        ] {
            let object = stored(&input, 7);
            assert_eq!(object.value().unwrap(), expected);
            assert_eq!(object.lean_value().unwrap(), expected);
            assert_eq!(object.at_revision(1_000).at_revision(7).json(), object.json());
        }
    }

    #[test]
    fn labels_and_uid_are_known_without_the_json() {
        let object = stored(
            &json!({"metadata": {"uid": "u-1", "labels": {"a": "b", "bad": 1}}}),
            1,
        );
        assert_eq!(object.uid(), "u-1");
        assert_eq!(object.labels(), [(Box::from("a"), Box::from("b"))]);
    }

    #[test]
    fn a_lean_value_lacks_the_managed_fields_of_the_object_alone() {
        let fields = json!([{"manager": "m"}]);
        let mut value = json!({
            "metadata": {"labels": {"a": "b"}, "managedFields": fields, "resourceVersion": "3"},
            "spec": {"metadata": {"managedFields": fields}, "list": [1, 2.5, null, true, {"x": "é"}]},
        });
        let object = stored(&value, 3);
        metadata_of(&mut value).remove("managedFields");
        assert_eq!(object.lean_value().unwrap(), value);
    }

    fn metadata_of(value: &mut Value) -> &mut Map<String, Value> {
        value["metadata"].as_object_mut().unwrap()
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for value in [json!(1), json!([]), json!({}), json!({"metadata": 3})] {
            assert!(Draft::new(&value, Pairs::default()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_draft_knows_when_it_changes_nothing() {
        let object = stored(&json!({"metadata": {"resourceVersion": "1"}, "d": 1}), 99);
        let same = json!({"metadata": {"resourceVersion": "99"}, "d": 1});
        assert!(Draft::new(&same, Pairs::default()).unwrap().same_as(&object));
        let other = json!({"metadata": {}, "d": 2});
        assert!(!Draft::new(&other, Pairs::default()).unwrap().same_as(&object));
    }
}
