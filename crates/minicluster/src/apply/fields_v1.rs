//! The stored form of a field set: `{"f:spec": {"f:replicas": {}}}`.
//!
//! An empty object is a member; an object with children is one only if it holds `"."`. Keys that begin with a
//! letter we don't know are skipped, as a newer server may have written them.

use serde_json::{Map, Value};

use super::fieldpath::{Leaf, PathElement};
use super::fieldset::{FieldSet, Node};

/// Deeper sets than any object can have are refused, so that walking a set never overflows the stack.
const MAX_DEPTH: usize = super::MAX_DEPTH;

/// Reads a set.
///
/// # Errors
/// Says which key is not a path element, or that the value is not an object or too deep.
pub fn parse(fields: &Value) -> Result<FieldSet, String> {
    let node = parse_node(fields, MAX_DEPTH)?;
    Ok(node.children)
}

/// Writes a set.
#[must_use]
pub fn print(set: &FieldSet) -> Value {
    let mut object = Map::new();
    for (element, node) in set.nodes() {
        let mut child = match print(&node.children) {
            Value::Object(child) => child,
            _ => Map::new(),
        };
        if node.member && !child.is_empty() {
            child.insert(".".to_owned(), Value::Object(Map::new()));
        }
        object.insert(print_element(element), Value::Object(child));
    }
    Value::Object(object)
}

fn parse_node(fields: &Value, depth_left: usize) -> Result<Node, String> {
    if depth_left == 0 {
        return Err(format!("nested deeper than {MAX_DEPTH} levels"));
    }
    let object = match fields {
        Value::Object(object) => object,
        Value::Null => return Ok(member()),
        _ => return Err("expected an object".to_owned()),
    };
    let mut node = Node::default();
    for (key, value) in object {
        if key == "." {
            node.member = true;
            continue;
        }
        if let Some(element) = parse_element(key)? {
            node.children.attach(element, parse_node(value, depth_left - 1)?);
        }
    }
    if node.children.is_empty() {
        return Ok(member());
    }
    Ok(node)
}

fn member() -> Node {
    Node {
        member: true,
        children: FieldSet::new(),
    }
}

/// `None` for kinds of elements that are not known.
fn parse_element(text: &str) -> Result<Option<PathElement>, String> {
    if text.len() < 2 {
        return Err("key must be 2 characters long:".to_owned());
    }
    if text.as_bytes()[1] != b':' {
        return Err(format!("missing colon: {text}"));
    }
    let rest = &text[2..];
    let json = || serde_json::from_str::<Value>(rest).map_err(|error| error.to_string());
    Ok(match text.as_bytes()[0] {
        b'f' => Some(PathElement::Field(rest.to_owned())),
        b'v' => Some(PathElement::Value(Leaf::of(&json()?))),
        b'i' => Some(PathElement::Index(
            rest.parse().map_err(|_| format!("invalid index: {rest}"))?,
        )),
        b'k' => match json()? {
            Value::Object(fields) => {
                let mut key: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), Leaf::of(value)))
                    .collect();
                key.sort();
                Some(PathElement::Key(key))
            }
            _ => return Err(format!("expected an object as key: {rest}")),
        },
        _ => None,
    })
}

fn print_element(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Value(value) => format!("v:{}", value.to_json()),
        PathElement::Index(index) => format!("i:{index}"),
        PathElement::Key(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), value.to_json()))
                .collect();
            format!("k:{{{}}}", fields.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn recorded_sets_survive_reading_and_writing() {
        let fields = json!({"f:spec": {"f:am": {}, "f:gm": {".": {}, "f:q": {}},
            "f:mapl": {"k:{\"k\":\"1\"}": {".": {}, "f:k": {}}}, "f:setl": {"v:\"y\"": {}, "v:1": {}}, "i:3": {}}});
        assert_eq!(print(&parse(&fields).unwrap()), fields);
    }

    #[test]
    fn unknown_kinds_of_elements_are_skipped() {
        let set = parse(&json!({"x:new": {}, "f:a": {}})).unwrap();
        assert_eq!(print(&set), json!({"f:a": {}}));
    }

    #[test]
    fn bad_elements_are_errors() {
        for bad in [
            json!({"f": {}}),
            json!({"spec": {}}),
            json!({"k:[]": {}}),
            json!({"k:{": {}}),
            json!({"i:x": {}}),
            json!({"f:a": 1}),
            json!([]),
            json!({"é": {}}),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn too_deep_sets_are_errors() {
        let mut fields = json!({});
        for _ in 0..=MAX_DEPTH {
            fields = json!({"f:a": fields});
        }
        assert!(parse(&fields).is_err());
    }
}
