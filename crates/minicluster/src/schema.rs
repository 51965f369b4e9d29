//! The schema table: what the API server knows of every kind without knowing it by name.
//!
//! ```text
//! types.txt ───────► decode ──► Table ──► TypeRef ──► walk, prune (unknown fields, wrong types, defaults)
//! resources (ours) ─────────────┤            ▲
//! descriptions.zz ──► openapi ◄─┘           crd (a CustomResourceDefinition's schema) ──► validate
//! ```
//!
//! Types come from a checked-in table that `cargo xtask kube-schema` makes out of published packages; resources,
//! which no package carries, are written by hand. What the table does not know: defaulting and validation that the
//! real server does in code.

pub mod crd;
mod decode;
pub mod discovery;
mod go_types;
pub mod openapi;
pub mod prune;
pub mod resources;
pub mod rules;
pub mod types;
pub mod validate;
mod values;
pub mod walk;

use std::sync::OnceLock;

pub use crd::CustomType;
use decode::Decoded;
pub use openapi::OpenApi;
pub use resources::{Resource, Subresource};
pub use rules::Rules;
pub use types::{FieldRef, Kind, ListKind, Scalar, TypeRef};
pub use validate::Validator;
pub use walk::Walked;

/// The newest Kubernetes minor version of the table.
pub const NEWEST_MINOR: u32 = 35;

/// The minor versions that can be asked for, oldest first.
pub const MINORS: &[u32] = &[33, 34, NEWEST_MINOR];

const TYPES: &str = include_str!("../schema/types.txt");

/// The built-in kinds of one Kubernetes version.
#[derive(Debug)]
pub struct Table {
    minor: u32,
    decoded: Decoded,
    /// Group, version, kind and node, sorted.
    kinds: Vec<(&'static str, &'static str, &'static str, u32)>,
    resources: Vec<Resource>,
}

impl Table {
    /// The table of the newest Kubernetes version known, decoded on first use.
    #[must_use]
    pub fn get() -> &'static Table {
        Self::of(NEWEST_MINOR).expect("the newest version is one of the versions")
    }

    /// The table of Kubernetes 1.`minor`, decoded on first use; `None` for a version that it doesn't hold.
    #[must_use]
    pub fn of(minor: u32) -> Option<&'static Table> {
        static TABLES: [OnceLock<Table>; MINORS.len()] = [const { OnceLock::new() }; MINORS.len()];
        let at = MINORS.iter().position(|known| *known == minor)?;
        Some(TABLES[at].get_or_init(|| Self::decode(minor)))
    }

    fn decode(minor: u32) -> Table {
        let decoded = decode::decode(TYPES, minor).expect("the table is checked in and a test decodes it");
        let kinds = decoded.definitions.iter().filter_map(|definition| {
            let mut parts = definition.kind.splitn(3, '/');
            Some((parts.next()?, parts.next()?, parts.next()?, definition.node))
        });
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_unstable();
        Table {
            minor,
            decoded,
            kinds,
            resources: resources::builtin(minor),
        }
    }

    /// The Kubernetes minor version.
    #[must_use]
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// The type of a full name such as `io.k8s.api.core.v1.Pod`.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<TypeRef<'_>> {
        let definitions = &self.decoded.definitions;
        let at = definitions
            .binary_search_by(|definition| definition.name.cmp(name))
            .ok()?;
        Some(TypeRef::new(&self.decoded.arena, definitions[at].node))
    }

    /// The type of a kind's objects. The kinds of every group (`DeleteOptions`, `WatchEvent`) are found in all.
    #[must_use]
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<TypeRef<'_>> {
        let find = |group: &str, version: &str| {
            let wanted = (group, version, kind);
            self.kinds
                .binary_search_by(|(g, v, k, _)| (*g, *v, *k).cmp(&wanted))
                .ok()
        };
        let at = find(group, version).or_else(|| find("*", "*"))?;
        Some(TypeRef::new(&self.decoded.arena, self.kinds[at].3))
    }

    /// All resources, groups in the order of discovery and the preferred version of a group first.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource of a request's path.
    #[must_use]
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|r| r.group == group && r.version == version && r.plural == plural)
    }

    /// The resource that serves a kind.
    #[must_use]
    pub fn resource_of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|r| r.group == group && r.version == version && r.kind == kind)
    }
}
