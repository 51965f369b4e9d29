//! The isolation check against a cluster as it is to be, and against ones with a hole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use cluster::{Apply, Ask, Delete, Impersonate};
use control::{Check, Outcome, Report};
use kinds::condition::{ISOLATED, READY};
use kinds::{Object, Tenant};
use serde_json::{Value, json};
use tenancy::guard;
use tenancy::probe::{self, Answer, By, Expected, Verdict};

use crate::ground::{Ground, Running, Server};

const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn tenant(name: &str) -> Value {
    let members: Vec<Value> = ["View", "Deploy", "Administer"]
        .iter()
        .map(|role| json!({"group": format!("{name}:{role}"), "role": role}))
        .collect();
    let spec = json!({
        "members": members,
        "quota": {"cpu": "1", "memory": "2Gi"},
        "hosts": [format!("{name}.example.com")],
        "network": {"ingress": true},
    });
    json!({"kind": "Tenant", "metadata": {"name": name}, "spec": spec})
}

/// A hub and a target with three tenants, one of which has two namespaces.
async fn three() -> (Ground, Running) {
    let ground = Ground::new(&["staging"]).await;
    let running = ground.controller("only").await;
    for name in ["red", "green", "blue"] {
        let mut tenant = tenant(name);
        if name == "blue" {
            tenant["spec"]["namespaces"] =
                json!([{"name": "blue"}, {"name": "blue-jobs", "podSecurity": "Baseline"}]);
        }
        ground.create(kinds::API_VERSION, tenant).await;
    }
    for name in ["red", "green", "blue"] {
        ready(&ground, name).await;
    }
    (ground, running)
}

async fn ready(ground: &Ground, name: &str) -> Object<Tenant> {
    let is_ready = |tenant: &Object<Tenant>| {
        let mut conditions = tenant.status.conditions.iter();
        conditions.any(|one| one.kind == READY && one.status == "True")
    };
    ground.until::<Tenant>(name, is_ready).await
}

async fn check(ground: &Ground) -> Report {
    ground.hub.check(&Check::default()).await.unwrap()
}

async fn apply(target: &Server, object: Value) {
    let (api_version, kind) = (
        object["apiVersion"].as_str().unwrap(),
        object["kind"].as_str().unwrap(),
    );
    let resource = target.client.resource(api_version, kind).await.unwrap().unwrap();
    let at = resource.at(objects::meta::namespace(&object), objects::meta::name(&object));
    let how = Apply {
        manager: "somebody",
        force: true,
        dry_run: false,
    };
    target.client.apply(at, &object, how).await.unwrap();
}

/// The probes that succeeded, with attacker and victim, each once.
fn succeeded(report: &Report) -> BTreeSet<(&str, &str, &str)> {
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.outcome == Outcome::Succeeded),
        "{:#?}",
        report.findings
    );
    let findings = report.findings.iter();
    findings
        .map(|one| (one.attacker.as_str(), one.victim.as_str(), one.probe.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_of_every_tenant_on_every_other_is_stopped() {
    let (ground, _running) = three().await;
    let report = check(&ground).await;
    let told: Vec<String> = report
        .findings
        .iter()
        .map(|one| {
            format!(
                "{:?} {} {} {}: {}",
                one.outcome, one.probe, one.role, one.request, one.said
            )
        })
        .collect();
    assert!(report.is_proof(), "{} findings\n{}", told.len(), told.join("\n"));
    let staging = &report.clusters[0];
    assert_eq!(
        (staging.attackers, staging.pairs, staging.pairs_there_are),
        (3, 6, 6)
    );
    for row in &staging.rows {
        let stopped: usize = row.stopped.values().sum();
        assert_eq!(row.tries, stopped + row.let_through, "{row:?}");
        let is_gateway = row.probe.contains("route") || row.probe == "other-backend";
        assert_eq!(row.not_served > 0, is_gateway, "{row:?}");
    }
    is_page(&report);
}

/// The reference page is what the check finds.
fn is_page(report: &Report) {
    let mut page = String::from(
        "<!-- Made by the check of three tenants on a mini cluster: `UPDATE=1 cargo test -p control every_attack` -->\n\
         # Probes of the isolation check\n\n\
         What `shipway tenant check` tries as every role of a tenant and as its deploy identity, and by what each was \
         stopped; see [the proof of isolation](../operating/isolation.md). A probe with a check is a manifest that a chart \
         could carry: the guard finds it before anything is sent.\n\n\
         | probe | is | check of the guard | stopped in the cluster by |\n|---|---|---|---|\n",
    );
    let checks: BTreeMap<&str, &str> = probe::ways().iter().map(|way| (way.id, way.check)).collect();
    for row in &report.clusters[0].rows {
        let check = match checks.get(row.probe.as_str()) {
            Some(&"") | None => String::new(),
            Some(check) => format!("[`{check}`](checks.md#{check})"),
        };
        let stopped: Vec<&str> = row.stopped.keys().map(String::as_str).collect();
        let stopped = match (stopped.as_slice(), row.let_through) {
            ([], 0) => "not served by a mini cluster".to_owned(),
            ([], _) => "let through, as it must be".to_owned(),
            (stopped, _) => stopped.join("; "),
        };
        writeln!(page, "| `{}` | {} | {check} | {stopped} |", row.probe, row.title).unwrap();
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/isolation-probes.md"
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        page,
        "run it again with UPDATE=1"
    );
}

/// The way out must be stopped by what its rule says, with the guard off: as the deploy identity, straight to the cluster.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_out_by_a_chart_is_refused_by_what_its_rule_says() {
    let (ground, _running) = three().await;
    let target = &ground.targets[0];
    let (red, blue) = (ready(&ground, "red").await, ready(&ground, "blue").await);
    let mut tried = BTreeSet::new();
    for one in [probe::alone(&red), probe::pair(&red, &blue)].concat() {
        let Some(way) = probe::ways().into_iter().find(|way| way.id == one.id) else {
            continue;
        };
        let served = target.client.resource(way.api_version, way.kind).await.unwrap();
        let Some(resource) = served.filter(|_| one.who.role == "deploy identity") else {
            continue;
        };
        let user = target.client.impersonating(Impersonate {
            user: one.who.user.clone(),
            ..Impersonate::default()
        });
        let at = resource.at(&one.request.namespace, "");
        let status = user.probe(at, Ask::Create(&one.request.body)).await.unwrap();
        let answer = Answer {
            code: status.code,
            reason: status.reason,
            message: status.message,
            body: Value::Null,
        };
        let Verdict::Stopped(by) = probe::judge(&one, &answer) else {
            panic!("{}: {answer:?}", one.id);
        };
        if let Some(rule) = guard::rules().find(|rule| rule.id == way.check) {
            assert!(is_held(rule, &by), "{} is stopped by {by}: {answer:?}", one.id);
        }
        tried.insert(one.id);
    }
    assert!(tried.len() >= 60, "{}", tried.len());
}

fn is_held(rule: &guard::Rule, by: &By) -> bool {
    let held = |one| rule.held_by.contains(&one);
    match by {
        By::Rights | By::Escalation => held(guard::HeldBy::Rbac),
        By::Policy(check) => held(guard::HeldBy::Policy) && check == rule.id,
        By::PodSecurity => held(guard::HeldBy::PodSecurity),
        By::Quota => held(guard::HeldBy::Quota),
        By::Limits | By::Absence => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_too_many_is_found_with_all_that_it_opens() {
    let (ground, _running) = three().await;
    let binding = json!({
        "apiVersion": RBAC, "kind": "RoleBinding", "metadata": {"name": "too-much", "namespace": "blue"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "red:Deploy"}],
    });
    apply(&ground.targets[0], binding).await;
    let report = check(&ground).await;
    let expected = [
        "any-right",
        "other-namespace",
        "read-claims",
        "read-configmaps",
        "read-deployments",
        "read-events",
        "read-logs",
        "read-pods",
        "read-services",
    ];
    let expected = expected.map(|probe| ("red", "blue", probe));
    assert_eq!(succeeded(&report), BTreeSet::from(expected));
    assert!(report.findings.iter().all(|finding| finding.role == "Deploy"));
    assert_eq!(report.of("green").count(), 0);
    assert_eq!(report.of("blue").count(), report.findings.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_too_few_is_found_with_all_that_it_opens() {
    let (ground, running) = three().await;
    // Otherwise it would be put back.
    running.stop().await;
    let target = &ground.targets[0];
    let bindings = target
        .client
        .resource(
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicyBinding",
        )
        .await
        .unwrap()
        .unwrap();
    for name in ["shipway-tenants-networkpolicies", "shipway-tenants-marks"] {
        target
            .client
            .delete(bindings.at("", name), Delete::default())
            .await
            .unwrap();
    }
    let report = check(&ground).await;
    let probes: BTreeSet<&str> = report
        .findings
        .iter()
        .map(|finding| finding.probe.as_str())
        .collect();
    let expected = [
        "finalizer",
        "from-network",
        "network-api",
        "network-open",
        "own-binding-gone",
        "own-bindings-gone",
        "own-network",
        "own-network-gone",
        "own-network-mark",
        "own-networks-gone",
        "tenant-mark",
    ];
    assert_eq!(probes, BTreeSet::from(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_works_nothing_is_proven() {
    let (ground, running) = three().await;
    running.stop().await;
    let target = &ground.targets[0];
    let bindings = target
        .client
        .resource(RBAC, "RoleBinding")
        .await
        .unwrap()
        .unwrap();
    let at = bindings.at("red", "shipway:deploy");
    target.client.delete(at, Delete::default()).await.unwrap();
    let report = check(&ground).await;
    let unclear: Vec<_> = report
        .findings
        .iter()
        .map(|one| {
            (
                one.outcome,
                one.probe.as_str(),
                one.attacker.as_str(),
                one.role.as_str(),
            )
        })
        .collect();
    assert_eq!(
        BTreeSet::from_iter(
            unclear
                .iter()
                .map(|(_, probe, attacker, role)| (*probe, *attacker, *role))
        ),
        BTreeSet::from([("work-deploy", "red", "Deploy"), ("work-read", "red", "Deploy")]),
    );
    assert!(unclear.iter().all(|(outcome, ..)| *outcome == Outcome::Unclear));
    assert!(!report.is_proof());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_changes_nothing() {
    let (ground, running) = three().await;
    running.stop().await;
    let target = &ground.targets[0];
    let before = everything(target).await;
    check(&ground).await;
    assert_eq!(everything(target).await, before);
    let made = probe::alone(&ready(&ground, "red").await);
    assert!(made.iter().any(|probe| probe.expected == Expected::LetThrough));
}

/// Every object that a check could have to do with, by kind, namespace and name, with its version.
async fn everything(target: &Server) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (api_version, kind) in [
        ("v1", "Pod"),
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("v1", "Namespace"),
        ("v1", "ResourceQuota"),
        ("v1", "LimitRange"),
        ("v1", "ServiceAccount"),
        ("v1", "PersistentVolumeClaim"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("networking.k8s.io/v1", "Ingress"),
        (RBAC, "RoleBinding"),
        (RBAC, "Role"),
        (RBAC, "ClusterRole"),
        ("apps/v1", "Deployment"),
        (
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicyBinding",
        ),
    ] {
        let resource = target.client.resource(api_version, kind).await.unwrap().unwrap();
        let listed = target
            .client
            .list(&resource, None, &cluster::ListQuery::default())
            .await
            .unwrap();
        for object in listed.items {
            let key = format!(
                "{kind} {}/{}",
                objects::meta::namespace(&object),
                objects::meta::name(&object)
            );
            // Of a quota the controller notes what is used.
            let version = if kind == "ResourceQuota" {
                ""
            } else {
                objects::meta::resource_version(&object)
            };
            all.insert(key, version.to_owned());
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_check_tells_what_it_found_until_it_is_mended() {
    let ground = Ground::new(&["staging"]).await;
    let options = control::Options {
        check_every: Some(Duration::from_millis(100)),
        ..ground.options("only")
    };
    let _running = ground.run(options).await;
    for name in ["red", "blue"] {
        ground.create(kinds::API_VERSION, tenant(name)).await;
    }
    let isolated = |status: &'static str| {
        move |tenant: &Object<Tenant>| {
            let mut conditions = tenant.status.conditions.iter();
            conditions.any(|one| one.kind == ISOLATED && one.status == status)
        }
    };
    ground.until::<Tenant>("red", isolated("True")).await;
    let target = &ground.targets[0];
    let binding = json!({
        "apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:monitoring"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "red:View"}],
    });
    apply(target, binding).await;
    let broken = ground.until::<Tenant>("red", isolated("False")).await;
    let mut conditions = broken.status.conditions.iter();
    let message = &conditions.find(|one| one.kind == ISOLATED).unwrap().message;
    assert!(
        message.contains("server-metrics by red (View) in staging"),
        "{message}"
    );
    let bindings = target
        .client
        .resource(RBAC, "ClusterRoleBinding")
        .await
        .unwrap()
        .unwrap();
    target
        .client
        .delete(bindings.at("", "too-much"), Delete::default())
        .await
        .unwrap();
    ground.until::<Tenant>("red", isolated("True")).await;
}
