//! The guard: every rule finds what it is for, at its place, and nothing else.

use std::collections::BTreeSet;

use manifest::{Finding, Severity};
use serde_json::{Value, json};
use tenancy::guard::{self, Facts, Guard};

use crate::cases;

/// The tenant of the cases, whose releases go to `pay`.
fn tenant() -> kinds::Object<kinds::Tenant> {
    let quota = |balancers| json!({"cpu": "4", "memory": "8Gi", "loadBalancers": balancers});
    kinds::Object::read(&json!({
        "metadata": {"name": "pay"},
        "spec": {
            "quota": quota(0),
            "hosts": ["pay.example.com", "*.shop.example.com"],
            "namespaces": [
                {"name": "pay"},
                {"name": "pay-jobs", "podSecurity": "Baseline", "quota": quota(1)},
            ],
        },
    }))
    .unwrap()
}

fn findings(guard: &Guard, text: &str) -> Vec<Finding> {
    let facts = Facts::of(&tenant(), "pay");
    guard.check(&manifest::read_placed(text).unwrap(), &facts)
}

#[test]
fn each_case_has_its_finding_and_no_other() {
    let guard = Guard::new();
    for case in cases::all() {
        let found = findings(&guard, &case.text);
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.check, one.path.as_str(), one.line, one.severity))
            .collect();
        let expected: Vec<_> = case
            .finding
            .iter()
            .map(|one| {
                let severity = if one.is_warning {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                (one.check.as_str(), one.path.as_str(), one.line, severity)
            })
            .collect();
        assert_eq!(found, expected, "{}", case.text);
    }
}

#[test]
fn each_rule_has_a_case() {
    let cases = cases::all();
    let found: BTreeSet<&str> = cases
        .iter()
        .filter_map(|case| Some(case.finding.as_ref()?.check.as_str()))
        .collect();
    let rules: BTreeSet<&str> = guard::rules().map(|rule| rule.id).collect();
    assert_eq!(found, rules);
}

#[test]
fn every_finding_of_a_chart_is_told_with_its_place() {
    let text = "---\n# Source: web/templates/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: other\n\
                spec:\n  hostNetwork: true\n  hostPID: true\n  automountServiceAccountToken: false\n  containers: []\n\
                ---\n# Source: web/templates/list.yaml\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  \
                metadata: {name: b}\n  spec:\n    externalIPs: [192.0.2.1]\n";
    let found = findings(&Guard::new(), text);
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "web/templates/pod.yaml:7: other-namespace: Pod other/a metadata.namespace: is in a namespace that is not the \
             tenant's",
            "web/templates/pod.yaml:9: host-network: Pod other/a spec.hostNetwork: is in the node's network",
            "web/templates/pod.yaml:10: host-pid: Pod other/a spec.hostPID: sees the node's processes",
            "web/templates/list.yaml:22: external-ip: Service b spec.externalIPs: takes the cluster's traffic to addresses \
             of its choice",
        ]
    );
    assert!(found.iter().all(|finding| !finding.cure.is_empty()));
}

#[test]
fn a_release_into_another_namespace_is_found_though_its_objects_name_none() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}";
    let placed = manifest::read_placed(text).unwrap();
    let found = |release: &str| -> Vec<&str> {
        let found = Guard::new().check(&placed, &Facts::of(&tenant(), release));
        found.iter().map(|finding| finding.check).collect()
    };
    assert_eq!(found("pay-jobs"), [""; 0]);
    assert_eq!(found("default"), ["other-namespace"]);
}

#[test]
fn no_shape_of_an_object_is_a_way_past() {
    let guard = Guard::new();
    for (text, expected) in [
        // The API server reads none of these; nothing is passed over for that.
        ("spec: 3", "unreadable"),
        ("spec: {hostNetwork: 'true'}", "unreadable"),
        ("spec: {containers: [3]}", "unreadable"),
        (
            "spec: {containers: [{securityContext: {privileged: 1}}]}",
            "unreadable",
        ),
        ("spec: {volumes: {hostPath: {path: /}}}", "unreadable"),
        ("spec: {tolerations: [{key: null}]}", "toleration"),
        ("spec: {volumes: [{name: a, hostPath: {}}]}", "host-path"),
        ("spec: {hostNetwork: true, hostNetwork: true}", "host-network"),
    ] {
        let found = findings(
            &guard,
            &format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\n{text}"),
        );
        assert!(found.iter().any(|one| one.check == expected), "{text}: {found:?}");
    }
}

/// The ways to every part of a value.
fn ways(value: &Value, way: &str, all: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let key = key.replace('~', "~0").replace('/', "~1");
        let way = format!("{way}/{key}");
        ways(value, &way, all);
        all.push(way);
    }
}

#[test]
fn whatever_a_part_is_replaced_by_the_guard_ends_and_tells_a_place() {
    let guard = Guard::new();
    let others = [
        json!(null),
        json!(3),
        json!("x"),
        json!([]),
        json!({}),
        json!([[1]]),
        json!({"a": [null]}),
        json!(true),
    ];
    let rules: BTreeSet<&str> = guard::rules().map(|rule| rule.id).collect();
    let mut tried = 0;
    for case in cases::all() {
        let object = manifest::read(&case.text).unwrap().remove(0).value;
        let mut all = Vec::new();
        ways(&object, "", &mut all);
        for way in all {
            let mut changed = object.clone();
            *changed.pointer_mut(&way).unwrap() = others[tried % others.len()].clone();
            tried += 1;
            let text = changed.to_string();
            // Without a name it is no object.
            let Ok(placed) = manifest::read_placed(&text) else {
                continue;
            };
            for finding in guard.check(&placed, &Facts::of(&tenant(), "pay")) {
                assert!(
                    rules.contains(finding.check) && finding.line == 1,
                    "{way}: {finding}"
                );
            }
        }
    }
    assert!(tried > 1_000);
}

#[test]
fn what_costs_too_much_to_decide_is_a_finding() {
    let names = "a.example.com,".repeat(100_000);
    let text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: a, annotations: {{external-dns.alpha.kubernetes.io/hostname: \
         '{names}'}}}}\nspec: {{externalIPs: [192.0.2.1]}}"
    );
    let found = findings(&Guard::new(), &text);
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.check, one.message.contains("cost limit")))
        .collect();
    assert_eq!(found, [("external-ip", false), ("unreadable", true)]);
}

#[test]
fn an_object_of_many_parts_is_told_of_in_a_while() {
    let hosts: Vec<String> = (0..5_000)
        .map(|at| format!("{{host: h{at}.example.com}}"))
        .collect();
    let text = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: a}}\nspec: {{rules: [{}]}}",
        hosts.join(",")
    );
    let found = findings(&Guard::new(), &text);
    assert_eq!(
        found.iter().filter(|one| one.check == "foreign-host").count(),
        5_000
    );
}

#[test]
fn the_page_of_checks_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/checks.md");
    let cases = cases::all();
    let example = |id: &str| {
        let is = |case: &&cases::Case| case.finding.as_ref().is_some_and(|one| one.check == id);
        let text = &cases.iter().find(is).unwrap().text;
        let (_, object) = text.split_once('\n').unwrap();
        object.replace("# here", &format!("# {id}"))
    };
    let page = guard::page(example);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        page,
        "UPDATE=1 cargo test -p tenancy the_page"
    );
}

#[test]
fn a_rule_says_everything_once_and_in_one_line() {
    let mut ids = BTreeSet::new();
    for rule in guard::rules() {
        assert!(ids.insert(rule.id), "{}", rule.id);
        for text in [rule.title, rule.message, rule.cure, rule.why] {
            assert!(
                !text.is_empty() && !text.contains('\n') && !text.contains("  "),
                "{}",
                rule.id
            );
        }
        assert!(
            !rule.message.ends_with('.') && !rule.cure.ends_with('.'),
            "{}",
            rule.id
        );
        assert!(!rule.held_by.is_empty(), "{}", rule.id);
    }
}
