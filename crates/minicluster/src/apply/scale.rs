//! Owners across the scale subresource: its one field is a field of the object under another path.
//!
//! A write to `/scale` is tracked on the Scale object with the owners of the replicas field, then the owners of
//! that field are written back.

use std::collections::BTreeSet;

use super::fieldpath::PathElement;
use super::fieldset::FieldSet;
use super::managed::{Entry, Managed, Operation, Owner};

const SCALE_VERSION: &str = "autoscaling/v1";

/// Where an object has its replicas.
#[derive(Debug, Clone, Copy)]
pub struct Replicas<'a> {
    /// Of the object: `apps/v1`.
    pub api_version: &'a str,
    /// The field names on the way: `["spec", "replicas"]`.
    pub path: &'a [&'a str],
}

impl Replicas<'_> {
    fn steps(self) -> Vec<PathElement> {
        self.path.iter().map(|name| PathElement::field(*name)).collect()
    }
}

fn replicas_of_scale() -> FieldSet {
    FieldSet::of_fields(&[&["spec", "replicas"]])
}

/// The owners of the Scale object: those who own the object's replicas.
#[must_use]
pub fn to_scale(object: &Managed, replicas: Replicas<'_>) -> Managed {
    let path = replicas.steps();
    let owners = object
        .entries
        .iter()
        .filter(|(_, entry)| entry.fields.contains(&path));
    Managed {
        entries: owners
            .map(|(owner, entry)| {
                let entry = Entry {
                    fields: replicas_of_scale(),
                    api_version: SCALE_VERSION.to_owned(),
                    time: entry.time.clone(),
                };
                (at_version(owner.clone(), SCALE_VERSION), entry)
            })
            .collect(),
    }
}

/// The owners of the object after its Scale was written.
///
/// The entry of a new owner has no time: the API server, too, forgets it here.
#[must_use]
pub fn from_scale(object: &Managed, scale: Managed, replicas: Replicas<'_>) -> Managed {
    let path = replicas.steps();
    let scaled = replicas_of_scale();
    let replicas_of_object = FieldSet::of_fields(&[replicas.path]);
    let owners: BTreeSet<Owner> = scale
        .entries
        .into_iter()
        .filter(|(_, entry)| !entry.fields.intersection(&scaled).is_empty())
        .map(|(owner, _)| at_version(owner, replicas.api_version))
        .collect();
    let mut merged = object.clone();
    for (owner, entry) in &mut merged.entries {
        if entry.fields.contains(&path) && !owners.contains(owner) {
            entry.fields = entry.fields.difference(&replicas_of_object);
        }
    }
    for owner in owners {
        let entry = merged.entries.entry(owner).or_insert_with(|| Entry {
            fields: FieldSet::new(),
            api_version: replicas.api_version.to_owned(),
            time: None,
        });
        entry.fields.extend(replicas_of_object.clone());
    }
    merged.entries.retain(|_, entry| !entry.fields.is_empty());
    merged
}

/// An updater at another version; appliers have none.
fn at_version(mut owner: Owner, api_version: &str) -> Owner {
    if owner.operation == Operation::Update {
        api_version.clone_into(&mut owner.api_version);
    }
    owner
}
