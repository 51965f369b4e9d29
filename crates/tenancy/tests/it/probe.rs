//! The probes: each way out is one that the guard knows, and every answer is judged for what it says.

use std::collections::BTreeSet;

use kinds::{Object, Tenant};
use serde_json::{Value, json};
use tenancy::guard::{Facts, Guard};
use tenancy::probe::{self, Answer, By, Expected, Probe, Verb, Verdict};

fn tenant(name: &str) -> Object<Tenant> {
    let members: Vec<Value> = ["View", "Deploy", "Administer"]
        .iter()
        .map(|role| json!({"group": format!("{name}-{role}"), "role": role}))
        .collect();
    Object::read(&json!({"metadata": {"name": name}, "spec": {
        "quota": {"cpu": "2", "memory": "4Gi"},
        "members": members,
        "hosts": [format!("{name}.example.com")],
        "namespaces": [{"name": name}, {"name": format!("{name}-b"), "podSecurity": "Baseline"}],
    }}))
    .unwrap()
}

fn probes() -> Vec<Probe> {
    [
        probe::alone(&tenant("red")),
        probe::pair(&tenant("red"), &tenant("blue")),
    ]
    .concat()
}

#[test]
fn the_guard_finds_every_way_out_in_a_chart() {
    let (red, blue) = (tenant("red"), tenant("blue"));
    let guard = Guard::new();
    let mut tried = BTreeSet::new();
    let grounds = [probe::grounds(&red, None), probe::grounds(&red, Some(&blue))].concat();
    for (way, ground) in probe::ways()
        .into_iter()
        .flat_map(|way| grounds.iter().map(move |ground| (way, ground)))
    {
        let Some(object) = way.object(ground) else {
            continue;
        };
        let namespace = if object.to_string().contains("\"red-b\"") {
            "red-b"
        } else {
            "red"
        };
        let text = object.to_string();
        let objects = manifest::read_placed(&text).unwrap();
        let found = guard.check(&objects, &Facts::of(&red, namespace));
        let checks: Vec<&str> = found.iter().map(|finding| finding.check).collect();
        match way.check {
            "" => assert!(checks.is_empty(), "{} is found as {checks:?}", way.id),
            check => assert!(checks.contains(&check), "{} is found as {checks:?}", way.id),
        }
        tried.insert(way.id);
    }
    assert_eq!(
        tried.len(),
        probe::ways().len(),
        "each is a way out for somebody, and no id is there twice"
    );
    assert!(tried.len() >= 60, "{}", tried.len());
}

#[test]
fn every_attack_is_made_by_every_role_and_the_deploy_identity() {
    let probes = probes();
    let attacks: BTreeSet<&str> = probes.iter().map(|probe| probe.id).collect();
    assert!(attacks.len() >= 120, "{}", attacks.len());
    for id in attacks {
        let roles: BTreeSet<&str> = probes
            .iter()
            .filter(|one| one.id == id)
            .map(|one| one.who.role)
            .collect();
        let expected = if id == "work-deploy" { 3 } else { 4 };
        assert_eq!(roles.len(), expected, "{id}: {roles:?}");
    }
}

#[test]
fn a_probe_is_told_by_one_id() {
    let mut titles: std::collections::BTreeMap<&str, BTreeSet<&str>> = std::collections::BTreeMap::new();
    for probe in probes() {
        titles.entry(probe.id).or_default().insert(probe.title);
    }
    for (id, titles) in titles {
        assert_eq!(titles.len(), 1, "{id}: {titles:?}");
    }
}

#[test]
fn who_belongs_to_both_does_not_attack() {
    let mut blue = tenant("blue");
    blue.spec.members.push(tenant("red").spec.members[1].clone());
    let probes = probe::pair(&tenant("red"), &blue);
    assert!(!probes.is_empty() && probes.iter().all(|probe| probe.who.role != "Deploy"));
}

#[test]
fn a_tenant_that_is_leaving_must_not_be_able_to_work() {
    let mut red = tenant("red");
    red.metadata.deletion_timestamp = "2026-01-01T00:00:00Z".to_owned();
    assert!(
        probe::alone(&red)
            .iter()
            .all(|probe| probe.expected == Expected::Stopped)
    );
}

#[test]
fn only_a_refusal_of_the_right_one_by_the_right_one_counts() {
    let of = |id: &str| {
        probes()
            .into_iter()
            .find(|probe| probe.id == id && probe.who.role == "Deploy")
            .unwrap()
    };
    let pod = of("pod-host-path");
    assert_eq!(
        (pod.request.verb, pod.who.user.as_str()),
        (Verb::Create, "shipway-check")
    );
    let policy = "pods \"shipway-check\" is forbidden: ValidatingAdmissionPolicy 'shipway-tenants-pods' with binding \
                  'shipway-tenants-pods' denied request: host-path: mounts a folder of the node; use `emptyDir`";
    let cases = [
        (
            403,
            "pods is forbidden: User \"shipway-check\" cannot create resource \"pods\"",
            "stopped: rights",
        ),
        (
            403,
            "pods is forbidden: User \"somebody\" cannot create resource \"pods\"",
            "unclear",
        ),
        (
            403,
            "users \"a\" is forbidden: User \"b\" cannot impersonate resource \"users\"",
            "unclear",
        ),
        (403, "<html>denied by proxy</html>", "unclear"),
        (403, policy, "stopped: policy host-path"),
        (
            403,
            "ValidatingAdmissionPolicy 'other' with binding 'b' denied request: no",
            "stopped: policy other",
        ),
        (
            403,
            "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": hostPath",
            "stopped: pod security",
        ),
        (
            403,
            "pods \"a\" is forbidden: exceeded quota: shipway, requested: pods=1",
            "stopped: quota",
        ),
        (200, "", "succeeded"),
        (201, "", "succeeded"),
        (404, "namespaces \"red\" not found", "succeeded"),
        (409, "there is one", "succeeded"),
        (401, "Unauthorized", "unclear"),
        (422, "is invalid", "unclear"),
        (500, "", "unclear"),
    ];
    for (code, message, expected) in cases {
        let answer = Answer {
            code,
            message: message.to_owned(),
            ..Answer::default()
        };
        let told = match probe::judge(&pod, &answer) {
            Verdict::Stopped(by) => format!("stopped: {by}"),
            Verdict::Succeeded(_) => "succeeded".to_owned(),
            Verdict::Unclear(_) => "unclear".to_owned(),
        };
        assert_eq!(told, expected, "{code} {message}");
    }
}

#[test]
fn of_a_question_the_answer_counts_and_not_that_there_is_one() {
    let probes = probes();
    let access = probes
        .iter()
        .find(|probe| probe.id == "impersonate-users")
        .unwrap();
    let rules = probes.iter().find(|probe| probe.id == "any-right").unwrap();
    let judge = |probe, status| {
        let answer = Answer {
            code: 201,
            body: json!({"status": status}),
            ..Answer::default()
        };
        probe::judge(probe, &answer)
    };
    let everybodys = json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
                            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]});
    let secrets =
        json!({"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]});
    assert_eq!(
        judge(access, json!({"allowed": false})),
        Verdict::Stopped(By::Rights)
    );
    assert!(matches!(
        judge(access, json!({"allowed": true})),
        Verdict::Succeeded(_)
    ));
    assert!(matches!(judge(access, json!({})), Verdict::Unclear(_)));
    assert_eq!(
        judge(rules, json!({"resourceRules": [everybodys]})),
        Verdict::Stopped(By::Rights)
    );
    assert_eq!(
        judge(rules, json!({"resourceRules": [everybodys, secrets]})),
        Verdict::Succeeded("it may get secrets".to_owned())
    );
}
