//! Paths into JSON as the recorded scenarios write them.
//!
//! `a.b[0].c`, `a[*].b` (of each), `a[type=Ready].status` (of the first such), `a.#` (how many), `a['x.y/z']` (a name
//! with dots). What is not there is null.

use serde_json::Value;

/// One part of a path.
#[derive(Debug, PartialEq)]
pub enum Part<'a> {
    Name(&'a str),
    Each,
    At(usize),
    First { path: &'a str, value: &'a str },
    Count,
}

/// The parts of a path; no path of a scenario is malformed.
pub fn parts(path: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("['") {
            let (name, after) = quoted.split_once("']").expect("a name ends with '");
            parts.push(Part::Name(name));
            rest = after;
        } else if let Some(bracket) = rest.strip_prefix('[') {
            let (inside, after) = bracket.split_once(']').expect("a bracket is closed");
            parts.push(match inside.split_once('=') {
                Some((path, value)) => Part::First { path, value },
                None if inside == "*" => Part::Each,
                None => Part::At(inside.parse().expect("an index is a number")),
            });
            rest = after;
        } else {
            let name = rest.trim_start_matches('.');
            let end = name.find(['.', '[']).unwrap_or(name.len());
            parts.push(match &name[..end] {
                "#" => Part::Count,
                name => Part::Name(name),
            });
            rest = &name[end..];
        }
    }
    parts
}

/// The value at a path.
pub fn get(value: &Value, path: &str) -> Value {
    at(value, &parts(path))
}

fn at(value: &Value, parts: &[Part<'_>]) -> Value {
    let Some((part, rest)) = parts.split_first() else {
        return value.clone();
    };
    let next = match part {
        Part::Name(name) => value.get(name),
        Part::At(index) => value.get(index),
        Part::First { path, value: wanted } => position(value, path, wanted).and_then(|at| value.get(at)),
        Part::Each => {
            let Some(items) = value.as_array() else {
                return Value::Null;
            };
            return items.iter().map(|item| at(item, rest)).collect();
        }
        Part::Count => {
            return match value {
                Value::Array(items) => items.len().into(),
                Value::Object(fields) => fields.len().into(),
                _ => Value::Null,
            };
        }
    };
    next.map_or(Value::Null, |next| at(next, rest))
}

fn position(list: &Value, path: &str, wanted: &str) -> Option<usize> {
    let is_wanted = |item: &Value| match get(item, path) {
        Value::String(text) => text == wanted,
        other => {
            let text = other.to_string();
            text == wanted
        }
    };
    list.as_array()?.iter().position(is_wanted)
}

/// Takes away every value at a path.
pub fn remove(value: &mut Value, path: &[Part<'_>]) {
    let Some((last, above)) = path.split_last() else {
        return;
    };
    each(value, above, &mut |parent| match (parent, last) {
        (Value::Object(fields), Part::Name(name)) => drop(fields.remove(*name)),
        (Value::Object(fields), Part::Each) => fields.clear(),
        (Value::Array(items), Part::Each) => items.clear(),
        (Value::Array(items), Part::At(index)) if *index < items.len() => drop(items.remove(*index)),
        (list, Part::First { path, value }) => {
            while let Some(at) = position(list, path, value) {
                drop(list.as_array_mut().expect("it has positions").remove(at));
            }
        }
        _ => {}
    });
}

/// Does something with every value at a path.
pub fn each(value: &mut Value, path: &[Part<'_>], work: &mut dyn FnMut(&mut Value)) {
    let Some((part, rest)) = path.split_first() else {
        return work(value);
    };
    match (part, value) {
        (Part::Each, Value::Array(items)) => items.iter_mut().for_each(|item| each(item, rest, work)),
        (Part::Each, Value::Object(fields)) => fields.values_mut().for_each(|field| each(field, rest, work)),
        (Part::Name(name), value) => value
            .get_mut(name)
            .into_iter()
            .for_each(|next| each(next, rest, work)),
        (Part::At(at), value) => value
            .get_mut(at)
            .into_iter()
            .for_each(|next| each(next, rest, work)),
        (Part::First { path, value: wanted }, value) => {
            if let Some(next) = position(value, path, wanted).and_then(|at| value.get_mut(at)) {
                each(next, rest, work);
            }
        }
        _ => {}
    }
}

#[test]
fn paths_find_what_they_name() {
    let value = serde_json::json!({"a": [{"t": "x", "v": 1}, {"t": "y", "v": [2, 3]}], "k.l/m": {"n": true}});
    for (path, expected) in [
        ("a[*].t", r#"["x","y"]"#),
        ("a[t=y].v[1]", "3"),
        ("a[t=y].v.#", "2"),
        ("a.#", "2"),
        ("['k.l/m'].n", "true"),
        ("a[5].t", "null"),
        ("b[*]", "null"),
    ] {
        assert_eq!(get(&value, path).to_string(), expected, "{path}");
    }
    let mut less = value.clone();
    remove(&mut less, &parts("a[*].t"));
    remove(&mut less, &parts("['k.l/m']"));
    assert_eq!(less.to_string(), r#"{"a":[{"v":1},{"v":[2,3]}]}"#);
}
