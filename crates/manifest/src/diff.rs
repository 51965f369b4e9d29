//! What changes between two states of an object, field by field.
//!
//! ```text
//! before, after ──► Changes: spec.template.spec.containers[name=web].image: "a" → "b" ──mask──► for a person
//! ```
//!
//! Items of lists are followed by what names them, so that one more in front is one change. What the server sets and
//! the status are left out. Amounts that are equal are no change, whatever units they are written in. Not here: what
//! an apply would do, for that the states come from the server (a dry run), and printing.

use std::collections::{BTreeMap, BTreeSet};

use objects::{Kind, meta};
use serde_json::{Map, Value, json};

use crate::compare::is_same;
use crate::secret;
use crate::spot::{Keys, Spot, key_of};

/// One field that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `spec.ports[port=80,protocol=TCP].targetPort`; empty for the whole object.
    pub path: String,
    /// `None` when the field is new.
    pub before: Option<Value>,
    /// `None` when the field goes.
    pub after: Option<Value>,
}

/// Annotations that tools keep for themselves; the first repeats the whole object, a Secret's contents included.
const TOOLS: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
];

/// The fields of a Secret that nobody may see.
const SECRET_FIELDS: &[&str] = &["data", "stringData"];

/// Finds what changes, in the order of the fields' names. An object that comes or goes is one change with an empty path.
///
/// Guarantees: `stringData` of a Secret is compared as the `data` that it becomes; the status and what the server sets
/// are left out.
#[must_use]
pub fn diff(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    match (before, after) {
        (Some(before), Some(after)) => {
            let (before, after) = (secret::folded(before), secret::folded(after));
            values(&mut changes, "", (&before, &after), &Spot::root(&after));
        }
        _ if before.is_none() && after.is_none() => {}
        _ => {
            let whole = |object: Option<&Value>| object.map(|object| cleaned(&secret::folded(object)));
            changes.push(Change {
                path: String::new(),
                before: whole(before),
                after: whole(after),
            });
        }
    }
    changes
}

/// Replaces the contents of a Secret by what may be shown: how many bytes, and whether they change. Changes of other
/// kinds stay as they are.
pub fn mask(changes: &mut [Change], kind: &Kind) {
    if *kind != Kind::SECRET {
        return;
    }
    for change in changes {
        match change.path.as_str() {
            "" => {
                let objects = [&mut change.before, &mut change.after];
                for object in objects.into_iter().flatten() {
                    for field in SECRET_FIELDS {
                        object
                            .get_mut(*field)
                            .into_iter()
                            .for_each(|data| hide(data, false));
                    }
                }
            }
            path if SECRET_FIELDS.iter().any(|field| is_below(path, field)) => {
                let both = change.before.is_some();
                change.before.iter_mut().for_each(|value| hide(value, false));
                change.after.iter_mut().for_each(|value| hide(value, both));
            }
            _ => {}
        }
    }
}

/// Two states of an object as they may be printed: without the status and what the server sets, and with the contents of a
/// Secret hidden as by [`mask`]. What differs in them differs here.
#[must_use]
pub fn masked(before: Option<&Value>, after: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let whole = |object: Option<&Value>| object.map(|object| cleaned(&secret::folded(object)));
    let (mut before, mut after) = (whole(before), whole(after));
    for field in SECRET_FIELDS {
        let old = before.as_ref().filter(|object| secret::is_secret(object));
        let old = old.and_then(|object| object.get(*field)).cloned();
        if let Some(after) = after.as_mut().filter(|object| secret::is_secret(object)) {
            hide_all(after, field, old.as_ref());
        }
        if let Some(before) = before.as_mut().filter(|object| secret::is_secret(object)) {
            hide_all(before, field, None);
        }
    }
    (before, after)
}

/// Hides the contents of a Secret; those that are others than in `old` are said to be changed.
fn hide_all(secret: &mut Value, field: &str, old: Option<&Value>) {
    match secret.get_mut(field) {
        Some(Value::Object(entries)) => {
            for (key, value) in entries {
                let before = old.and_then(|old| old.get(key));
                let changed = before.is_some_and(|before| before != value);
                hide(value, changed);
            }
        }
        Some(other) => hide(other, old.is_some_and(|old| old != other)),
        None => {}
    }
}

/// Whether a path leads to a field of the object or below it.
fn is_below(path: &str, field: &str) -> bool {
    path.strip_prefix(field)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Hides a value, or each value of a map.
fn hide(value: &mut Value, changed: bool) {
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(|value| hide(value, changed));
        return;
    }
    let size = secret::size(value);
    let bytes = if size == 1 { "byte" } else { "bytes" };
    let changed = if changed { ", changed" } else { "" };
    *value = json!(format!("(secret, {size} {bytes}{changed})"));
}

fn values(changes: &mut Vec<Change>, path: &str, (before, after): (&Value, &Value), spot: &Spot<'_>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => maps(changes, path, (before, after), spot),
        (Value::Array(before), Value::Array(after)) => lists(changes, path, (before, after), spot),
        _ if is_same(before, after, spot) => {}
        _ => push(changes, path.to_owned(), Some(before), Some(after)),
    }
}

fn maps(
    changes: &mut Vec<Change>,
    path: &str,
    (before, after): (&Map<String, Value>, &Map<String, Value>),
    spot: &Spot<'_>,
) {
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for field in fields {
        let child = spot.child(field);
        if is_left_out(&child) {
            continue;
        }
        let path = step(path, field);
        match (given(before, &child), given(after, &child)) {
            (Some(before), Some(after)) => values(changes, &path, (before, after), &child),
            (before, after) => push(changes, path, before, after),
        }
    }
}

/// The value at a place, unless it is as good as none.
fn given<'v>(map: &'v Map<String, Value>, spot: &Spot<'_>) -> Option<&'v Value> {
    map.get(spot.field).filter(|value| !spot.vanishes(value))
}

fn lists(changes: &mut Vec<Change>, path: &str, (before, after): (&[Value], &[Value]), spot: &Spot<'_>) {
    if let Some(keys) = spot.shown_keys([before, after]) {
        return keyed(changes, path, (before, after), (spot, keys));
    }
    for at in 0..before.len().max(after.len()) {
        let path = format!("{path}[{at}]");
        match (before.get(at), after.get(at)) {
            (Some(before), Some(after)) => values(changes, &path, (before, after), spot),
            (before, after) => push(changes, path, before, after),
        }
    }
}

fn keyed(
    changes: &mut Vec<Change>,
    path: &str,
    (before, after): (&[Value], &[Value]),
    (spot, keys): (&Spot<'_>, Keys),
) {
    let named = |list| -> Vec<(String, &Value)> {
        let items: std::slice::Iter<'_, Value> = <[Value]>::iter(list);
        items
            .filter_map(|item| Some((key_of(item, keys)?, item)))
            .collect()
    };
    let (before, after) = (named(before), named(after));
    let there: BTreeMap<&String, &Value> = before.iter().map(|(key, item)| (key, *item)).collect();
    let stays: BTreeSet<&String> = after.iter().map(|(key, _)| key).collect();
    for (key, item) in before.iter().filter(|(key, _)| !stays.contains(key)) {
        push(changes, format!("{path}[{key}]"), Some(item), None);
    }
    for (key, item) in &after {
        let path = format!("{path}[{key}]");
        match there.get(key) {
            Some(old) => values(changes, &path, (old, item), spot),
            None => push(changes, path, None, Some(item)),
        }
    }
    // The order of containers that run one after another, or of variables that use each other, matters.
    let order = |list: &[(String, &Value)]| -> Vec<String> {
        let both = |key: &String| there.contains_key(key) && stays.contains(key);
        list.iter().map(|(key, _)| key.clone()).filter(both).collect()
    };
    let (before, after) = (order(&before), order(&after));
    if before != after {
        push(
            changes,
            path.to_owned(),
            Some(&json!(before)),
            Some(&json!(after)),
        );
    }
}

fn push(changes: &mut Vec<Change>, path: String, before: Option<&Value>, after: Option<&Value>) {
    if before.is_some() || after.is_some() {
        changes.push(Change {
            path,
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}

/// Whether a field is nothing that anybody wants.
fn is_left_out(spot: &Spot<'_>) -> bool {
    spot.is_servers() || spot.is_top("status") || spot.is_annotation() && TOOLS.contains(&spot.field)
}

/// An object without what is left out.
fn cleaned(object: &Value) -> Value {
    fn walk(value: &Value, spot: &Spot<'_>, depth: usize) -> Value {
        let Value::Object(fields) = value else {
            return value.clone();
        };
        // What is left out stands at most three fields deep.
        if depth > 2 {
            return value.clone();
        }
        let kept = fields.iter().filter_map(|(field, value)| {
            let child = spot.child(field);
            (!is_left_out(&child)).then(|| (field.clone(), walk(value, &child, depth + 1)))
        });
        Value::Object(kept.collect())
    }
    let mut object = walk(object, &Spot::root(object), 0);
    if meta::at(&object, "/metadata/annotations").is_some_and(|all| *all == json!({})) {
        meta::map_mut(&mut object, &["metadata"]).remove("annotations");
    }
    object
}

/// The path of a field. Names that would be taken for more than one stand in brackets.
fn step(path: &str, field: &str) -> String {
    let plain = !field.is_empty()
        && field
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte));
    match (plain, path) {
        (true, "") => field.to_owned(),
        (true, _) => format!("{path}.{field}"),
        (false, _) => format!("{path}[{}]", json!(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(container: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": container}}}})
    }

    fn print(changes: &[Change]) -> Vec<String> {
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        changes
            .iter()
            .map(|one| format!("{}: {} → {}", one.path, text(&one.before), text(&one.after)))
            .collect()
    }

    fn check(before: &Value, after: &Value, expected: &[&str]) {
        assert_eq!(print(&diff(Some(before), Some(after))), expected);
    }

    #[test]
    fn items_are_followed_by_what_names_them() {
        check(
            &deployment(&json!([{"name": "web", "image": "a", "ports": [{"containerPort": 80}]}])),
            &deployment(&json!([
                {"name": "first"},
                {"name": "web", "image": "b", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}]},
            ])),
            &[
                "spec.template.spec.containers[name=first]: - → {\"name\":\"first\"}",
                "spec.template.spec.containers[name=web].image: \"a\" → \"b\"",
                "spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP].name: - → \"http\"",
                "spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP].protocol: - → \"TCP\"",
            ],
        );
        let rules = |hosts: &[&str]| {
            let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": rules}})
        };
        check(
            &rules(&["a", "b"]),
            &rules(&["b"]),
            &["spec.rules[host=a]: {\"host\":\"a\"} → -"],
        );
    }

    #[test]
    fn another_order_is_one_change() {
        check(
            &deployment(&json!([{"name": "a"}, {"name": "b"}])),
            &deployment(&json!([{"name": "c"}, {"name": "b"}, {"name": "a"}])),
            &[
                "spec.template.spec.containers[name=c]: - → {\"name\":\"c\"}",
                "spec.template.spec.containers: [\"name=a\",\"name=b\"] → [\"name=b\",\"name=a\"]",
            ],
        );
    }

    #[test]
    fn lists_without_names_go_by_position() {
        check(
            &deployment(&json!([{"name": "a", "args": ["x", "y"]}])),
            &deployment(&json!([{"name": "a", "args": ["x", "z", "y"]}])),
            &[
                "spec.template.spec.containers[name=a].args[1]: \"y\" → \"z\"",
                "spec.template.spec.containers[name=a].args[2]: - → \"y\"",
            ],
        );
        let twice = json!([{"name": "a"}, {"name": "a"}]);
        check(
            &deployment(&twice),
            &deployment(&json!([{"name": "a"}])),
            &["spec.template.spec.containers[1]: {\"name\":\"a\"} → -"],
        );
    }

    #[test]
    fn equal_amounts_and_dropped_zeros_are_no_change() {
        let cpu =
            |amount: Value| deployment(&json!([{"name": "a", "resources": {"limits": {"cpu": amount}}}]));
        check(&cpu(json!("1000m")), &cpu(json!(1)), &[]);
        check(
            &deployment(&json!([{"name": "a", "env": []}])),
            &deployment(&json!([{"name": "a", "tty": false}])),
            &[],
        );
        let port = |port: Value| json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": port}]}});
        check(
            &port(json!(80)),
            &port(json!("80")),
            &["spec.ports[port=80,protocol=TCP].targetPort: 80 → \"80\""],
        );
    }

    #[test]
    fn what_the_server_and_tools_keep_is_left_out() {
        let object = |n: i64| {
            json!({"apiVersion": "x.io/v1", "kind": "X", "status": {"n": n}, "metadata": {
                "name": "a", "generation": n, "managedFields": [n], "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": n.to_string(), "a.b/c": n.to_string(),
                },
            }})
        };
        check(
            &object(1),
            &object(2),
            &["metadata.annotations[\"a.b/c\"]: \"1\" → \"2\""],
        );
        let gone = diff(Some(&object(1)), None);
        assert_eq!(
            print(&gone),
            [
                "{\"apiVersion\":\"x.io/v1\",\"kind\":\"X\",\"metadata\":{\"annotations\":{\"a.b/c\":\"1\"},\
              \"name\":\"a\"}} → -"
            ]
            .map(|text| format!(": {text}"))
        );
        assert_eq!(diff(None, None), []);
    }

    #[test]
    fn contents_of_secrets_are_masked() {
        let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data});
        let text = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "hidden", "b": "x"}});
        let live = secret(json!({"a": "b3RoZXI=", "b": "eA==", "old.key": "eA=="}));
        let mut changes = diff(Some(&live), Some(&text));
        mask(&mut changes, &Kind::SECRET);
        assert_eq!(
            print(&changes),
            [
                "data.a: \"(secret, 5 bytes)\" → \"(secret, 6 bytes, changed)\"",
                "data[\"old.key\"]: \"(secret, 1 byte)\" → -",
            ]
        );
        for (before, after) in [
            (None, Some(&text)),
            (Some(&live), None),
            (Some(&secret(json!(null))), Some(&live)),
        ] {
            let mut changes = diff(before, after);
            mask(&mut changes, &Kind::SECRET);
            let shown = print(&changes).concat();
            assert!(shown.contains("(secret, "), "{shown}");
            for leak in ["hidden", "aGlkZGVu", "b3RoZXI", "eA=="] {
                assert!(!shown.contains(leak), "{shown}");
            }
        }
        let mut changes = diff(Some(&live), Some(&text));
        mask(&mut changes, &Kind::CONFIG_MAP);
        assert_eq!(changes, diff(Some(&live), Some(&text)));
    }

    #[test]
    fn a_secret_that_is_printed_shows_which_of_its_values_change_and_none_of_them() {
        let secret = |data: Value, texts: Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "uid": "1",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "b3Blbg=="}},
                "data": data, "stringData": texts})
        };
        let before = secret(json!({"a": "b3Blbg==", "b": "b3Blbg=="}), json!({}));
        let after = secret(json!({"a": "b3Blbg=="}), json!({"b": "other", "c": "new"}));
        let (before, after) = masked(Some(&before), Some(&after));
        let expected = |data: Value| {
            Some(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}))
        };
        let (a, b) = ("(secret, 4 bytes)", "(secret, 5 bytes, changed)");
        assert_eq!(before, expected(json!({"a": a, "b": a})));
        assert_eq!(after, expected(json!({"a": a, "b": b, "c": "(secret, 3 bytes)"})));
        let odd = secret(json!("open"), json!({}));
        assert!(!masked(Some(&odd), None).0.unwrap().to_string().contains("open"));
    }
}
