//! Conflicts: fields that an applier wants to change and somebody else owns.

use std::collections::BTreeMap;
use std::fmt;

use super::fieldpath::{self, PathElement};
use super::fieldset::FieldSet;
use super::managed::{Operation, Owner};

/// All conflicts of an apply, by owner and field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conflicts {
    found: BTreeMap<Owner, FieldSet>,
}

/// One field of one owner: a cause of the answer's Status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// `.spec.replicas`
    pub field: String,
    /// `conflict with "kubectl-edit" using v1`
    pub message: String,
}

/// The reason of every cause.
pub const CAUSE: &str = "FieldManagerConflict";

impl Conflicts {
    pub(super) fn add(&mut self, owner: &Owner, fields: FieldSet) {
        if !fields.is_empty() {
            self.found.insert(owner.clone(), fields);
        }
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = (&Owner, &FieldSet)> {
        self.found.iter()
    }

    /// What is left without the conflicts about the given fields.
    pub(super) fn without(&self, allowed: &FieldSet) -> Self {
        let mut left = Conflicts::default();
        for (owner, fields) in &self.found {
            left.add(owner, fields.difference(allowed));
        }
        left
    }

    /// The causes, by owner and then by field.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        self.each(|owner, path| Cause {
            field: fieldpath::print(path),
            message: format!("conflict with {}", Named(owner)),
        })
    }

    fn each<T>(&self, make: impl Fn(&Owner, &[PathElement]) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for (owner, fields) in &self.found {
            all.extend(fields.paths().iter().map(|path| make(owner, path)));
        }
        all
    }
}

/// The message of the answer's Status.
impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.each(|owner, path| (owner.clone(), fieldpath::print(path)));
        if let [(owner, field)] = all.as_slice() {
            let owner = Named(owner);
            return write!(f, "Apply failed with 1 conflict: conflict with {owner}: {field}");
        }
        write!(f, "Apply failed with {} conflicts: ", all.len())?;
        for (at, (owner, fields)) in self.found.iter().enumerate() {
            let newline = if at == 0 { "" } else { "\n" };
            write!(f, "{newline}conflicts with {}:", Named(owner))?;
            for path in fields.paths() {
                write!(f, "\n- {}", fieldpath::print(&path))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Conflicts {}

struct Named<'a>(&'a Owner);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.0;
        write!(f, "{:?}", owner.manager)?;
        if !owner.subresource.is_empty() {
            write!(f, " with subresource {:?}", owner.subresource)?;
        }
        if owner.operation == Operation::Update {
            write!(f, " using {}", owner.api_version)?;
        }
        Ok(())
    }
}
