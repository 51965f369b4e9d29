//! The mini cluster is held to what a real Kubernetes 1.35 control plane answered.
//!
//! `tests/conformance/NAME.json` has requests in order and, at each, the recorded answer without what differs between
//! servers. Each file gets a cluster of its own with five simulated nodes, over HTTPS like any client.
//! `SHIPWAY_CONFORMANCE=ssa/conflict-409` reports one step alone, whatever is known of it.
//!
//! A step: `name, method, path, query, headers, body | body_b64`; `expect` what to compare (`body`, `body.a[*].b`,
//! `ctype`, `warnings`, `header:Name`; the code always); `ignore` and `sort` paths of the body; `wait` what to poll
//! for before; `watch` a stream and what to do meanwhile. `{{step.body.metadata.uid}}` is from an earlier answer.

mod client;
mod normalise;
mod paths;

use std::path::Path;
use std::time::Duration;

use kubelet::nodes::{self, Shape};
use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use client::Answer;
use normalise::Normaliser;

/// Steps that are answered differently, with the reason. One that passes must leave the list.
const KNOWN: &[(&str, &str, &str)] = &[];

/// Between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(25);

/// How long what a file made may take to be removed, as the recorder has it.
const REMOVAL: Duration = Duration::from_secs(40);

/// How many differences of a step are shown.
const SHOWN: usize = 8;

macro_rules! files {
    ($($test:ident $name:literal),*) => {
        const FILES: &[&str] = &[$($name),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                replay($name, include_str!(concat!("../conformance/", $name, ".json"))).await;
            }
        )*
    };
}

files! {
    admission_is_answered_as_recorded "admission",
    cluster_work_is_done_as_recorded "cluster",
    custom_kinds_are_served_as_recorded "crd",
    objects_are_served_as_recorded "crud",
    defaults_are_given_as_recorded "defaults",
    discovery_is_answered_as_recorded "discovery",
    lists_are_answered_as_recorded "lists",
    patches_are_answered_as_recorded "patches",
    protobuf_is_understood_as_recorded "protobuf",
    permissions_are_given_as_recorded "rbac",
    applies_are_answered_as_recorded "ssa",
    watches_are_answered_as_recorded "watch",
    workloads_run_as_recorded "workloads"
}

#[test]
fn every_recorded_file_is_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<String> = entries
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    assert_eq!(found, FILES);
}

/// Runs the steps of a file in order and fails with all that differ.
async fn replay(name: &str, text: &str) {
    let wanted = std::env::var("SHIPWAY_CONFORMANCE").ok();
    let scenario: Value = serde_json::from_str(text).unwrap();
    let options = Options {
        nodes: nodes::fleet(5, &Shape::default()),
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let mut story = Story::begin(cluster.handle(), &scenario).await;
    let mut wrong = Vec::new();
    for step in scenario["steps"].as_array().unwrap() {
        let step_name = step["name"].as_str().unwrap();
        let differences = story.step(step).await;
        let known = KNOWN
            .iter()
            .find(|(file, step, _)| *file == name && *step == step_name);
        match (&wanted, known, differences.as_slice()) {
            (Some(wanted), ..) if *wanted != format!("{name}/{step_name}") => {}
            (None, Some((.., reason)), []) => {
                wrong.push(format!("{name}/{step_name} passes, but is listed as: {reason}"));
            }
            (_, _, []) | (None, Some(_), _) => {}
            _ => {
                let shown = differences.len().min(SHOWN);
                wrong.push(format!(
                    "{name}/{step_name}:\n    {}",
                    differences[..shown].join("\n    ")
                ));
            }
        }
    }
    wrong.extend(story.end(&scenario).await);
    assert!(
        wrong.is_empty(),
        "\n{}\n{} steps differ",
        wrong.join("\n"),
        wrong.len()
    );
}

/// A scenario being replayed.
struct Story {
    handle: Handle,
    answers: Map<String, Answer>,
    normaliser: Normaliser,
}

fn namespace_path(namespace: &Value) -> String {
    let name = namespace.as_str().or(namespace["name"].as_str()).unwrap();
    format!("/api/v1/namespaces/{name}")
}

impl Story {
    async fn begin(handle: Handle, scenario: &Value) -> Self {
        let mut story = Self {
            handle,
            answers: Map::new(),
            normaliser: Normaliser::new(Vec::new()),
        };
        // The nodes are made by a control loop.
        let ready = json!({"path": "/api/v1/nodes", "jsonpath": "items[*].status.conditions[type=Ready].status",
            "equals": ["True", "True", "True", "True", "True"], "timeout_s": 30});
        assert_eq!(story.wait(&ready).await, None);
        let list = client::send(&story.handle, &json!({"path": "/api/v1/nodes"})).await;
        let names = paths::get(&list, "body.items[*].metadata.name");
        story.normaliser = Normaliser::new(serde_json::from_value(names).unwrap());
        for namespace in scenario["namespaces"].as_array().unwrap() {
            let metadata = match namespace {
                Value::String(name) => json!({"name": name}),
                metadata => metadata.clone(),
            };
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
            let create = json!({"method": "POST", "path": "/api/v1/namespaces", "body": body});
            assert_eq!(client::send(&story.handle, &create).await["code"], 201);
            for made in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
                let path = format!("{}/{made}", namespace_path(namespace));
                let there = json!({"path": path, "code": 200, "timeout_s": 10});
                assert_eq!(story.wait(&there).await, None);
            }
        }
        story
    }

    /// Runs a step and tells how its answer differs from the recorded one.
    async fn step(&mut self, recorded: &Value) -> Vec<String> {
        let step = match self.filled(recorded) {
            Ok(step) => step,
            Err(missing) => return vec![missing],
        };
        let waits = match &step["wait"] {
            Value::Null => &[][..],
            Value::Array(waits) => waits,
            wait => std::slice::from_ref(wait),
        };
        let mut differences = Vec::new();
        for wait in waits {
            differences.extend(self.wait(wait).await);
        }
        let answer = match step.get("watch") {
            None => client::send(&self.handle, &step).await,
            Some(watch) => {
                let handle = self.handle.clone();
                let steps = watch["during"].as_array().cloned().unwrap_or_default();
                let during = async move {
                    for step in steps {
                        client::send(&handle, &step).await;
                    }
                };
                client::watch(&self.handle, &step, during).await
            }
        };
        let seen = self.view(&answer, &step);
        self.answers
            .insert(step["name"].as_str().unwrap().to_owned(), answer);
        compare(&recorded["answer"], &seen, "", &mut differences);
        differences
    }

    /// Polls until something is so; what it was at last if it never is.
    async fn wait(&self, wait: &Value) -> Option<String> {
        let end = Instant::now() + Duration::from_secs(wait["timeout_s"].as_u64().unwrap_or(30));
        loop {
            let answer = client::send(&self.handle, wait).await;
            let (value, is_so) = match wait.get("code") {
                Some(code) => (answer["code"].clone(), answer["code"] == *code),
                None => {
                    let value = paths::get(&answer["body"], wait["jsonpath"].as_str().unwrap());
                    let is_so = match (wait.get("exists"), wait.get("min")) {
                        (Some(exists), _) => json!(!value.is_null()) == *exists,
                        (_, Some(min)) => value.as_f64() >= min.as_f64() && value.is_number(),
                        _ => is_equal(&value, &wait["equals"]),
                    };
                    (value, is_so)
                }
            };
            if is_so {
                return None;
            }
            if Instant::now() > end {
                return Some(format!("waited in vain for {wait}: it is {value}"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A step with its placeholders filled in from earlier answers.
    fn filled(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Object(fields) => {
                let mut new = Map::new();
                for (name, field) in fields {
                    let field = match name.as_str() {
                        "answer" => field.clone(),
                        _ => self.filled(field)?,
                    };
                    new.insert(self.text(name)?.as_str().unwrap_or(name).to_owned(), field);
                }
                Value::Object(new)
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.filled(item))
                .collect::<Result<_, _>>()?,
            Value::String(text) => self.text(text)?,
            other => other.clone(),
        })
    }

    fn text(&self, text: &str) -> Result<Value, String> {
        let mut new = String::new();
        let mut rest = text;
        while let Some((before, (inside, after))) = rest
            .split_once("{{")
            .and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            let (step, path) = inside.trim().split_once('.').unwrap_or((inside, ""));
            let value = self
                .answers
                .get(step)
                .map_or(Value::Null, |answer| paths::get(answer, path));
            match value {
                Value::Null => return Err(format!("{{{{{inside}}}}} has no value")),
                value if before.is_empty() && after.is_empty() && new.is_empty() => return Ok(value),
                Value::String(value) => new.push_str(&format!("{before}{value}")),
                value => new.push_str(&format!("{before}{value}")),
            }
            rest = after;
        }
        Ok(Value::String(format!("{new}{rest}")))
    }

    /// What of an answer is compared.
    fn view(&mut self, answer: &Answer, step: &Value) -> Value {
        self.normaliser.learn(&answer["body"]);
        let mut body = self.normaliser.value(&answer["body"], "");
        for path in strings(&step["ignore"]) {
            paths::remove(&mut body, &paths::parts(path));
        }
        for path in strings(&step["sort"]) {
            paths::each(&mut body, &paths::parts(path), &mut |list| {
                normalise::sort(list.as_array_mut().map_or(&mut [][..], Vec::as_mut_slice));
            });
        }
        if step["any_order"] == true {
            without_order(&mut body);
        }
        if step["shape"] == true {
            body = shape(&body);
        }
        let whole = json!({"body": body});
        let mut seen = Map::new();
        seen.insert("code".to_owned(), answer["code"].clone());
        let expected = match strings(&step["expect"]) {
            none if none.is_empty() => vec!["ctype", "warnings", "body"],
            some => some,
        };
        for what in expected {
            let value = match what {
                "code" => continue,
                "ctype" => answer["ctype"].clone(),
                "warnings" => self.normaliser.value(&answer["warnings"], ""),
                path => match path.strip_prefix("header:") {
                    Some(name) => match &answer["headers"][name.to_ascii_lowercase()] {
                        Value::Null => json!([]),
                        values => self.normaliser.value(values, ""),
                    },
                    None => paths::get(&whole, path),
                },
            };
            seen.insert(what.to_owned(), value);
        }
        Value::Object(seen)
    }

    /// Removes what the file made and tells what stays.
    async fn end(&self, scenario: &Value) -> Vec<String> {
        let namespaces = scenario["namespaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(namespace_path);
        let made: Vec<String> = strings(&scenario["cleanup"])
            .into_iter()
            .map(str::to_owned)
            .chain(namespaces)
            .collect();
        for path in &made {
            client::send(&self.handle, &json!({"method": "DELETE", "path": path})).await;
        }
        let mut left = Vec::new();
        for path in made {
            let gone = json!({"path": path, "code": 404, "timeout_s": REMOVAL.as_secs()});
            left.extend(self.wait(&gone).await);
        }
        left
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The real server walks a map for the causes of some faults: they come in any order, and so does their message.
fn without_order(body: &mut Value) {
    if let Some(causes) = body.pointer_mut("/details/causes").and_then(Value::as_array_mut) {
        normalise::sort(causes);
        let message = body["message"].as_str().unwrap_or_default();
        let before = message.split(" is invalid: ").next().unwrap_or_default();
        body["message"] = format!("{before} is invalid: <causes>").into();
    }
}

/// Only the types of what is there, as the recorder names them.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| (name.clone(), shape(field)))
                .collect(),
        ),
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        Value::Null => "NoneType".into(),
        Value::Bool(_) => "bool".into(),
        Value::String(_) => "str".into(),
        Value::Number(number) if number.is_f64() => "float".into(),
        Value::Number(_) => "int".into(),
    }
}

/// Equal as JSON: 1 is 1.0.
fn is_equal(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && b.is_number() && a.as_f64() == b.as_f64())
}

/// Tells where two answers differ.
fn compare(wanted: &Value, got: &Value, path: &str, found: &mut Vec<String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (name, wanted) in wanted {
                match got.get(name) {
                    Some(got) => compare(wanted, got, &format!("{path}.{name}"), found),
                    None => found.push(format!("{path}.{name}: missing, want {wanted}")),
                }
            }
            for (name, extra) in got.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
                found.push(format!("{path}.{name}: extra {extra}"));
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            if wanted.len() != got.len() {
                found.push(format!("{path}: want {} items, got {}", wanted.len(), got.len()));
            }
            for (at, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                compare(wanted, got, &format!("{path}[{at}]"), found);
            }
        }
        (wanted, got) if is_equal(wanted, got) => {}
        (wanted, got) => found.push(format!("{path}: want {wanted}, got {got}")),
    }
}
