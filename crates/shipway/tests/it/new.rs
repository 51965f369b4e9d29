//! `shipway new`: what is made, that it lives on a cluster as it was made, and what an update does to what users changed.

use kinds::{Application, Object, Tenant};
use tenancy::guard::{Facts, Guard};

use crate::folder::Folder;
use crate::mini::Mini;

/// What a tenant's namespace has that can stand in a service's way.
const NAMESPACE: &[(&str, &str)] = &[(
    "templates/all.yaml",
    "\
apiVersion: v1
kind: Namespace
metadata:
  name: payments
  labels:
    shipway.dev/tenant: payments
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: shipway, namespace: payments}
spec:
  hard:
    requests.cpu: \"2\"
    requests.memory: 2Gi
    limits.memory: 2Gi
    requests.storage: \"0\"
    services.loadbalancers: \"0\"
    services.nodeports: \"0\"
    pods: \"20\"
",
)];

/// Every setting, each with another value than its default.
const EVERYTHING: &str = "\
image: registry.example.com:5000/payments/api:1.2.3
command: [/api]
args: [--verbose, a b]
pullSecrets: [registry]
port: 9000
health: {ready: /readyz, live: /healthz, startSeconds: 125}
metrics: {path: /m, port: 9100, namespace: observability}
hosts: [pay.example.com, '*.pay.example.com']
ingress: {class: nginx, annotations: {cert-manager.io/cluster-issuer: le}, tlsSecret: api-tls, namespaces: [edge]}
network: {from: [{tenant: orders}, {namespace: batch}]}
replicas: {min: 3, max: 9, cpuPercent: 60}
surge: 25%
cpu: 0.5
memory: 1Gi
cpuLimit: 2
scratch: 1Gi
user: 1000
config: {LEVEL: info, LIMIT: 1000000, SHARE: 0.1, DEBUG: true, NONE: ''}
files: {app.yaml: \"a: 1\\nb: 2\\n\"}
secrets: [db, queue]
secretFiles: [{secret: tls, path: /etc/tls}]
stop: {drainSeconds: 5, graceSeconds: 60}
serviceAccount: {annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/x'}}
podAnnotations: {team: '1', prometheus.io/scrape: 'false'}
podLabels: {team: x, app.kubernetes.io/name: another}
nodeSelector: {disk: ssd}
tolerations: [{key: a, operator: Exists}]
test: {image: 'busybox:1'}
own: {anything: 1}
";

/// As little as can be.
const BARE: &str = "\
replicas: {min: 1, max: 1}
metrics: {path: ''}
health: {live: ''}
stop: {drainSeconds: 0}
test: {image: ''}
";

const GRPC: &str = "\
protocol: grpc
metrics: {monitor: true}
hosts: [pay.example.com]
ingress: {tls: false}
";

const TCP: &str = "\
protocol: tcp
metrics: {path: ''}
replicas: {min: 4, max: 0}
";

/// A folder with the service `api` of `payments`.
fn made(name: &str) -> Folder {
    let folder = Folder::new(name);
    let seen = folder.seen("new service api --tenant payments --host pay.example.com -q");
    assert!(seen.ends_with("--- exit 0"), "{seen}");
    folder
}

fn text(folder: &Folder, path: &str) -> String {
    String::from_utf8(folder.read(path)).expect("it is text")
}

/// Replaces a text that has to be there.
fn edit(folder: &Folder, path: &str, from: &str, to: &str) {
    let text = text(folder, path);
    assert!(text.contains(from), "{from:?} is not in:\n{text}");
    folder.write(path, &text.replacen(from, to, 1));
}

/// The digest of a file in the record of how the service was made.
fn recorded(folder: &Folder, path: &str) -> String {
    let record = text(folder, "api/.shipway/made.yaml");
    let line = record
        .lines()
        .find_map(|line| line.trim().strip_prefix(&format!("{path}: ")));
    line.expect("the file is recorded").to_owned()
}

/// Makes the service look as if the template had once made another README.md, which nobody touched since.
fn as_if_made_by_another_template(folder: &Folder) {
    let (readme, library) = (
        recorded(folder, "README.md"),
        recorded(folder, "values-staging.yaml"),
    );
    folder.write("api/README.md", &text(folder, "api/values-staging.yaml"));
    edit(
        folder,
        "api/.shipway/made.yaml",
        &format!("README.md: {readme}"),
        &format!("README.md: {library}"),
    );
}

#[test]
fn what_is_made_is_listed_with_what_comes_next() {
    let folder = Folder::new("new_listed");
    let lines = [
        "new service api --tenant payments --host pay.example.com",
        "new service web --tenant payments --image web:1 --port 80 --dir services/web -o json",
    ];
    folder.write("services/README.md", "");
    let seen = lines.map(|line| format!("$ shipway {line}\n{}\n", folder.seen(line)));
    insta::assert_snapshot!(seen.concat());
    assert!(text(&folder, "services/web/application.yaml").contains("path: services/web "));
    assert_eq!(
        text(&folder, "api/values-production.yaml").lines().last(),
        Some("hosts: [pay.example.com]")
    );
}

#[test]
fn a_service_as_made_has_no_findings_in_any_stage() {
    let folder = made("new_lint");
    for stage in [
        "",
        " -f api/values-staging.yaml",
        " -f api/values-production.yaml",
    ] {
        let seen = folder.seen(&format!("lint api --strict{stage}"));
        assert!(seen.ends_with("--- exit 0"), "{seen}");
        assert!(!seen.contains("warning"), "{seen}");
    }
}

#[test]
fn every_setting_renders() {
    let folder = made("new_render");
    let cases = [
        ("everything", EVERYTHING),
        ("bare", BARE),
        ("grpc", GRPC),
        ("tcp", TCP),
    ];
    for (name, values) in cases {
        folder.write(&format!("{name}.yaml"), values);
        let seen = folder.seen(&format!("template api ./api -n payments -f {name}.yaml"));
        assert!(seen.ends_with("--- exit 0"), "{seen}");
        insta::assert_snapshot!(name, seen);
    }
    insta::assert_snapshot!(
        "as_made",
        folder.seen("template api ./api -n payments -f api/values-production.yaml")
    );
}

#[test]
fn wrong_values_are_refused_with_what_is_wrong() {
    let folder = made("new_values");
    for (set, expected) in [
        (
            "replicas.max=1",
            "replicas.max is 1 and replicas.min is 2: raise replicas.max, or leave it out",
        ),
        ("replicas.min=0", "at '/replicas/min': minimum: got 0, want 1"),
        (
            "image=api",
            "image \"api\" has no tag: give it one, as in api:1.4.2, so that every pod runs the same",
        ),
        ("image=a:1/api", "image \"a:1/api\" has no tag"),
        (
            "image=api:latest",
            "image \"api:latest\" is another one every day",
        ),
        ("prot=1", "at '': additional properties 'prot' not allowed"),
        ("port=0", "at '/port': minimum: got 0, want 1"),
        ("hosts={Pay}", "at '/hosts/0': 'Pay' does not match pattern"),
        ("protocol=tcp,hosts={a.b}", "protocol is tcp and there are hosts"),
        ("tenant=null", "at '': missing property 'tenant'"),
        ("memory=1Q", "at '/memory': '1Q' does not match pattern"),
        ("user=0", "at '/user': minimum: got 0, want 1"),
        ("config.a/b=1", "invalid propertyName 'a/b'"),
        (
            "network.from[0].tenant=a,network.from[0].namespace=b",
            "at '/network/from/0': maxProperties: got 2, want 1",
        ),
    ] {
        let seen = folder.seen(&format!("template api ./api --set {set}"));
        assert!(
            seen.contains(expected) && seen.ends_with("--- exit 1"),
            "{set}\n{seen}"
        );
    }
    let seen = folder.seen("template 7up ./api");
    assert!(
        seen.contains("the release is called \"7up\", but it names a Service"),
        "{seen}"
    );
}

#[test]
fn a_service_as_made_lives_in_a_restricted_namespace_with_a_quota() {
    let mini = Mini::start("new_life", NAMESPACE);
    mini.run("install tenant ./api");
    mini.run("new service web --tenant payments -q");
    // One pod at a time would take the test a minute.
    mini.run("install web ./web -n payments --set surge=100% --wait --timeout 60s");
    mini.run("test web -n payments --timeout 60s");
    mini.run("upgrade web ./web -n payments --set surge=100%,config.LEVEL=debug,replicas.min=3 --wait --timeout 60s");
    mini.run("rollback web 1 -n payments --wait --timeout 60s");
    let status = mini.seen("status web -n payments");
    for part in [
        "==> v2/HorizontalPodAutoscaler\n",
        "==> v1/NetworkPolicy\n",
        "==> v1/PodDisruptionBudget\n",
        "DESCRIPTION: Rollback to 1\n",
        "TEST SUITE:     web-test\n",
        "web answers inside the cluster at web.payments.svc:8080",
    ] {
        assert!(status.contains(part), "{part:?} is not in:\n{status}");
    }
    // The namespace means it: what asks for more than the level allows is refused.
    edit(
        &mini.folder,
        "web/charts/shipway-service/templates/_container.tpl",
        "allowPrivilegeEscalation: false",
        "allowPrivilegeEscalation: true",
    );
    mini.run("install other ./web -n payments");
    let seen = mini.seen("test other -n payments");
    assert!(
        seen.contains("violates PodSecurity \"restricted:latest\""),
        "{seen}"
    );
}

#[test]
fn a_service_as_made_keeps_the_rules_of_its_tenant() {
    let folder = made("new_guard");
    let tenant = serde_json::json!({
        "apiVersion": kinds::API_VERSION,
        "kind": "Tenant",
        "metadata": {"name": "payments"},
        "spec": {"quota": {"cpu": "8", "memory": "16Gi"}, "hosts": ["pay.example.com"]},
    });
    let tenant = Object::<Tenant>::read(&tenant).expect("it is a tenant");
    let facts = Facts::of(&tenant, "payments");
    let findings = |set: &str| {
        let seen = folder.seen(&format!(
            "template api ./api -n payments -f api/values-production.yaml{set}"
        ));
        let (manifests, _) = seen.split_once("--- stderr").expect("it is there");
        let objects = manifest::read_placed(manifests).expect("they are objects");
        assert!(objects.len() >= 8, "{seen}");
        Guard::new().check(&objects, &facts)
    };
    assert_eq!(findings(""), []);
    // Only who asks for more gets findings.
    let checks: Vec<&str> = findings(" --set metrics.namespace=monitoring,hosts={other.example.com}")
        .iter()
        .map(|finding| finding.check)
        .collect();
    assert_eq!(checks, ["open-network", "foreign-host", "foreign-host"]);
}

#[test]
fn the_application_is_one() {
    let folder = made("new_application");
    let objects = manifest::read(&text(&folder, "api/application.yaml")).expect("it is an object");
    let application = Object::<Application>::read(&objects[0].value).expect("it is an Application");
    // Read and written again it has the same fields: none is unknown.
    assert_eq!(application.written()["spec"], objects[0].value["spec"]);
    assert_eq!(application.spec.stages.len(), 2);
    for stage in &application.spec.stages {
        for file in &stage.values_files {
            assert!(folder.path(&format!("api/{file}")).exists(), "{file}");
        }
    }
}

#[test]
fn nothing_is_made_from_wrong_answers() {
    let folder = Folder::new("new_refused");
    for (args, expected) in [
        (
            "api --tenant payments --image api",
            "error[SW0611]: the image \"api\" has no tag\n",
        ),
        (
            "7up --tenant payments",
            "error[SW0611]: the name \"7up\" does not begin with a letter\n",
        ),
        (
            "api --tenant payments --host Pay",
            "error[SW0611]: the host \"Pay\" is not the name of a host in lower case\n",
        ),
        ("Api --tenant payments", "error[SW0101]: application name \"Api\""),
        ("api --tenant Payments", "error[SW0101]: tenant name \"Payments\""),
    ] {
        let seen = folder.seen(&format!("new service {args}"));
        assert!(
            seen.contains(expected) && seen.ends_with("--- exit 1"),
            "{args}\n{seen}"
        );
        assert!(!seen.contains("hint: \n") && seen.contains("hint: "), "{seen}");
    }
    assert_eq!(
        folder
            .shipway("new service api")
            .output()
            .expect("it runs")
            .status
            .code(),
        Some(2)
    );
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new("new_exists");
    folder.write("api/values.yaml", "mine\n");
    folder.write("web", "mine\n");
    for name in ["api", "web"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(folder.seen(&format!("new service {name} --tenant payments")).replace(name, "NAME"), @r"
            --- stderr
            error[SW0612]: NAME is there already
            hint: choose another folder with `--dir`; `shipway new --update DIR` updates a service
            --- exit 1
            ");
        }
    }
    assert_eq!(text(&folder, "api/values.yaml"), "mine\n");
    assert_eq!(folder.names(), ["api", "web"]);
    std::fs::create_dir(folder.path("empty")).expect("a folder can be made");
    let seen = folder.seen("new service api --tenant payments --dir ./empty -q");
    assert!(seen.ends_with("--- exit 0"), "{seen}");
}

#[test]
fn a_service_that_is_up_to_date_has_nothing_to_update() {
    let folder = made("new_current");
    edit(&folder, "api/values.yaml", "cpu: 100m", "cpu: 200m");
    insta::assert_snapshot!(folder.seen("new --update api --exit-code"), @r"
    --- stderr
    nothing to do: the service is as template 1.0.0 makes it, beside what you changed
    --- exit 0
    ");
}

#[test]
fn an_update_is_shown_first_and_then_written() {
    let folder = made("new_update");
    let readme = text(&folder, "api/README.md");
    as_if_made_by_another_template(&folder);
    let seen = folder.seen("new --update api --exit-code");
    assert!(
        seen.starts_with("--- a/README.md\n+++ b/README.md\n@@ -1,2 +1,"),
        "{seen}"
    );
    assert!(
        seen.ends_with(
            "--- stderr\nreplace       README.md: as it was made\n\
             template 1.0.0: 1 file; `--write` applies it\n--- exit 3"
        ),
        "{seen}"
    );
    assert_ne!(text(&folder, "api/README.md"), readme);
    insta::assert_snapshot!(folder.seen("new --update api --write"), @r"
    replace       README.md: as it was made
    --- stderr
    template 1.0.0: 1 file; `git diff` shows it
    --- exit 0
    ");
    assert_eq!(text(&folder, "api/README.md"), readme);
    let seen = folder.seen("new --update api");
    assert!(seen.contains("nothing to do"), "{seen}");
}

#[test]
fn a_conflict_leaves_the_file_and_stops_the_next_update() {
    let folder = made("new_conflict");
    let (values, staging) = (
        recorded(&folder, "values.yaml"),
        recorded(&folder, "values-staging.yaml"),
    );
    edit(
        &folder,
        "api/.shipway/made.yaml",
        &format!("values.yaml: {values}"),
        &format!("values.yaml: {staging}"),
    );
    edit(&folder, "api/values.yaml", "cpu: 100m", "cpu: 200m");
    let mine = text(&folder, "api/values.yaml");
    insta::assert_snapshot!(folder.seen("new --update api --write"), @r"
    conflict      values.yaml: you and the template changed the same lines; yours stay, and beside it is a .rej
    --- stderr
    template 1.0.0: 1 file; take over what you want of each .rej, and remove it
    --- exit 3
    ");
    assert_eq!(text(&folder, "api/values.yaml"), mine);
    assert_eq!(
        text(&folder, "api/values.yaml.rej"),
        mine.replace("cpu: 200m", "cpu: 100m")
    );
    // Nobody renders a file that is there for people.
    folder.write("api/templates/all.yaml.rej", "<<<<<<< yours\n");
    let seen = folder.seen("template api ./api");
    assert!(seen.ends_with("--- exit 0"), "{seen}");
    insta::assert_snapshot!(folder.seen("new --update api"), @r"
    --- stderr
    error[SW0615]: conflicts of an earlier update are not resolved: templates/all.yaml.rej, values.yaml.rej
    hint: take over from each what you want, then remove it and run the command again
    --- exit 1
    ");
}

#[test]
fn programs_get_an_update_as_json() {
    let folder = made("new_json");
    as_if_made_by_another_template(&folder);
    let seen = folder.seen("new --update api -o json -q");
    for part in [
        "\"from\": \"1.0.0\",\n  \"to\": \"1.0.0\",\n  \"written\": false,\n",
        "\"path\": \"README.md\",\n      \"action\": \"replace\",\n      \"diff\": \"--- a/README.md\\n",
    ] {
        assert!(seen.contains(part), "{part}\n{seen}");
    }
}

#[test]
fn what_was_not_made_can_not_be_updated() {
    let folder = Folder::new("new_foreign");
    insta::assert_snapshot!(folder.seen("new --update"), @r"
    --- stderr
    error[SW0613]: . was not made by `shipway new`: .shipway/made.yaml is missing
    hint: name the folder that has the service's Chart.yaml, or make a new one with `shipway new service`
    --- exit 1
    ");
    folder.write("api/.shipway/made.yaml", "template: 1.0.0\n");
    insta::assert_snapshot!(folder.seen("new --update api"), @r"
    --- stderr
    error[SW0613]: .shipway/made.yaml can't be understood: answers is missing
    hint: bring .shipway/made.yaml back from git: it is written by shipway alone
    --- exit 1
    ");
}

#[test]
fn a_service_of_a_newer_shipway_is_left_alone() {
    let folder = made("new_newer");
    edit(
        &folder,
        "api/.shipway/made.yaml",
        "template: 1.0.0",
        "template: 9.9.9",
    );
    insta::assert_snapshot!(folder.seen("new --update api"), @r"
    --- stderr
    error[SW0614]: the service was made from template 9.9.9, and this shipway knows 1.0.0
    hint: use the shipway that the service was last updated with, or a newer one
    --- exit 1
    ");
}

#[test]
fn a_file_that_can_not_be_read_is_named() {
    let folder = made("new_unreadable");
    std::fs::remove_file(folder.path("api/values.yaml")).expect("it is there");
    folder.write("api/values.yaml/inside", "");
    let seen = folder.seen("new --update api");
    assert!(
        seen.contains("error[SW0616]: can't read api/values.yaml\n  caused by: "),
        "{seen}"
    );
    assert!(seen.contains("hint: look who may write"), "{seen}");
}
