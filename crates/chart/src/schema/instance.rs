//! A value under inspection: a cheap view that makes tables and values alike.

use yaml::Value;

use super::node::Types;
use crate::go_text;
use crate::values::Map;

/// One value. Copies are cheap; what is big is borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instance<'v> {
    Null,
    Bool(bool),
    Number(f64),
    String(&'v str),
    Seq(&'v [Value]),
    Map(&'v Map),
}

impl<'v> From<&'v Value> for Instance<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(yes) => Self::Bool(*yes),
            #[expect(clippy::cast_precision_loss, reason = "limits beyond 2^53 are no real limits")]
            Value::Int(number) => Self::Number(*number as f64),
            Value::Float(number) => Self::Number(*number),
            Value::String(text) => Self::String(text),
            Value::Seq(items) => Self::Seq(items),
            Value::Map(map) => Self::Map(map),
        }
    }
}

impl Instance<'_> {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Seq(_) => "array",
            Self::Map(_) => "object",
        }
    }

    /// Whether one of the types fits; a whole number is an integer however it is written.
    pub(super) fn is_one_of(self, types: Types) -> bool {
        types.has(self.type_name())
            || matches!(self, Self::Number(n) if n.fract() == 0.0 && types.has("integer"))
    }

    /// JSON's equality: numbers by value.
    pub(super) fn equals(self, other: Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Seq(a), Self::Seq(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Instance::from(a).equals(b.into()))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|((ka, a), (kb, b))| ka == kb && Instance::from(a).equals(b.into()))
            }
            _ => false,
        }
    }

    /// As messages show it.
    pub(super) fn display(self) -> String {
        match self {
            Self::Null => "<nil>".to_owned(),
            Self::Bool(yes) => yes.to_string(),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
            Self::Number(number) => go_text::float(number),
            Self::String(text) => super::message::quote(text),
            Self::Seq(_) | Self::Map(_) => "value".to_owned(),
        }
    }
}

/// The first two equal elements: the earlier and the later index.
pub(super) fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    /// Up to this many, comparing all pairs is the fastest way.
    const FEW: usize = 20;
    if items.len() <= FEW {
        let pairs = (1..items.len()).flat_map(|later| (0..later).map(move |earlier| (earlier, later)));
        return pairs
            .into_iter()
            .find(|(a, b)| Instance::from(&items[*a]).equals((&items[*b]).into()));
    }
    let mut seen = std::collections::HashMap::new();
    for (later, item) in items.iter().enumerate() {
        let mut key = String::new();
        fingerprint(item.into(), &mut key);
        if let Some(earlier) = seen.insert(key, later) {
            return Some((earlier, later));
        }
    }
    None
}

/// A text that equal values share and others do not.
fn fingerprint(value: Instance<'_>, out: &mut String) {
    match value {
        Instance::Null => out.push('n'),
        Instance::Bool(yes) => out.push(if yes { 't' } else { 'f' }),
        Instance::Number(number) => out.push_str(&format!("{number:e};")),
        Instance::String(text) => out.push_str(&format!("{}:{text}", text.len())),
        Instance::Seq(items) => {
            out.push('[');
            items.iter().for_each(|item| fingerprint(item.into(), out));
            out.push(']');
        }
        Instance::Map(map) => {
            out.push('{');
            for (key, item) in map {
                fingerprint(Instance::String(key), out);
                fingerprint(item.into(), out);
            }
            out.push('}');
        }
    }
}
