//! Pods from the template of their owner, and names for them.
//!
//! The names that the server would generate are generated here, so that the event of a creation can say them; the
//! object still carries its `generateName`. What is drawn depends on the owner and the time alone: no randomness.

use jiff::Timestamp;
use objects::{Key, Kind, World, meta};
use serde_json::{Value, json};

use crate::template_hash::SAFE;

/// The random part of a generated name, and how much of its prefix is kept so that both fit into 63 letters.
const SUFFIX: usize = 5;
const LONGEST_PREFIX: usize = 63 - SUFFIX;

/// How often another name is drawn when one is taken: of 14 million, even ten in a row would be a wonder.
const MAX_DRAWS: usize = 10;

/// Draws names that no pod of a namespace has.
#[derive(Debug)]
pub struct Names<'a> {
    world: &'a World,
    namespace: &'a str,
    prefix: String,
    state: u64,
}

impl<'a> Names<'a> {
    /// Names for the pods of `owner`, which begin with its name.
    #[must_use]
    pub fn of(world: &'a World, owner: &'a Value, now: Timestamp) -> Self {
        let seed = [
            meta::uid(owner),
            meta::resource_version(owner),
            &now.as_nanosecond().to_string(),
        ];
        let bytes = seed.iter().flat_map(|part| part.bytes());
        // FNV-1a, to 64 bits.
        let state = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            world,
            namespace: meta::namespace(owner),
            prefix: format!("{}-", meta::name(owner)),
            state,
        }
    }

    /// `metadata.generateName` of the pods.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// From here on, names begin otherwise: for owners whose pods' names say more.
    pub fn begin_with(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    /// The next free name.
    pub fn draw(&mut self) -> String {
        let mut name = self.candidate();
        for _ in 1..MAX_DRAWS {
            if self.world.find(&Kind::POD, self.namespace, &name).is_none() {
                break;
            }
            name = self.candidate();
        }
        name
    }

    fn candidate(&mut self) -> String {
        // splitmix64: neighbouring states give numbers that have nothing to do with each other.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let mut name: String = self.prefix.chars().take(LONGEST_PREFIX).collect();
        for _ in 0..SUFFIX {
            let letter = SAFE[usize::try_from(mixed % SAFE.len() as u64).unwrap_or_default()];
            name.push(char::from(letter));
            mixed /= SAFE.len() as u64;
        }
        name
    }
}

/// A pod as its owner's template says, controlled by the owner, without a name yet.
#[must_use]
pub fn pod(template: &Value, owner: &Value, api_version: &str, kind: &Kind) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": meta::namespace(owner),
            "ownerReferences": [meta::controller_reference(owner, api_version, kind)],
        },
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.get("metadata").and_then(|metadata| metadata.get(field)) {
            pod["metadata"][field] = value.clone();
        }
    }
    pod
}

/// [`pod`] under a generated name, and its key.
pub fn named(mut pod: Value, names: &mut Names<'_>) -> (Key, Value) {
    pod["metadata"]["generateName"] = json!(names.prefix());
    pod["metadata"]["name"] = json!(names.draw());
    (Key::of(Kind::POD, &pod), pod)
}

/// Whether two pod templates ask for the same pods, whatever they say under one label.
#[must_use]
pub fn same(one: &Value, other: &Value, ignored_label: &str) -> bool {
    // A template has its labels where an object has them.
    let labels = |template: &Value| {
        let mut labels = objects::labels::labels(template);
        labels.remove(ignored_label);
        labels
    };
    let same = |field| match (one.pointer(field), other.pointer(field)) {
        (Some(one), Some(other)) => one == other,
        (one, other) => one.or(other).is_none_or(is_empty),
    };
    same("/spec")
        && labels(one) == labels(other)
        && same("/metadata/annotations")
        && same("/metadata/finalizers")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Value {
        json!({"metadata": {"name": "web-1", "namespace": "n", "uid": "u", "resourceVersion": "3"}})
    }

    #[test]
    fn names_depend_on_the_owner_and_the_time_alone_and_are_free() {
        let mut world = World::default();
        let owner = owner();
        let first = Names::of(&world, &owner, Timestamp::UNIX_EPOCH).draw();
        assert_eq!(first, Names::of(&world, &owner, Timestamp::UNIX_EPOCH).draw());
        assert!(first.starts_with("web-1-") && first.len() == "web-1-".len() + SUFFIX);
        world.put(&Key::new(Kind::POD, "n", &first), json!({}));
        assert_ne!(first, Names::of(&world, &owner, Timestamp::UNIX_EPOCH).draw());
    }

    #[test]
    fn a_long_owner_leaves_room_for_the_suffix() {
        let world = World::default();
        let owner = json!({"metadata": {"name": "a".repeat(80), "uid": "u"}});
        assert_eq!(Names::of(&world, &owner, Timestamp::UNIX_EPOCH).draw().len(), 63);
    }

    #[test]
    fn templates_are_compared_without_the_hash() {
        let plain = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"x": 1}});
        let hashed =
            json!({"metadata": {"labels": {"a": "1", "h": "2"}, "annotations": {}}, "spec": {"x": 1}});
        let other = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"x": 2}});
        assert!(same(&plain, &hashed, "h"));
        assert!(!same(&plain, &hashed, "k"));
        assert!(!same(&plain, &other, "h"));
    }
}
