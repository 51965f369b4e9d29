//! One change or one object as bytes on the disk.
//!
//! ```text
//! put:    1 revision resource path uid labels fields gap json      (json without its version)
//! delete: 2 revision resource path
//! ```
//!
//! Numbers are little endian; texts, lists and json have a 32-bit length before them. Checksums are the frame's
//! work; here every length is checked all the same, so that no bytes whatsoever can make the reader panic or
//! reserve more memory than it was given.

use std::str;
use std::sync::Arc;

use super::event::{Action, Change, Event, EventKind, Expected};
use super::key::{Key, Resource};
use super::object::{Draft, Object, Pairs, Traits};

const PUT: u8 = 1;
const DELETE: u8 = 2;

/// What was read: a change that happened at a revision.
#[derive(Debug)]
pub(super) enum Record {
    Put { revision: u64, key: Key, draft: Draft },
    Delete { revision: u64, key: Key },
}

impl Record {
    pub(super) fn revision(&self) -> u64 {
        match self {
            Self::Put { revision, .. } | Self::Delete { revision, .. } => *revision,
        }
    }

    pub(super) fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    /// The change to make again, given whether the object is there.
    pub(super) fn into_change(self, exists: bool) -> Change {
        match self {
            Self::Put { key, draft, .. } if exists => Change {
                key,
                action: Action::Update(Expected::Any, draft),
            },
            Self::Put { key, draft, .. } => Change {
                key,
                action: Action::Create(draft),
            },
            Self::Delete { key, .. } => Change {
                key,
                action: Action::Delete(Expected::Any),
            },
        }
    }
}

/// Appends what an event did.
pub(super) fn encode_event(event: &Event, out: &mut Vec<u8>) {
    if event.kind == EventKind::Deleted {
        encode_head(DELETE, &event.object, out);
    } else {
        encode_object(&event.object, out);
    }
}

/// Appends an object.
pub(super) fn encode_object(object: &Object, out: &mut Vec<u8>) {
    encode_head(PUT, object, out);
    let Traits { uid, labels, fields } = object.traits();
    put_bytes(out, uid.as_bytes());
    for pairs in [labels, fields] {
        put_length(out, pairs.len());
        for (name, value) in pairs {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }
    let (head, tail) = object.around_gap();
    put_length(out, head.len());
    put_length(out, head.len() + tail.len());
    out.extend_from_slice(head);
    out.extend_from_slice(tail);
}

fn encode_head(kind: u8, object: &Object, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&object.revision().to_le_bytes());
    put_bytes(out, object.key().resource().as_str().as_bytes());
    put_bytes(out, object.key().path().as_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("an object is bounded far below 4 GiB when it is admitted");
    out.extend_from_slice(&length.to_le_bytes());
}

/// Reads the next record and moves `input` behind it; `None` if these are not the bytes of a record.
pub(super) fn decode(input: &mut &[u8]) -> Option<Record> {
    let kind = *take(input, 1)?.first()?;
    let revision = u64::from_le_bytes(take(input, 8)?.try_into().ok()?);
    let resource = Resource::from_stored(take_text(input)?).ok()?;
    let key = Key::from_stored(&resource, take_text(input)?).ok()?;
    match kind {
        PUT => Some(Record::Put {
            revision,
            key,
            draft: decode_draft(input)?,
        }),
        DELETE => Some(Record::Delete { revision, key }),
        _ => None,
    }
}

fn decode_draft(input: &mut &[u8]) -> Option<Draft> {
    let uid = Box::from(take_text(input)?);
    let labels = take_pairs(input)?;
    let fields = take_pairs(input)?;
    let gap = u32::from_le_bytes(take(input, 4)?.try_into().ok()?);
    let json = take_bytes(input)?.to_vec();
    let traits = Arc::new(Traits { uid, labels, fields });
    (gap as usize <= json.len()).then_some(Draft { json, gap, traits })
}

fn take_pairs(input: &mut &[u8]) -> Option<Pairs> {
    let count = take_length(input)?;
    // Each pair takes at least its two lengths: a false count can't reserve more than the input is long.
    if count > input.len() / 8 {
        return None;
    }
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((Box::from(take_text(input)?), Box::from(take_text(input)?)));
    }
    Some(pairs.into_boxed_slice())
}

fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    str::from_utf8(take_bytes(input)?).ok()
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(input)?;
    take(input, length)
}

fn take_length(input: &mut &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(take(input, 4)?.try_into().ok()?);
    usize::try_from(length).ok()
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Vec<u8> {
        let resource = Resource::new("apps", "deployments").unwrap();
        let key = Key::new(&resource, Some("shop"), "web").unwrap();
        let fields: Pairs = Box::from([(Box::from("status.phase"), Box::from("Running"))]);
        let value = json!({"metadata": {"uid": "u", "labels": {"a": "b"}}, "spec": {"é": 1}});
        let object = Draft::new(&value, fields).unwrap().into_object(key, 12);
        let mut bytes = Vec::new();
        encode_object(&object, &mut bytes);
        bytes
    }

    #[test]
    fn an_object_comes_back_as_it_was() {
        let bytes = sample();
        let mut input = bytes.as_slice();
        let Some(Record::Put { revision, key, draft }) = decode(&mut input) else {
            panic!("no record")
        };
        assert!(input.is_empty());
        let object = draft.into_object(key, revision);
        let mut again = Vec::new();
        encode_object(&object, &mut again);
        assert_eq!(again, bytes);
        assert_eq!(object.value().unwrap()["metadata"]["resourceVersion"], "12");
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let bytes = sample();
        for cut in 0..bytes.len() {
            assert!(decode(&mut &bytes[..cut]).is_none(), "{cut}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                let _ = decode(&mut bad.as_slice());
            }
        }
    }
}
