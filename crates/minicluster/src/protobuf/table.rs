//! Reads `protobuf.txt`, the checked-in table of messages.
//!
//! ```text
//! message io.k8s.api.core.v1.Probe
//!  1 - &io.k8s.api.core.v1.ProbeHandler       a field: number, name in JSON, type, flag
//!  7 terminationGracePeriodSeconds int *
//! ```
//!
//! A name of `-` is a message whose fields stand among those of the one around it. A type is a scalar, one of the
//! messages with a form of their own in JSON, `&NAME`, `[TYPE]` or `{TYPE}` (a map with keys of text). The flag says
//! what a zero on the wire means: `*` itself, `?` nothing, and without one it is printed like any other value.
//! Numbers are never reused between Kubernetes versions, so one table serves all.

use std::collections::HashMap;
use std::sync::OnceLock;

const TEXT: &str = include_str!("../../schema/protobuf.txt");

/// The deepest nesting of brackets in a type: a list of maps. One more is a mistake in the table.
const MAX_NESTING: usize = 3;

#[derive(Debug)]
pub(super) struct Message {
    /// Sorted by number.
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// The name in JSON; empty for a message whose fields stand among its parent's.
    pub(super) name: &'static str,
    pub(super) ty: Type,
    pub(super) zero: Zero,
}

/// What a zero value on the wire means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// A pointer to zero: a choice of the client.
    Meant,
    /// A plain field that JSON leaves out.
    LeftOut,
    /// A plain field that JSON prints.
    Printed,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Integer,
    Double,
    Text,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    /// JSON inside of a message of one field.
    Json,
    /// Texts inside of a message of one field.
    Texts,
    SchemaOrBool,
    SchemaOrList,
    SchemaOrTexts,
    Message(&'static str),
    List(Box<Type>),
    Map(Box<Type>),
}

/// The message of a full name such as `io.k8s.api.core.v1.Pod`.
pub(super) fn message(name: &str) -> Option<&'static Message> {
    messages().get(name)
}

/// All messages, parsed when they are first asked for: a cluster whose clients speak JSON never does.
fn messages() -> &'static HashMap<&'static str, Message> {
    static MESSAGES: OnceLock<HashMap<&'static str, Message>> = OnceLock::new();
    MESSAGES.get_or_init(|| parse(TEXT).expect("the table is checked in and a test parses it"))
}

impl Message {
    pub(super) fn field(&self, number: u64) -> Option<&Field> {
        let at = self
            .fields
            .binary_search_by(|field| u64::from(field.number).cmp(&number));
        at.ok().and_then(|at| self.fields.get(at))
    }
}

fn parse(text: &'static str) -> Result<HashMap<&'static str, Message>, String> {
    let mut messages = HashMap::new();
    let mut current: Option<(&str, Message)> = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("message ") {
            messages.extend(current.take());
            current = Some((name, Message { fields: Vec::new() }));
        } else if let (Some((_, message)), Some(field)) = (&mut current, field(line)) {
            message.fields.push(field);
        } else {
            return Err(format!("protobuf.txt: {line:?} is no line of it"));
        }
    }
    messages.extend(current);
    Ok(messages)
}

fn field(line: &'static str) -> Option<Field> {
    let mut parts = line.trim_start().split(' ');
    let number = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    Some(Field {
        number,
        name: if name == "-" { "" } else { name },
        ty: ty(parts.next()?, 0)?,
        zero: match parts.next() {
            Some("*") => Zero::Meant,
            Some("?") => Zero::LeftOut,
            None => Zero::Printed,
            Some(_) => return None,
        },
    })
}

fn ty(text: &'static str, depth: usize) -> Option<Type> {
    if depth > MAX_NESTING {
        return None;
    }
    if let Some(name) = text.strip_prefix('&') {
        return Some(Type::Message(name));
    }
    if let Some(inner) = text.strip_prefix('[') {
        return Some(Type::List(Box::new(ty(inner.strip_suffix(']')?, depth + 1)?)));
    }
    if let Some(inner) = text.strip_prefix('{') {
        return Some(Type::Map(Box::new(ty(inner.strip_suffix('}')?, depth + 1)?)));
    }
    Some(match text {
        "bool" => Type::Bool,
        "int" => Type::Integer,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "time" => Type::Time,
        "microtime" => Type::MicroTime,
        "quantity" => Type::Quantity,
        "int-or-string" => Type::IntOrString,
        "json" => Type::Json,
        "strings" => Type::Texts,
        "schema-or-bool" => Type::SchemaOrBool,
        "schema-or-list" => Type::SchemaOrList,
        "schema-or-strings" => Type::SchemaOrTexts,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Kind, Table};

    #[test]
    fn every_message_that_a_field_names_is_there() {
        let messages = parse(TEXT).unwrap();
        assert!(messages.len() > 500, "only {} messages", messages.len());
        fn named(ty: &Type) -> Option<&'static str> {
            match ty {
                Type::Message(name) => Some(name),
                Type::List(inner) | Type::Map(inner) => named(inner),
                _ => None,
            }
        }
        for (name, message) in &messages {
            let sorted = message.fields.is_sorted_by(|a, b| a.number < b.number);
            assert!(sorted, "{name} is not sorted");
            for inner in message.fields.iter().filter_map(|field| named(&field.ty)) {
                assert!(messages.contains_key(inner), "{name} speaks of {inner}");
            }
        }
    }

    /// The two tables come from different packages, so that they agree says something of both.
    #[test]
    fn every_field_of_every_stored_kind_has_a_number() {
        let table = Table::get();
        let mut missing = Vec::new();
        for resource in table.resources() {
            let ty = table.kind(&resource.group, &resource.version, &resource.kind);
            let name = ty.unwrap().definition_name();
            let mut todo = vec![name.to_owned()];
            let mut seen = std::collections::BTreeSet::new();
            while let Some(name) = todo.pop() {
                let Some(ty) = table.definition(&name).filter(|_| seen.insert(name.clone())) else {
                    continue;
                };
                let names = numbered(&name);
                for field in ty.fields() {
                    if !names.contains(&field.name) && !matches!(field.name, "kind" | "apiVersion") {
                        missing.push(format!("{name}.{}", field.name));
                    }
                    let mut inner = field.ty;
                    while let (Kind::List(_) | Kind::Map { .. }, Some(element)) =
                        (inner.kind(), inner.element())
                    {
                        inner = element;
                    }
                    if matches!(inner.kind(), Kind::Struct { .. }) {
                        todo.push(inner.definition_name().to_owned());
                    }
                }
            }
        }
        missing.sort();
        missing.dedup();
        assert_eq!(missing, Vec::<String>::new());
    }

    fn numbered(name: &str) -> Vec<&'static str> {
        let fields = message(name).into_iter().flat_map(|message| &message.fields);
        let names = fields.flat_map(|field| match (&field.ty, field.name) {
            (Type::Message(inner), "") => numbered(inner),
            _ => vec![field.name],
        });
        names.collect()
    }
}
