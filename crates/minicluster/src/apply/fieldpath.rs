//! One step of a field's path, as managed fields and conflict messages name it.
//!
//! The order of steps (fields, then keys, then values, then indices) is the order in which the API server lists
//! them. Numbers compare by value, so that `1` and `1.0` name the same element.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

/// How a child is selected in its parent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// A field of a struct or a key of a map: `f:name`.
    Field(String),
    /// The element of a map list whose key fields have these values, sorted by name: `k:{"name":"x"}`.
    Key(Vec<(String, Leaf)>),
    /// The element of a set: `v:"x"`.
    Value(Leaf),
    /// A place in an atomic list: `i:0`. Nothing writes it, but stored sets may hold it.
    Index(i64),
}

/// A scalar that names a list element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    Number(Numeric),
    String(String),
    Bool(bool),
    /// The JSON text of a list or an object: no schema gives such a key, but a client may write one.
    Other(String),
    Null,
}

/// A number with a total order. Whole floats that fit are kept as integers.
#[derive(Debug, Clone, Copy)]
pub struct Numeric(Repr);

#[derive(Debug, Clone, Copy)]
enum Repr {
    Int(i64),
    Float(f64),
}

/// Up to here every whole float is exactly one integer (2^53).
const EXACT_WHOLE: f64 = 9_007_199_254_740_992.0;

impl PathElement {
    /// Names a field.
    pub fn field(name: impl Into<String>) -> Self {
        PathElement::Field(name.into())
    }
}

impl Leaf {
    /// The leaf of any JSON value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Leaf::Null,
            Value::Bool(b) => Leaf::Bool(*b),
            Value::String(s) => Leaf::String(s.clone()),
            Value::Number(n) => Leaf::Number(Numeric::of(n)),
            Value::Array(_) | Value::Object(_) => Leaf::Other(value.to_string()),
        }
    }

    /// The leaf's JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Leaf::Null => "null".to_owned(),
            Leaf::Bool(b) => b.to_string(),
            Leaf::Number(n) => n.to_string(),
            Leaf::String(s) => Value::String(s.clone()).to_string(),
            Leaf::Other(text) => text.clone(),
        }
    }
}

impl Numeric {
    /// The order of a JSON number.
    #[must_use]
    pub fn of(number: &Number) -> Self {
        if let Some(int) = number.as_i64() {
            return Numeric(Repr::Int(int));
        }
        let float = number.as_f64().unwrap_or(f64::MAX);
        if float.fract() == 0.0 && float.abs() <= EXACT_WHOLE {
            #[allow(clippy::cast_possible_truncation)] // whole and within 2^53
            return Numeric(Repr::Int(float as i64));
        }
        Numeric(Repr::Float(float))
    }

    fn as_f64(self) -> f64 {
        match self.0 {
            #[allow(clippy::cast_precision_loss)] // ties are broken by the integer itself
            Repr::Int(int) => int as f64,
            Repr::Float(float) => float,
        }
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = self.as_f64().total_cmp(&other.as_f64());
        by_value.then_with(|| match (self.0, other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(&b),
            (Repr::Int(_), Repr::Float(_)) => Ordering::Less,
            (Repr::Float(_), Repr::Int(_)) => Ordering::Greater,
            (Repr::Float(_), Repr::Float(_)) => Ordering::Equal,
        })
    }
}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl std::hash::Hash for Numeric {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_f64().to_bits().hash(state);
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Int(int) => write!(f, "{int}"),
            Repr::Float(float) => match Number::from_f64(float) {
                Some(number) => write!(f, "{number}"),
                None => f.write_str("null"),
            },
        }
    }
}

/// As conflict messages print it: `.field`, `[name="c"]`, `[="x"]`, `[3]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathElement::Field(name) => write!(f, ".{name}"),
            PathElement::Key(fields) => {
                f.write_str("[")?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={}", value.to_json())?;
                }
                f.write_str("]")
            }
            PathElement::Value(value) => write!(f, "[={}]", value.to_json()),
            PathElement::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Prints a whole path, `.spec.containers[name="c"].image`.
#[must_use]
pub fn print(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_floats_name_the_same_element_as_integers() {
        assert_eq!(Leaf::of(&json!(1)), Leaf::of(&json!(1.0)));
        assert_ne!(Leaf::of(&json!(1)), Leaf::of(&json!(1.5)));
        assert_ne!(Leaf::of(&json!(i64::MAX)), Leaf::of(&json!(i64::MAX - 1)));
    }

    #[test]
    fn steps_order_as_the_server_lists_them() {
        let mut steps = [
            PathElement::Index(0),
            PathElement::Value(Leaf::of(&json!("a"))),
            PathElement::Value(Leaf::of(&json!(2))),
            PathElement::Key(vec![("a".into(), Leaf::of(&json!(1)))]),
            PathElement::field("z"),
        ];
        steps.sort();
        let shown: Vec<_> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(shown, [".z", "[a=1]", "[=2]", "[=\"a\"]", "[0]"]);
    }
}
