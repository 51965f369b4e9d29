//! Secrets and ConfigMaps that something makes while the release runs, and that a simulated pod would wait for in vain.
//!
//! A Job with the name among its arguments, a custom object with the name in its spec (a Certificate, an ExternalSecret), or
//! a role with the name that lets such things be made, is taken for the maker or a sign of one. What nobody names is not
//! stood in for: its pod waits, as it would in the stage.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use manifest::{Finding, Object, Severity};
use objects::{Kind, meta};
use serde_json::{Map, Value, json};

/// What stands in for something, and the note that says so.
pub(crate) struct StandIn {
    pub object: Value,
    pub note: Finding,
}

/// Finds what has to be stood in for. `given` is what is there before the release.
pub(crate) fn stand_ins(objects: &[Object], given: &[Value], namespace: &str) -> Vec<StandIn> {
    let needs = objects.iter().flat_map(checks::needs);
    let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for need in needs.filter(|need| [Kind::SECRET, Kind::CONFIG_MAP].contains(&need.kind)) {
        let kind = if need.kind == Kind::SECRET {
            "Secret"
        } else {
            "ConfigMap"
        };
        wanted.entry((kind, need.name)).or_default().extend(need.keys);
    }
    let there = |kind: &str, name: &str| {
        let is_it = |value: &Value| value["kind"] == kind && meta::name(value) == name;
        given.iter().any(is_it) || objects.iter().any(|object| is_it(&object.value))
    };
    let missing = wanted.into_iter().filter(|((kind, name), _)| !there(kind, name));
    missing
        .filter_map(|((kind, name), keys)| {
            let maker = objects.iter().find(|object| makes(object, name))?;
            let data: Map<String, Value> = keys.into_iter().map(|key| (key.to_owned(), json!(""))).collect();
            Some(StandIn {
                object: json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "data": data}),
                note: Finding {
                    check: "made-at-runtime",
                    severity: Severity::Note,
                    object: maker.key.to_string(),
                    path: String::new(),
                    source: maker.source.clone(),
                    line: 0,
                    message: format!("is taken to make {kind} {name}; an empty one stood in for it"),
                    cure: Cow::Borrowed("nothing to do, if that is so; `--given` puts in a real one"),
                },
            })
        })
        .collect()
}

/// Whether an object is one that makes things, and names this one.
fn makes(object: &Object, name: &str) -> bool {
    let group = object.key.kind.group.as_ref();
    let is_custom = group.contains('.') && !group.ends_with(".k8s.io");
    match object.key.kind.name.as_ref() {
        "Job" | "CronJob" => checks::pod_spec(object).is_some_and(|pod| {
            let containers = meta::list_at(pod, "/initContainers").iter();
            let mut containers = containers.chain(meta::list_at(pod, "/containers"));
            containers.any(|one| {
                ["command", "args", "env"]
                    .iter()
                    .any(|field| names(&one[*field], name))
            })
        }),
        "Role" | "ClusterRole" if group == "rbac.authorization.k8s.io" => may_make(&object.value, name),
        _ => is_custom && names(&object.value["spec"], name),
    }
}

/// Whether a role lets somebody make this one: it names it, and lets such things be made. Names don't count for that
/// itself, so the two stand in different rules.
fn may_make(role: &Value, name: &str) -> bool {
    let rules = meta::list_at(role, "/rules");
    let has = |rule: &Value, field: &str, words: &[&str]| {
        let listed = rule[field].as_array().into_iter().flatten();
        let mut listed = listed.filter_map(Value::as_str);
        listed.any(|one| words.contains(&one))
    };
    let of_data = |rule: &&Value| has(rule, "resources", &["secrets", "configmaps", "*"]);
    let named = rules
        .iter()
        .filter(of_data)
        .any(|rule| has(rule, "resourceNames", &[name]));
    named
        && rules
            .iter()
            .filter(of_data)
            .any(|rule| has(rule, "verbs", &["create", "*"]))
}

/// Whether a name stands somewhere in a value, as a word.
fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => {
            let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.');
            let mut words = text.split(|char: char| !is_part(char));
            words.any(|word| word == name)
        }
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(fields) => fields.values().any(|field| names(field, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {
  volumes: [{name: t, secret: {secretName: tls}}, {name: o, secret: {secretName: maybe, optional: true}}],
  containers: [{name: c, env: [{name: K, valueFrom: {secretKeyRef: {name: keys, key: k}}}]}]}}}
";

    #[test]
    fn what_a_job_or_a_custom_object_names_is_stood_in_for() {
        let job = |args: &str| {
            format!(
                "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec: {{template: {{spec: {{containers: [{{name: c, args: [{args}]}}]}}}}}}\n"
            )
        };
        let certificate = "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: c}\nspec: {secretName: tls}\n";
        let given = json!({"kind": "Secret", "metadata": {"name": "tls"}});
        let role = |verbs: &str| {
            format!(
                "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r}}\nrules:\n\
                 - {{apiGroups: [''], resources: [secrets], resourceNames: [tls], verbs: [get]}}\n\
                 - {{apiGroups: [''], resources: [secrets], verbs: [{verbs}]}}\n"
            )
        };
        for (others, given, expected) in [
            (String::new(), None, vec![]),
            (job("--secret-name=tls"), None, vec!["Secret tls"]),
            (job("--secret-name=tls-2"), None, vec![]),
            (certificate.to_owned(), None, vec!["Secret tls"]),
            (certificate.to_owned(), Some(given), vec![]),
            (role("create"), None, vec!["Secret tls"]),
            (role("list"), None, vec![]),
            (job("tls, keys"), None, vec!["Secret keys", "Secret tls"]),
        ] {
            let objects = manifest::read(&format!("{DEPLOYMENT}{others}")).unwrap();
            let given: Vec<Value> = given.into_iter().collect();
            let found: Vec<String> = stand_ins(&objects, &given, "shop")
                .iter()
                .map(|one| format!("{} {}", meta::text(&one.object, "kind"), meta::name(&one.object)))
                .collect();
            assert_eq!(found, expected, "{others}");
        }
    }

    #[test]
    fn it_has_the_keys_that_are_asked_for() {
        let job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: c, args: [keys]}]}}}\n";
        let objects = manifest::read(&format!("{DEPLOYMENT}{job}")).unwrap();
        let found = stand_ins(&objects, &[], "shop");
        assert_eq!(found[0].object["data"], json!({"k": ""}));
        assert_eq!(found[0].note.check, "made-at-runtime");
    }
}
