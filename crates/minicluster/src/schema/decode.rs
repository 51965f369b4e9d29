//! Reads `types.txt`, the checked-in table of types.
//!
//! ```text
//! versions 33 34 35
//! type io.k8s.api.core.v1.ServicePort             a struct; its fields follow
//!  protocol string default="TCP" enum=SCTP,TCP    a field: name, type, attributes
//! type io.k8s.apimachinery.pkg.apis.meta.v1.Time =string:date-time
//! ```
//!
//! A type is `string`, `integer`, `number`, `boolean` (each with `:format`), `int-or-string`, `quantity`, `any`,
//! `&NAME`, `[TYPE]` or `{TYPE}` (a map). Attributes: `!` required, `list=`, `keys=`, `map=`, `patch=`, `merge=`,
//! `default=` (JSON), `enum=` (`+` for a space), `kind=GROUP/VERSION/KIND`, `unions=` (JSON), `in=FIRST-LAST` (minor versions).
//! Names stay slices of the file. The descriptions are elsewhere: see `openapi`.

use std::borrow::Cow;
use std::collections::HashMap;

use thiserror::Error;

use super::types::{Arena, Attributes, Field, ListType, Node, Scalar, Shape};

/// The deepest nesting of brackets in a type. The deepest there is: a map of lists of references.
const DEPTH_MAX: usize = 8;

/// All that the file says of one minor version.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) arena: Arena,
    /// Sorted by name, as in the file.
    pub(super) definitions: Vec<Definition>,
}

#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) node: u32,
    /// `GROUP/VERSION/KIND`; stars for a kind of every group and version; empty for none.
    pub(super) kind: &'static str,
    /// JSON, or empty.
    pub(super) unions: &'static str,
    pub(super) line: u32,
}

/// A mistake in the checked-in table.
#[derive(Debug, Error)]
#[error("types.txt line {line}: {what}")]
pub(super) struct Error {
    line: u32,
    what: String,
}

struct Decoder {
    minor: u32,
    names: HashMap<&'static str, u32>,
    decoded: Decoded,
}

/// Lines before the first definition: the comment and the versions. Descriptions are numbered without them.
pub(super) const HEADER_LINES: u32 = 2;

/// Decodes the types as they are in Kubernetes 1.`minor`.
pub(super) fn decode(text: &'static str, minor: u32) -> Result<Decoded, Error> {
    let mut decoder = Decoder {
        minor,
        names: HashMap::new(),
        decoded: Decoded::default(),
    };
    let names = text.lines().filter_map(|line| line.strip_prefix("type "));
    for name in names.filter_map(|line| line.split(' ').next()) {
        let node = decoder.decoded.arena.push(Node::new(Shape::Untyped));
        decoder.names.insert(name, node);
    }
    for (number, line) in (0_u32..).zip(text.lines()).skip(HEADER_LINES as usize) {
        let read = match line.strip_prefix("type ") {
            Some(definition) => decoder.definition(definition, number),
            None => decoder.field(line.trim_start(), number),
        };
        read.map_err(|what| Error {
            line: number + 1,
            what,
        })?;
    }
    Ok(decoder.decoded)
}

/// The attributes of a line, before it is known what they belong to.
#[derive(Default)]
struct Line {
    required: bool,
    absent: bool,
    list: &'static str,
    keys: &'static str,
    kind: &'static str,
    unions: &'static str,
    attributes: Attributes,
}

impl Decoder {
    fn definition(&mut self, text: &'static str, number: u32) -> Result<(), String> {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let node = *self.names.get(name).ok_or("an unnamed definition")?;
        let mut words = words.peekable();
        let shape = match words.next_if(|word| word.starts_with('=')) {
            Some(alias) => self.shape(&alias[1..], 0)?,
            None => (
                Shape::Struct {
                    fields: Vec::new(),
                    open: false,
                },
                "",
            ),
        };
        let mut line = self.line(words)?;
        self.place(node, shape, &mut line);
        self.decoded.arena.nodes[node as usize].name = name;
        if !line.absent {
            let definition = Definition {
                name,
                node,
                kind: line.kind,
                unions: line.unions,
                line: number,
            };
            self.decoded.definitions.push(definition);
        }
        Ok(())
    }

    fn field(&mut self, text: &'static str, number: u32) -> Result<(), String> {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let shape = self.shape(words.next().unwrap_or_default(), 0)?;
        let mut line = self.line(words)?;
        if line.absent {
            return Ok(());
        }
        let node = self.decoded.arena.push(Node::new(Shape::Untyped));
        self.place(node, shape, &mut line);
        // A definition that this version lacks has only fields that it lacks too, so the owner is the last one.
        let owner = self
            .decoded
            .definitions
            .last()
            .map_or(0, |definition| definition.node);
        match &mut self.decoded.arena.nodes[owner as usize].shape {
            Shape::Struct { fields, .. } => {
                fields.push(Field {
                    name: Cow::Borrowed(name),
                    required: line.required,
                    node,
                    line: number,
                });
                Ok(())
            }
            _ => Err(format!("{name} is a field of no struct")),
        }
    }

    fn line(&self, words: impl Iterator<Item = &'static str>) -> Result<Line, String> {
        let mut line = Line::default();
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let attributes = &mut line.attributes;
            match name {
                "!" => line.required = true,
                "list" => line.list = value,
                "keys" => line.keys = value,
                "kind" => line.kind = value,
                "unions" => line.unions = value,
                "map" => attributes.atomic_map = Some(value == "atomic"),
                "patch" => attributes.patch_strategy = Cow::Borrowed(value),
                "merge" => attributes.patch_merge_key = Cow::Borrowed(value),
                "enum" => attributes.enumeration = value.split(',').map(enum_value).collect(),
                "default" => {
                    attributes.default = Some(serde_json::from_str(value).map_err(|e| e.to_string())?);
                }
                "in" => line.absent = !self.exists(value)?,
                _ => return Err(format!("unknown attribute {name}")),
            }
        }
        Ok(line)
    }

    fn exists(&self, range: &str) -> Result<bool, String> {
        let bounds = range
            .split_once('-')
            .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let (first, last): (u32, u32) = bounds.ok_or_else(|| format!("{range} is no range of versions"))?;
        Ok((first..=last).contains(&self.minor))
    }

    /// Parses a type. References are checked here, so that following them later can't fail.
    fn shape(&mut self, text: &'static str, depth: usize) -> Result<(Shape, &'static str), String> {
        if depth > DEPTH_MAX {
            return Err("a type is nested too deep".to_owned());
        }
        let inside = |open, close| text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        if let Some(name) = text.strip_prefix('&') {
            let node = self
                .names
                .get(name)
                .ok_or_else(|| format!("{name} is not defined"))?;
            return Ok((Shape::Ref(*node), ""));
        }
        if let Some(text) = inside('[', ']') {
            let element = self.element(text, depth)?;
            return Ok((
                Shape::List {
                    element,
                    list: ListType::Unannotated,
                },
                "",
            ));
        }
        if let Some(text) = inside('{', '}') {
            return Ok((
                Shape::Map {
                    element: self.element(text, depth)?,
                },
                "",
            ));
        }
        let (name, format) = text.split_once(':').unwrap_or((text, ""));
        let scalar = match name {
            "any" => return Ok((Shape::Untyped, "")),
            "string" => Scalar::String,
            "integer" => Scalar::Integer,
            "number" => Scalar::Number,
            "boolean" => Scalar::Boolean,
            "int-or-string" => Scalar::IntOrString,
            "quantity" => Scalar::Quantity,
            _ => return Err(format!("unknown type {name}")),
        };
        Ok((Shape::Scalar(scalar), format))
    }

    fn element(&mut self, text: &'static str, depth: usize) -> Result<u32, String> {
        let (shape, format) = self.shape(text, depth + 1)?;
        let mut node = Node::new(shape);
        node.format = Cow::Borrowed(format);
        Ok(self.decoded.arena.push(node))
    }

    fn place(&mut self, node: u32, (mut shape, format): (Shape, &'static str), line: &mut Line) {
        let mut attributes = std::mem::take(&mut line.attributes);
        let nodes = &mut self.decoded.arena.nodes;
        if let Shape::List { list, element } = &mut shape {
            *list = match line.list {
                "atomic" => ListType::Atomic,
                "set" => ListType::Set,
                "map" => ListType::Map(line.keys.split(',').map(Cow::Borrowed).collect()),
                _ => ListType::Unannotated,
            };
            // The values of an enumeration are those of the elements.
            if !attributes.enumeration.is_empty() {
                let enumeration = std::mem::take(&mut attributes.enumeration);
                let of_element = Attributes {
                    enumeration,
                    ..Attributes::default()
                };
                nodes[*element as usize].attributes = Some(Box::new(of_element));
            }
        }
        let target = &mut nodes[node as usize];
        target.shape = shape;
        target.format = Cow::Borrowed(format);
        target.attributes = (!attributes.is_empty()).then(|| Box::new(attributes));
    }
}

fn enum_value(text: &'static str) -> Cow<'static, str> {
    if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_in_the_table_are_named() {
        let check = |text: &'static str, expected: &str| {
            let error = decode(text, 35).expect_err(text).to_string();
            assert_eq!(error, expected);
        };
        check(
            "#\nversions 35\ntype a\n b &c",
            "types.txt line 4: c is not defined",
        );
        check(
            "#\nversions 35\ntype a\n b strin",
            "types.txt line 4: unknown type strin",
        );
        check(
            "#\nversions 35\ntype a\n b string what=1",
            "types.txt line 4: unknown attribute what",
        );
        check(
            "#\nversions 35\ntype a =string\n b string",
            "types.txt line 4: b is a field of no struct",
        );
    }
}
