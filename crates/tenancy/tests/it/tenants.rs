//! The cases: manifests in, mistakes, objects or a plan out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use objects::{Key, Kind, meta};
use serde_json::{Value, json};

use crate::{Manifests, applied, read, time};

const NOW: &str = "2026-03-01T12:00:00Z";

/// Holds every case of a folder against its snapshot.
fn check(folder: &str, print: impl Fn(&Manifests) -> String) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no case in {}", folder.display());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        snapshot(&folder, name, &print(&read(&text)));
    }
}

fn snapshot(folder: &Path, name: &str, found: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, found));
}

#[test]
fn grants() {
    check("grant", |manifests| {
        let grants = tenancy::grant(&manifests.tenants, &manifests.clusters);
        let mut out = String::new();
        for (name, granted) in &grants.tenants {
            match granted {
                Ok(shares) => {
                    writeln!(out, "{name}: granted").unwrap();
                    for share in shares {
                        let waits = if share.granted {
                            ""
                        } else {
                            ", waits for the capacity"
                        };
                        writeln!(
                            out,
                            "  {}: cpu {}, memory {}{waits}",
                            share.cluster, share.cpu, share.memory
                        )
                        .unwrap();
                    }
                }
                Err(mistakes) => {
                    writeln!(out, "{name}: {}", mistakes[0].reason).unwrap();
                    for mistake in mistakes {
                        writeln!(out, "  {mistake}").unwrap();
                    }
                }
            }
        }
        for (name, taken) in &grants.clusters {
            let of = |limit: &Option<String>| limit.clone().unwrap_or_else(|| "?".to_owned());
            writeln!(
                out,
                "cluster {name}: cpu {} of {}, memory {} of {}",
                taken.cpu,
                of(&taken.cpu_limit),
                taken.memory,
                of(&taken.memory_limit)
            )
            .unwrap();
        }
        out
    });
}

/// The first tenant in the first cluster.
#[test]
fn wanted() {
    check("wanted", |manifests| {
        let wanted = tenancy::wanted(&manifests.tenants[0], &manifests.clusters[0]);
        let mut out = String::new();
        for object in &wanted {
            writeln!(out, "{}", Key::of(Kind::of(object), object)).unwrap();
            leaves(&mut out, "  ", object);
        }
        out
    });
}

/// Every field that a kind does not have anyway, a line each.
fn leaves(out: &mut String, indent: &str, object: &Value) {
    let mut rest = object.clone();
    let fields = rest.as_object_mut().expect("an object");
    fields.remove("apiVersion");
    fields.remove("kind");
    let metadata = fields
        .get_mut("metadata")
        .and_then(Value::as_object_mut)
        .expect("metadata");
    metadata.remove("name");
    metadata.remove("namespace");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
        && annotations.contains_key("shipway.dev/applied")
    {
        annotations.insert("shipway.dev/applied".to_owned(), json!("(digest)"));
    }
    walk(out, indent, "", &rest);
}

fn walk(out: &mut String, indent: &str, path: &str, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                walk(out, indent, &format!("{path}{dot}{name}"), value);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (at, value) in items.iter().enumerate() {
                walk(out, indent, &format!("{path}[{at}]"), value);
            }
        }
        value => writeln!(out, "{indent}{path}: {value}").expect("a text takes all"),
    }
}

/// The second tenant, if there is one, is what was applied before. An object `Edit` changes what there is, by a merge
/// patch; of the kind `Absent` it takes it away. Other objects are there as they are written.
#[test]
fn plans() {
    check("plan", |manifests| {
        let tenant = &manifests.tenants[0];
        let cluster = &manifests.clusters[0];
        let before = manifests.tenants.get(1);
        let mut live = before.map_or_else(Vec::new, |before| applied(&tenancy::wanted(before, cluster)));
        for edit in &manifests.others {
            apply_edit(&mut live, edit);
        }
        let wanted = tenancy::wanted(tenant, cluster);
        let plan = match tenant.is_leaving() {
            true => tenancy::leave(tenant, &live, time(NOW)),
            false => tenancy::plan(&wanted, &live, tenant, time(NOW)),
        };
        let mut out = String::new();
        for step in &plan.steps {
            writeln!(out, "{step}").unwrap();
        }
        for refusal in &plan.refusals {
            writeln!(out, "refused: {refusal}").unwrap();
        }
        for drift in &plan.drift {
            writeln!(out, "drift: {drift}").unwrap();
        }
        if let Some(again) = plan.again {
            writeln!(out, "again: {again}").unwrap();
        }
        if let Some(proof) = &plan.proof {
            for left in &proof.left {
                writeln!(out, "left: {left}").unwrap();
            }
            writeln!(out, "proof is complete: {}", proof.is_complete()).unwrap();
        }
        if out.is_empty() {
            out.push_str("nothing to do\n");
        }
        out
    });
}

fn apply_edit(live: &mut Vec<Value>, edit: &Value) {
    let mut patch = edit.clone();
    let how = patch.as_object_mut().expect("an object").remove("edit");
    let key = Key::of(Kind::of(&patch), &patch);
    let at = live.iter().position(|one| Key::of(Kind::of(one), one) == key);
    match (how.as_ref().and_then(Value::as_str), at) {
        (Some("delete"), Some(at)) => {
            live.remove(at);
        }
        (Some("merge"), Some(at)) => merge(&mut live[at], &patch),
        (None, None) => {
            meta::map_mut(&mut patch, &["metadata"]).insert("uid".to_owned(), json!("uid-other"));
            live.push(patch);
        }
        (how, at) => panic!("{key}: edit {how:?} of {at:?}"),
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().expect("an object");
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[test]
fn the_foundation_and_the_rights_of_the_loop() {
    let mut out = String::new();
    for object in tenancy::foundation().iter().chain(&tenancy::controller()) {
        writeln!(out, "{}", Key::of(Kind::of(object), object)).unwrap();
        for rule in meta::list_at(object, "/rules") {
            let list = |field: &str| {
                let texts = meta::list_at(rule, &format!("/{field}"))
                    .iter()
                    .filter_map(Value::as_str);
                texts.collect::<Vec<_>>().join(" ")
            };
            let names = list("resourceNames");
            let names = if names.is_empty() {
                names
            } else {
                format!(" [{names}]")
            };
            let group = list("apiGroups");
            let group = if group.is_empty() {
                "core".to_owned()
            } else {
                group
            };
            writeln!(out, "  {group}: {}{names}: {}", list("resources"), list("verbs")).unwrap();
        }
        if object.get("rules").is_none() {
            leaves(&mut out, "  ", object);
        }
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    snapshot(&folder, "foundation", &out);
}
