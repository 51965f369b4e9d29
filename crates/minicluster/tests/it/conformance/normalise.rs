//! Takes out of an answer what may differ between two servers: names of nodes, ids, versions, times, generated
//! suffixes, hashes, allocated addresses, tokens, and order where the API promises none.

use std::collections::BTreeMap;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use serde_json::{Map, Value};

/// The letters of generated names.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Columns of tables that tell an age.
const AGES: &[&str] = &["Age", "Last Seen", "First Seen", "Duration", "Last Schedule"];

/// What a text is searched for, in this order, and what stands in its place. Ids, then tokens, times and so on.
const BEFORE_NAMES: &[(&str, &str)] = &[
    (
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "<uid>",
    ),
    (r"eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+", "<jwt>"),
    ("kube-api-access-[a-z0-9]{5}", "kube-api-access-<rand>"),
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+(Z|[+-][0-9]{2}:[0-9]{2})",
        "<microtime>",
    ),
    (
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})",
        "<time>",
    ),
];
const PEM: (&str, &str) = (r"(?s)-----BEGIN [A-Z ]+-----.*-----END [A-Z ]+-----\n?", "<pem>");
const VERSION: &str = r#"(too old resource version: |ResourceVersion in record \(|current: |resourceVersion\\*": ?\\*")[0-9]+( \([0-9]+\))?"#;
const ADDRESS: &str = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$";
const AGE: &str = "^(([0-9]+[dhmsy])+|<unknown>|<invalid>)$";

/// What it has learnt of one scenario's generated names, and how it searches.
pub struct Normaliser {
    learnt: BTreeMap<String, String>,
    nodes: Vec<String>,
    before_names: Vec<(Regex, &'static str)>,
    pem: Regex,
    version: Regex,
    address: Regex,
    age: Regex,
}

impl Normaliser {
    pub fn new(nodes: Vec<String>) -> Self {
        let regex = |text: &str| Regex::new(text).unwrap();
        Self {
            learnt: BTreeMap::new(),
            nodes,
            before_names: BEFORE_NAMES.iter().map(|(text, to)| (regex(text), *to)).collect(),
            pem: regex(PEM.0),
            version: regex(VERSION),
            address: regex(ADDRESS),
            age: regex(AGE),
        }
    }

    /// Remembers the generated names and hashes of an answer.
    pub fn learn(&mut self, value: &Value) {
        let fields = match value {
            Value::Array(items) => return items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => fields,
            _ => return,
        };
        if let Some(metadata) = fields.get("metadata") {
            self.learn_name(metadata);
            for label in ["pod-template-hash", "controller-revision-hash"] {
                if let Some(hash) = metadata["labels"][label].as_str().filter(|hash| !hash.is_empty()) {
                    self.learn_hash(hash);
                }
            }
        }
        if fields.get("code").is_none_or(|code| !code.is_i64()) {
            let status = fields.get("status").unwrap_or(&Value::Null);
            for revision in ["currentRevision", "updateRevision"] {
                if let Some(hash) = status[revision].as_str().filter(|hash| hash.contains('-')) {
                    self.learn_hash(hash);
                }
            }
        }
        fields.values().for_each(|field| self.learn(field));
    }

    fn learn_name(&mut self, metadata: &Value) {
        let (Some(base), Some(name)) = (metadata["generateName"].as_str(), metadata["name"].as_str()) else {
            return;
        };
        let Some(suffix) = name.strip_prefix(base).filter(|_| !base.is_empty()) else {
            return;
        };
        let is_plain = suffix
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let has_letter = suffix.bytes().any(|b| b.is_ascii_lowercase());
        let is_number = suffix.len() == 5 && suffix.bytes().all(|b| (b'2'..=b'9').contains(&b));
        if (is_plain && has_letter) || is_number {
            self.learnt.insert(name.to_owned(), format!("{base}<rand>"));
        }
    }

    fn learn_hash(&mut self, hash: &str) {
        let to = match hash.rsplit_once('-') {
            Some((name, _)) => format!("{name}-<hash>"),
            None => "<hash>".to_owned(),
        };
        self.learnt.insert(hash.to_owned(), to);
    }

    /// A text without what differs.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (regex, to) in &self.before_names {
            text = replace(regex, &text, |_, _| (*to).to_owned());
        }
        let mut names: Vec<_> = self.learnt.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, to) in names {
            text = text.replace(name, to);
        }
        text = replace(&self.pem, &text, |_, _| PEM.1.to_owned());
        text = self.without_nodes(&text);
        text = replace(&self.version, &text, |text, found| {
            let prefix = found.get_group(1).expect("the group is not optional");
            format!("{}<rv>", &text[prefix.range()])
        });
        text = without_hashes(&text);
        match self.address.is_match(&text) {
            true => "<ip4>".to_owned(),
            false => text,
        }
    }

    fn without_nodes(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        'text: while !rest.is_empty() {
            let begins = !done.ends_with(|c| part_of_word(c) || c == '.');
            for node in self.nodes.iter().filter(|_| begins) {
                let after = rest.strip_prefix(node.as_str());
                if let Some(after) = after.filter(|after| !after.starts_with(part_of_word)) {
                    done.push_str("<node>");
                    rest = after;
                    continue 'text;
                }
            }
            let next = rest.chars().next().expect("it is not empty");
            done.push(next);
            rest = &rest[next.len_utf8()..];
        }
        done
    }

    /// The body of an answer without what differs. `key` is the field that the value is in.
    pub fn value(&self, value: &Value, key: &str) -> Value {
        match value {
            Value::Object(fields) => {
                let walk = |(name, field): (&String, &Value)| (self.text(name), self.value(field, name));
                let mut new: Map<String, Value> = fields.iter().map(walk).collect();
                if value["kind"] == "Table" {
                    self.ages(value, &mut new);
                }
                Value::Object(new)
            }
            Value::Array(items) => {
                let mut new: Vec<Value> = items.iter().map(|item| self.value(item, key)).collect();
                match key {
                    "managedFields" => new.sort_by_cached_key(|entry| {
                        let fields = ["manager", "operation", "subresource", "apiVersion", "fieldsV1"];
                        Value::Array(fields.iter().map(|field| entry[field].clone()).collect()).to_string()
                    }),
                    "addresses" | "secrets" | "ownerReferences" => sort(&mut new),
                    _ => {}
                }
                Value::Array(new)
            }
            Value::String(text) => Value::String(match key {
                "uid" if !text.is_empty() => "<uid>".to_owned(),
                "resourceVersion" if !text.is_empty() => "<rv>".to_owned(),
                "continue" if !text.is_empty() => "<continue>".to_owned(),
                "nodeName" | "kubernetes.io/hostname" if !text.is_empty() => "<node>".to_owned(),
                "storageVersionHash" => "<hash>".to_owned(),
                _ => self.text(text),
            }),
            Value::Number(number)
                if matches!(key, "nodePort" | "healthCheckNodePort") && number.as_i64() > Some(0) =>
            {
                "<port>".into()
            }
            other => other.clone(),
        }
    }

    fn ages(&self, table: &Value, new: &mut Map<String, Value>) {
        let columns = table["columnDefinitions"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let is_age = |at: usize| {
            columns.is_empty()
                || columns
                    .get(at)
                    .is_some_and(|column| column["name"].as_str().is_some_and(|name| AGES.contains(&name)))
        };
        let rows = new.get_mut("rows").and_then(Value::as_array_mut);
        for row in rows.into_iter().flatten() {
            let cells = row.get_mut("cells").and_then(Value::as_array_mut);
            for (at, cell) in cells.into_iter().flatten().enumerate() {
                if is_age(at) && cell.as_str().is_some_and(|cell| self.age.is_match(cell)) {
                    *cell = "<age>".into();
                }
            }
        }
    }
}

/// Puts a list that has no order into one.
pub fn sort(list: &mut [Value]) {
    list.sort_by_cached_key(Value::to_string);
}

fn replace(regex: &Regex, text: &str, to: impl Fn(&str, &Captures) -> String) -> String {
    let mut new = String::new();
    let mut done = 0;
    for found in regex.captures_iter(text) {
        let all = found.get_match().expect("it matched");
        new.push_str(&text[done..all.start()]);
        new.push_str(&to(text, &found));
        done = all.end();
    }
    new.push_str(&text[done..]);
    new
}

/// Replaces `-HASH` and `-HASH-RAND` where the hash has a digit: names of replica sets and their pods.
fn without_hashes(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_word = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let run = |from: usize| bytes[from..].iter().take_while(|b| SAFE.contains(b)).count();
    let mut new = String::new();
    let mut done = 0;
    for dash in (0..bytes.len()).filter(|at| bytes[*at] == b'-') {
        let start = dash + 1;
        let end = start + run(start);
        let has_digit = bytes[start..end].iter().any(u8::is_ascii_digit);
        if start < done || !(8..=10).contains(&(end - start)) || !has_digit {
            continue;
        }
        let has_suffix = bytes.get(end) == Some(&b'-') && run(end + 1) == 5 && !is_word(end + 6);
        if !has_suffix && is_word(end) {
            continue;
        }
        new.push_str(&text[done..start]);
        new.push_str(if has_suffix { "<hash>-<rand>" } else { "<hash>" });
        done = if has_suffix { end + 6 } else { end };
    }
    new.push_str(&text[done..]);
    new
}

#[test]
fn only_what_differs_between_servers_is_taken_out() {
    let mut normaliser = Normaliser::new(vec!["node-1".to_owned()]);
    normaliser.learn(&serde_json::json!({"metadata": {"generateName": "web-", "name": "web-abcde"}}));
    for (text, expected) in [
        ("web-6b8f9c7d5f-x2k4z", "web-<hash>-<rand>"),
        ("web-6b8f9c7d5f is", "web-<hash> is"),
        ("a-deployment", "a-deployment"),
        ("pod web-abcde on node-1", "pod web-<rand> on <node>"),
        ("my-node-1", "my-node-1"),
        ("10.96.0.1", "<ip4>"),
        ("10.96.0.0/16", "10.96.0.0/16"),
        ("at 2024-01-02T03:04:05Z", "at <time>"),
        ("2024-01-02T03:04:05.123456Z", "<microtime>"),
        (
            "too old resource version: 1 (77)",
            "too old resource version: <rv>",
        ),
    ] {
        assert_eq!(normaliser.text(text), expected);
    }
}
