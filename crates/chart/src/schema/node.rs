//! A compiled schema: nodes that refer to each other by number.

use yaml::Value;

use super::format::Format;
use super::meta::Draft;
use crate::regex::Regex;

/// A schema ready to check values with.
#[derive(Debug)]
pub struct Schema {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// An index into [`Schema::nodes`].
pub(super) type NodeId = usize;

/// One schema, keyword by keyword. Absent keywords cost nothing but their `None`.
#[derive(Debug)]
pub(super) struct Node {
    /// URL, `#` and pointer, for messages.
    pub(super) location: String,
    pub(super) draft: Draft,
    /// The schema with an id that this one lies in.
    pub(super) resource: NodeId,
    /// A schema that is `true` or `false`.
    pub(super) always: Option<bool>,
    pub(super) recursive_anchor: bool,
    pub(super) dynamic_anchor: Option<String>,
    /// Of a resource: its dynamic anchors.
    pub(super) dynamic_anchors: Vec<(String, NodeId)>,
    pub(super) types: Types,
    pub(super) constant: Option<Value>,
    pub(super) enumeration: Option<Vec<Value>>,
    pub(super) format: Option<Format>,
    pub(super) reference: Option<NodeId>,
    pub(super) recursive_reference: Option<NodeId>,
    pub(super) dynamic_reference: Option<(NodeId, Option<String>)>,
    pub(super) object: ObjectRules,
    pub(super) array: ArrayRules,
    pub(super) string: StringRules,
    pub(super) number: NumberRules,
    pub(super) not: Option<NodeId>,
    pub(super) all_of: Vec<NodeId>,
    pub(super) any_of: Vec<NodeId>,
    pub(super) one_of: Vec<NodeId>,
    pub(super) condition: Option<Condition>,
    pub(super) unevaluated_properties: Option<NodeId>,
    pub(super) unevaluated_items: Option<NodeId>,
}

/// `if`, `then`, `else`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) when: NodeId,
    pub(super) then: Option<NodeId>,
    pub(super) otherwise: Option<NodeId>,
}

/// Allowed types, a bit each; none set allows all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(pub(super) u8);

/// What a value may be instead of a schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Additional {
    Flag(bool),
    Schema(NodeId),
}

/// A `dependencies` entry.
#[derive(Clone, Debug)]
pub(super) enum Depends {
    On(Vec<String>),
    Schema(NodeId),
}

#[derive(Debug, Default)]
pub(super) struct ObjectRules {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    pub(super) required: Vec<String>,
    pub(super) properties: std::collections::HashMap<String, NodeId>,
    pub(super) patterns: Vec<(Regex, NodeId)>,
    pub(super) additional: Option<Additional>,
    pub(super) dependencies: Vec<(String, Depends)>,
    pub(super) names: Option<NodeId>,
    pub(super) dependent_schemas: Vec<(String, NodeId)>,
    pub(super) dependent_required: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Default)]
pub(super) struct ArrayRules {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    pub(super) unique: bool,
    /// `prefixItems`, or `items` as a list in older drafts.
    pub(super) prefix: Vec<NodeId>,
    /// `items` for every element; since 2020-12 for those after the prefix.
    pub(super) items: Option<NodeId>,
    /// `additionalItems`, where `items` is a list.
    pub(super) additional: Option<Additional>,
    pub(super) contains: Option<NodeId>,
    pub(super) min_contains: Option<usize>,
    pub(super) max_contains: Option<usize>,
}

#[derive(Debug, Default)]
pub(super) struct StringRules {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    pub(super) pattern: Option<(String, Regex)>,
}

#[derive(Debug, Default)]
pub(super) struct NumberRules {
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) multiple_of: Option<f64>,
}

impl Types {
    /// Names by bit, in the order messages list them.
    pub(super) const NAMES: [&str; 7] = [
        "null", "boolean", "number", "integer", "string", "array", "object",
    ];

    pub(super) fn named(name: &str) -> Self {
        Self(
            Self::NAMES
                .iter()
                .position(|known| *known == name)
                .map_or(0, |bit| 1 << bit),
        )
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.0 & Self::named(name).0 != 0
    }

    /// `null or string`
    pub(super) fn list(self) -> String {
        let names: Vec<&str> = Self::NAMES
            .iter()
            .enumerate()
            .filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, n)| *n)
            .collect();
        names.join(" or ")
    }
}

impl ArrayRules {
    /// How many elements this schema evaluates by itself; `None` for all.
    pub(super) fn evaluated(&self) -> Option<usize> {
        if self.items.is_some() || self.additional.is_some() {
            None
        } else {
            Some(self.prefix.len())
        }
    }
}
