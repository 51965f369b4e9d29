//! `TypeRef`: one view of a field's type, whether it comes from the built-in table or from a CRD.
//!
//! ```text
//! types.txt ──► Table ─┐
//!                      ├──► Arena ──► TypeRef (walked by apply, patch, pruning, decoding)
//! CRD schema ─► crd ───┘
//! ```
//!
//! A `TypeRef` is two indices and a borrow, so it is passed by value. References between types are resolved
//! when they are followed, which is what lets `JSONSchemaProps` contain itself; walkers bound their depth by the
//! object they walk, never by the type. Nothing here checks a value: see `walk`.

use std::borrow::Cow;

use serde_json::Value;

use super::Table;

/// What a value of a type may be, as far as merging and pruning care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    Scalar(Scalar),
    /// An object with declared fields. `granular: false` means that it is owned and replaced as a whole.
    Struct {
        granular: bool,
    },
    /// An object with any keys and values of one type.
    Map {
        granular: bool,
    },
    List(ListKind<'a>),
    /// Anything: the structure is deduced from the value (objects merge by key, lists are atomic).
    Untyped,
}

/// How the elements of a list are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind<'a> {
    Atomic,
    Set,
    /// The fields of an element which together name it. A key field left out of an element has its
    /// [`TypeRef::default`], or is absent from the name.
    Map(&'a [Cow<'static, str>]),
}

/// The JSON scalars, and the two kinds of value that Kubernetes writes as either string or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    String,
    Integer,
    Number,
    Boolean,
    IntOrString,
    Quantity,
}

/// A type at the place where it is used: patch strategy, default and list type belong to the place.
#[derive(Debug, Clone, Copy)]
pub struct TypeRef<'a> {
    arena: &'a Arena,
    /// The place of use: carries the attributes.
    site: u32,
    /// What the place's references lead to: carries the shape.
    body: u32,
}

/// A declared field of a struct.
#[derive(Debug, Clone, Copy)]
pub struct FieldRef<'a> {
    pub name: &'a str,
    pub required: bool,
    pub ty: TypeRef<'a>,
}

/// All nodes of one source of types. Written once, then only read.
#[derive(Debug, Default)]
pub struct Arena {
    pub(super) nodes: Vec<Node>,
}

/// One schema: a shape and the attributes of the place where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// The definition's full name; empty for nodes inside of one and for those of CRDs.
    pub(super) name: &'static str,
    /// `int32`, `date-time`, `byte`, …; empty if none.
    pub(super) format: Cow<'static, str>,
    pub(super) attributes: Option<Box<Attributes>>,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar(Scalar),
    /// Sorted by name. `open` structs keep fields that they don't declare.
    Struct {
        fields: Vec<Field>,
        open: bool,
    },
    Map {
        element: u32,
    },
    List {
        element: u32,
        list: ListType,
    },
    /// Another node of this arena.
    Ref(u32),
    /// A named type of the built-in table: how a CRD's `metadata` is an `ObjectMeta`.
    Builtin(&'static str),
    Untyped,
}

/// A list type as written: unannotated lists are atomic, but their OpenAPI does not say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListType {
    Unannotated,
    Atomic,
    Set,
    Map(Vec<Cow<'static, str>>),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Cow<'static, str>,
    pub(super) required: bool,
    pub(super) node: u32,
    /// The line of the built-in table, which is also the number of its description; 0 for CRDs.
    pub(super) line: u32,
}

/// What few places have; boxed to keep nodes small.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// `x-kubernetes-map-type`: `Some(true)` is atomic, `Some(false)` granular.
    pub(super) atomic_map: Option<bool>,
    pub(super) patch_strategy: Cow<'static, str>,
    pub(super) patch_merge_key: Cow<'static, str>,
    pub(super) default: Option<Value>,
    pub(super) enumeration: Vec<Cow<'static, str>>,
    pub(super) nullable: bool,
    pub(super) embedded_resource: bool,
}

impl<'a> TypeRef<'a> {
    /// The longest chain of references to references. Both sources write chains of one; a longer one is a
    /// mistake, and a cycle of bare references must not hang.
    const MAX_REFERENCES: usize = 8;

    pub(super) fn new(arena: &'a Arena, site: u32) -> Self {
        let mut this = Self {
            arena,
            site,
            body: site,
        };
        for _ in 0..Self::MAX_REFERENCES {
            match arena.nodes.get(this.body as usize) {
                Some(Node {
                    shape: Shape::Ref(next),
                    ..
                }) => this.body = *next,
                _ => break,
            }
        }
        this
    }

    /// Tells what a value of this type may be.
    #[must_use]
    pub fn kind(self) -> Kind<'a> {
        let granular = !self.atomic_map();
        match self.shape() {
            Shape::Scalar(scalar) => Kind::Scalar(*scalar),
            Shape::Struct { .. } => Kind::Struct { granular },
            Shape::Map { .. } => Kind::Map { granular },
            Shape::List { list, .. } => Kind::List(match list {
                ListType::Unannotated | ListType::Atomic => ListKind::Atomic,
                ListType::Set => ListKind::Set,
                ListType::Map(keys) => ListKind::Map(keys),
            }),
            Shape::Untyped | Shape::Ref(_) | Shape::Builtin(_) => Kind::Untyped,
        }
    }

    /// The type of a struct's declared field, of a map's value, or of anything inside an untyped value.
    ///
    /// `None` means that the field is unknown here: pruning drops it, server-side apply refuses it.
    #[must_use]
    pub fn field(self, name: &str) -> Option<TypeRef<'a>> {
        match self.shape() {
            Shape::Struct { fields, open } => {
                match fields.binary_search_by(|field| (*field.name).cmp(name)) {
                    Ok(at) => Some(self.at(fields[at].node)),
                    Err(_) => open.then(TypeRef::untyped),
                }
            }
            Shape::Map { element } => Some(self.at(*element)),
            Shape::Untyped => Some(TypeRef::untyped()),
            _ => None,
        }
    }

    /// The type of a list's elements or of a map's values; untyped for untyped values.
    #[must_use]
    pub fn element(self) -> Option<TypeRef<'a>> {
        match self.shape() {
            Shape::List { element, .. } | Shape::Map { element } => Some(self.at(*element)),
            Shape::Untyped => Some(TypeRef::untyped()),
            _ => None,
        }
    }

    /// The declared fields in the order of their names; nothing for other kinds.
    pub fn fields(self) -> impl Iterator<Item = FieldRef<'a>> {
        let fields: &'a [Field] = match self.shape() {
            Shape::Struct { fields, .. } => fields,
            _ => &[],
        };
        fields.iter().map(move |field| FieldRef {
            name: &field.name,
            required: field.required,
            ty: self.at(field.node),
        })
    }

    /// True for a struct that keeps fields which it does not declare (`x-kubernetes-preserve-unknown-fields`).
    #[must_use]
    pub fn keeps_unknown_fields(self) -> bool {
        matches!(self.shape(), Shape::Struct { open: true, .. } | Shape::Untyped)
    }

    /// `x-kubernetes-patch-strategy` as written: `merge`, `replace`, `retainKeys`, `merge,retainKeys` or empty.
    #[must_use]
    pub fn patch_strategy(self) -> &'a str {
        self.attribute(|a| (!a.patch_strategy.is_empty()).then_some(&*a.patch_strategy))
            .unwrap_or_default()
    }

    /// `x-kubernetes-patch-merge-key`, of lists whose strategy is `merge`.
    #[must_use]
    pub fn patch_merge_key(self) -> Option<&'a str> {
        self.attribute(|a| (!a.patch_merge_key.is_empty()).then_some(&*a.patch_merge_key))
    }

    /// The schema's default. Built-in kinds have only the few that stand in their OpenAPI (a port's protocol);
    /// the rest of their defaulting is code.
    #[must_use]
    pub fn default(self) -> Option<&'a Value> {
        self.attribute(|a| a.default.as_ref())
    }

    /// The OpenAPI format (`int32`, `int64`, `double`, `byte`, `date-time`, …) or empty.
    #[must_use]
    pub fn format(self) -> &'a str {
        let of = |at: u32| self.arena.nodes.get(at as usize).map_or("", |node| &*node.format);
        match of(self.site) {
            "" => of(self.body),
            own => own,
        }
    }

    /// The full name of the definition that this is (`io.k8s.api.core.v1.PodSpec`), or empty.
    #[must_use]
    pub fn definition_name(self) -> &'a str {
        self.arena
            .nodes
            .get(self.body as usize)
            .map_or("", |node| node.name)
    }

    /// The values of an enumeration, as far as known; empty for everything else.
    #[must_use]
    pub fn enumeration(self) -> &'a [Cow<'static, str>] {
        self.attribute(|a| (!a.enumeration.is_empty()).then_some(&*a.enumeration))
            .unwrap_or_default()
    }

    /// True where `null` is a value of its own (CRDs only); elsewhere `null` means absent.
    #[must_use]
    pub fn nullable(self) -> bool {
        self.attribute(|a| a.nullable.then_some(())).is_some()
    }

    /// True for an object with its own apiVersion, kind and metadata (CRDs only).
    #[must_use]
    pub fn embedded_resource(self) -> bool {
        self.attribute(|a| a.embedded_resource.then_some(())).is_some()
    }

    /// A type that accepts anything.
    #[must_use]
    pub fn untyped() -> TypeRef<'a> {
        static UNTYPED: Arena = Arena { nodes: Vec::new() };
        // An index outside of the arena: `shape` answers `Untyped` for it.
        TypeRef {
            arena: &UNTYPED,
            site: 0,
            body: 0,
        }
    }

    fn at(self, node: u32) -> TypeRef<'a> {
        let direct = TypeRef::new(self.arena, node);
        match direct.shape() {
            Shape::Builtin(name) => Table::get().definition(name).unwrap_or_else(TypeRef::untyped),
            _ => direct,
        }
    }

    fn shape(self) -> &'a Shape {
        self.arena
            .nodes
            .get(self.body as usize)
            .map_or(&Shape::Untyped, |node| &node.shape)
    }

    fn atomic_map(self) -> bool {
        self.attribute(|a| a.atomic_map).unwrap_or(false)
    }

    /// Reads an attribute of the place, or else of the type that it refers to.
    fn attribute<T>(self, read: impl Fn(&'a Attributes) -> Option<T>) -> Option<T> {
        let of = |at: u32| {
            self.arena
                .nodes
                .get(at as usize)?
                .attributes
                .as_deref()
                .and_then(&read)
        };
        of(self.site).or_else(|| {
            if self.body == self.site {
                None
            } else {
                of(self.body)
            }
        })
    }
}

impl Node {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            name: "",
            format: Cow::Borrowed(""),
            attributes: None,
        }
    }
}

impl Attributes {
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            atomic_map,
            patch_strategy,
            patch_merge_key,
            default,
            enumeration,
            nullable,
            embedded_resource,
        } = self;
        let texts = patch_strategy.is_empty() && patch_merge_key.is_empty() && enumeration.is_empty();
        texts && atomic_map.is_none() && default.is_none() && !nullable && !embedded_resource
    }
}

impl Arena {
    pub(super) fn push(&mut self, node: Node) -> u32 {
        // Both sources are bounded far below 2^32 nodes (types.txt is checked in, a CRD is at most 3 MiB).
        let at = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(node);
        at
    }
}
