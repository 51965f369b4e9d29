//! Protobuf bodies of the few kinds that kubectl and helm send in no other form.
//!
//! ```text
//! "k8s\0" + Unknown{ TypeMeta, raw } ─► raw, by the table below ─► the same object as JSON
//! ```
//!
//! The numbers are those of the published `generated.proto` files. Kinds without an entry are refused, and answers
//! are never protobuf: every client takes JSON.

use serde_json::{Map, Value, json};

use super::kinds::base64;

const MAGIC: &[u8] = b"k8s\0";

/// The deepest nesting of messages in the table, with room: an object, its metadata, an entry, its fields.
const MAX_DEPTH: usize = 16;

/// What a field holds. Repeated fields are lists of the same.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Bytes,
    Integer,
    Bool,
    Time,
    /// JSON inside of a message of one field.
    Fields,
    Texts,
    Messages(&'static str),
    Message(&'static str),
    TextMap,
    BytesMap,
}

use Type::{Bool, Bytes, BytesMap, Fields, Integer, Message, Messages, Text, TextMap, Texts, Time};

/// Message, number, name in JSON, type.
const TABLE: &[(&str, u64, &str, Type)] = &[
    ("ConfigMap", 1, "metadata", Message("ObjectMeta")),
    ("ConfigMap", 2, "data", TextMap),
    ("ConfigMap", 3, "binaryData", BytesMap),
    ("ConfigMap", 4, "immutable", Bool),
    ("DeleteOptions", 1, "gracePeriodSeconds", Integer),
    ("DeleteOptions", 2, "preconditions", Message("Preconditions")),
    ("DeleteOptions", 3, "orphanDependents", Bool),
    ("DeleteOptions", 4, "propagationPolicy", Text),
    ("DeleteOptions", 5, "dryRun", Texts),
    ("ManagedFieldsEntry", 1, "manager", Text),
    ("ManagedFieldsEntry", 2, "operation", Text),
    ("ManagedFieldsEntry", 3, "apiVersion", Text),
    ("ManagedFieldsEntry", 4, "time", Time),
    ("ManagedFieldsEntry", 6, "fieldsType", Text),
    ("ManagedFieldsEntry", 7, "fieldsV1", Fields),
    ("ManagedFieldsEntry", 8, "subresource", Text),
    ("Namespace", 1, "metadata", Message("ObjectMeta")),
    ("NonResourceAttributes", 1, "path", Text),
    ("NonResourceAttributes", 2, "verb", Text),
    ("ObjectMeta", 1, "name", Text),
    ("ObjectMeta", 2, "generateName", Text),
    ("ObjectMeta", 3, "namespace", Text),
    ("ObjectMeta", 5, "uid", Text),
    ("ObjectMeta", 6, "resourceVersion", Text),
    ("ObjectMeta", 7, "generation", Integer),
    ("ObjectMeta", 8, "creationTimestamp", Time),
    ("ObjectMeta", 9, "deletionTimestamp", Time),
    ("ObjectMeta", 11, "labels", TextMap),
    ("ObjectMeta", 12, "annotations", TextMap),
    ("ObjectMeta", 13, "ownerReferences", Messages("OwnerReference")),
    ("ObjectMeta", 14, "finalizers", Texts),
    ("ObjectMeta", 17, "managedFields", Messages("ManagedFieldsEntry")),
    ("OwnerReference", 1, "kind", Text),
    ("OwnerReference", 3, "name", Text),
    ("OwnerReference", 4, "uid", Text),
    ("OwnerReference", 5, "apiVersion", Text),
    ("OwnerReference", 6, "controller", Bool),
    ("OwnerReference", 7, "blockOwnerDeletion", Bool),
    ("Preconditions", 1, "uid", Text),
    ("Preconditions", 2, "resourceVersion", Text),
    ("ResourceAttributes", 1, "namespace", Text),
    ("ResourceAttributes", 2, "verb", Text),
    ("ResourceAttributes", 3, "group", Text),
    ("ResourceAttributes", 4, "version", Text),
    ("ResourceAttributes", 5, "resource", Text),
    ("ResourceAttributes", 6, "subresource", Text),
    ("ResourceAttributes", 7, "name", Text),
    ("Secret", 1, "metadata", Message("ObjectMeta")),
    ("Secret", 2, "data", BytesMap),
    ("Secret", 3, "type", Text),
    ("Secret", 4, "stringData", TextMap),
    ("Secret", 5, "immutable", Bool),
    ("SelfSubjectAccessReview", 1, "metadata", Message("ObjectMeta")),
    (
        "SelfSubjectAccessReview",
        2,
        "spec",
        Message("SelfSubjectAccessReviewSpec"),
    ),
    (
        "SelfSubjectAccessReviewSpec",
        1,
        "resourceAttributes",
        Message("ResourceAttributes"),
    ),
    (
        "SelfSubjectAccessReviewSpec",
        2,
        "nonResourceAttributes",
        Message("NonResourceAttributes"),
    ),
    ("ServiceAccount", 1, "metadata", Message("ObjectMeta")),
    ("TextEntry", 1, "key", Text),
    ("TextEntry", 2, "value", Text),
    ("BytesEntry", 1, "key", Text),
    ("BytesEntry", 2, "value", Bytes),
];

/// Decodes a body; `None` for a kind that is not in the table, or bytes that are no message.
pub(super) fn decode(body: &[u8]) -> Option<Value> {
    let mut envelope = Reader(body.strip_prefix(MAGIC)?);
    let (mut head, mut raw): (&[u8], &[u8]) = (&[], &[]);
    while let Some((number, value)) = envelope.field()? {
        match (number, value) {
            (1, Wire::Bytes(bytes)) => head = bytes,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (mut api_version, mut kind) = (String::new(), String::new());
    let mut head = Reader(head);
    while let Some((number, value)) = head.field()? {
        match (number, value) {
            (1, Wire::Bytes(bytes)) => api_version = text(bytes)?,
            (2, Wire::Bytes(bytes)) => kind = text(bytes)?,
            _ => {}
        }
    }
    TABLE
        .iter()
        .find(|(of, number, _, _)| *of == kind && *number == 1)?;
    let mut object = message(&kind, raw, 0)?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Some(object)
}

fn message(kind: &str, bytes: &[u8], depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut all = Map::new();
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        let found = TABLE
            .iter()
            .find(|(of, wanted, _, _)| *of == kind && *wanted == number);
        if let Some((_, _, name, ty)) = found {
            put(&mut all, name, *ty, (wire, depth))?;
        }
    }
    Some(Value::Object(all))
}

fn put(all: &mut Map<String, Value>, name: &str, ty: Type, (wire, depth): (Wire<'_>, usize)) -> Option<()> {
    let value = match (ty, wire) {
        (Integer, Wire::Number(number)) => json!(number.cast_signed()),
        (Bool, Wire::Number(number)) => json!(number != 0),
        // Go writes empty texts and times of plain fields; in JSON they are left out.
        (Text | Time, Wire::Bytes([])) => return Some(()),
        (Text, Wire::Bytes(bytes)) => json!(text(bytes)?),
        (Bytes, Wire::Bytes(bytes)) => json!(base64(bytes)),
        (Time, Wire::Bytes(bytes)) => match time(bytes)? {
            Some(time) => json!(time),
            None => return Some(()),
        },
        (Fields, Wire::Bytes(bytes)) => match Reader(bytes).field()? {
            Some((1, Wire::Bytes(raw))) => serde_json::from_slice(raw).ok()?,
            _ => json!({}),
        },
        (Message(kind), Wire::Bytes(bytes)) => message(kind, bytes, depth + 1)?,
        (Texts, Wire::Bytes(bytes)) => return push(all, name, json!(text(bytes)?)),
        (Messages(kind), Wire::Bytes(bytes)) => return push(all, name, message(kind, bytes, depth + 1)?),
        (TextMap | BytesMap, Wire::Bytes(bytes)) => {
            let kind = if matches!(ty, TextMap) {
                "TextEntry"
            } else {
                "BytesEntry"
            };
            let entry = message(kind, bytes, depth + 1)?;
            let key = entry["key"].as_str().unwrap_or_default().to_owned();
            let value = entry["value"].as_str().unwrap_or_default();
            let map = all.entry(name).or_insert_with(|| json!({}));
            map.as_object_mut()?.insert(key, json!(value));
            return Some(());
        }
        _ => return None,
    };
    all.insert(name.to_owned(), value);
    Some(())
}

fn push(all: &mut Map<String, Value>, name: &str, value: Value) -> Option<()> {
    all.entry(name)
        .or_insert_with(|| json!([]))
        .as_array_mut()?
        .push(value);
    Some(())
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// A Time of seconds and nanoseconds; the inner `None` is the zero time.
fn time(bytes: &[u8]) -> Option<Option<String>> {
    let mut reader = Reader(bytes);
    let mut seconds = 0;
    while let Some((number, wire)) = reader.field()? {
        if let (1, Wire::Number(number)) = (number, wire) {
            seconds = number.cast_signed();
        }
    }
    if seconds <= 0 {
        return Some(None);
    }
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next field. The outer `None` is a mistake, the inner one the end.
    fn field(&mut self) -> Option<Option<(u64, Wire<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.number()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.number()?),
            1 => Wire::Bytes(self.take(8)?),
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Bytes(self.take(4)?),
            _ => return None,
        };
        Some(Some((tag >> 3, wire)))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte, rest @ ..] = self.0 else {
                return None;
            };
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_map_is_read_and_damage_is_refused() {
        let mut body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x11".to_vec();
        body.extend_from_slice(b"\x0a\x05\x0a\x01a\x3a\x00\x12\x08\x0a\x01k\x12\x03v w");
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v w"},
        });
        // Field 7 of the metadata has a wrong type here, which is damage.
        assert_eq!(decode(&body), None);
        let position = body.len() - 12;
        body[position] = 0x12;
        assert_eq!(decode(&body), Some(expected));
        for length in 0..body.len() {
            let _ = decode(&body[..length]);
        }
    }
}
