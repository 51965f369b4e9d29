//! Tenants as a platform team meets them: the controller runs, manifests are planned and added, and what is wrong is told.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use insta::assert_snapshot;

use crate::folder::Folder;
use crate::mini::Mini;

/// The hub itself as the one target, in a chart, because that is how this binary writes objects.
const HUB: &[(&str, &str)] = &[(
    "templates/cluster.yaml",
    "\
apiVersion: shipway.dev/v1alpha1
kind: Cluster
metadata: {name: local}
spec: {inCluster: true}
",
)];

const PAYMENTS: &str = "\
apiVersion: shipway.dev/v1alpha1
kind: Tenant
metadata:
  name: payments
spec:
  members:
  - {group: payments-team, role: Deploy}
  quota: {cpu: 500m, memory: 1Gi}
  hosts: [pay.example.com]
  leaving: {retention: 0h}
";

const MISTAKEN: &str = "\
apiVersion: shipway.dev/v1alpha1
kind: Tenant
metadata:
  name: payments
spec:
  members:
  - {group: payments-team, role: Deploy, grp: typo}
  quota: {cpus: 500m, cpu: '5000', memory: 1Gi, pods: 200000}
  namespaces: [{name: payments}, {name: checkout}]
  hosts: ['pay example.com']
";

const FOREIGN: &str = "\
apiVersion: shipway.dev/v1alpha1
kind: Tenant
metadata:
  name: legacy
spec:
  quota: {cpu: 100m, memory: 64Mi}
";

/// A chart of what a tenant may have, and one of what it may not.
const CHARTS: &[(&str, &str)] = &[
    (
        "config/Chart.yaml",
        "apiVersion: v2\nname: config\nversion: 1.0.0\n",
    ),
    ("config/values.yaml", "level: info\n"),
    (
        "config/templates/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {level: {{ .Values.level }}}\n",
    ),
    ("wide/Chart.yaml", "apiVersion: v2\nname: wide\nversion: 1.0.0\n"),
    (
        "wide/templates/role.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\nrules: []\n",
    ),
];

/// A controller that ends with the test.
pub(crate) struct Controller(Child);

impl Controller {
    fn start(mini: &Mini) -> Self {
        Self::with(mini, "")
    }

    pub(crate) fn with(mini: &Mini, flags: &str) -> Self {
        let mut child = mini
            .command(&format!("controller {flags}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut lines = said.lines();
        let first = lines.next().expect("it says something").expect("a line");
        assert!(first.contains("the controller runs against"), "{first}");
        // Its log is read to the end, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Holds what is said of a command that has to fail.
fn told(mini: &Mini, name: &str, (code, line): (&str, &str)) {
    let seen = mini.seen(line);
    assert!(seen.contains(&format!("error[{code}]")), "{seen}");
    assert_snapshot!(name, seen);
}

#[test]
fn a_tenant_is_planned_added_shown_and_removed() {
    let mini = Mini::start("tenants", HUB);
    let manifests = [
        ("payments.yaml", PAYMENTS),
        ("mistaken.yaml", MISTAKEN),
        ("legacy.yaml", FOREIGN),
    ];
    for (file, text) in manifests.iter().chain(CHARTS) {
        mini.folder.write(file, text);
    }
    told(&mini, "no_hub", ("SW0601", "tenant list"));
    let _controller = Controller::start(&mini);
    mini.run("install hub ./api");
    told(&mini, "mistakes", ("SW0602", "tenant plan -f mistaken.yaml"));
    assert_snapshot!("plan", mini.seen("tenant plan -f payments.yaml"));
    mini.run("tenant add -f payments.yaml -q");
    assert_snapshot!("planned_again", mini.seen("tenant plan -f payments.yaml"));
    assert_snapshot!("list", mini.seen("tenant list"));
    assert_snapshot!("show", mini.seen("tenant show payments"));
    let proof = mini.seen("tenant check payments");
    assert!(proof.contains("proven: every attack was stopped"), "{proof}");
    told(&mini, "no_cluster", ("SW0605", "tenant check --cluster locla"));
    told(&mini, "nobody", ("SW0603", "tenant show payment"));
    assert_snapshot!("unconfirmed", mini.seen("tenant remove payments"));
    assert_snapshot!("removed", mini.seen("tenant remove payments --yes --wait 60 -q"));
    assert_snapshot!("empty", mini.seen("tenant list"));

    mini.run("install first ./config --create-namespace -n legacy");
    told(
        &mini,
        "late",
        ("SW0604", "tenant add -f legacy.yaml --timeout 2 -q"),
    );
}

#[test]
fn the_guard_tells_with_file_and_line_what_a_chart_may_not_do() {
    let folder = Folder::new("tenant_guard");
    for (file, text) in [("payments.yaml", PAYMENTS)].iter().chain(CHARTS) {
        folder.write(file, text);
    }
    assert_snapshot!(
        "guarded",
        crate::seen_of(&mut folder.shipway("tenant guard ./wide -t payments.yaml"))
    );
    let quiet = crate::seen_of(&mut folder.shipway("tenant guard ./config -t payments.yaml"));
    assert!(quiet.ends_with("--- exit 0"), "{quiet}");
}

#[test]
fn a_release_as_a_tenant_may_do_what_is_the_tenants_and_nothing_else() {
    let mini = Mini::start("tenant_release", HUB);
    for (file, text) in [("payments.yaml", PAYMENTS)].iter().chain(CHARTS) {
        mini.folder.write(file, text);
    }
    let _controller = Controller::start(&mini);
    mini.run("install hub ./api");
    mini.run("tenant add -f payments.yaml -q");
    mini.run("install own ./config -n payments --tenant payments --wait");
    mini.run("upgrade own ./config -n payments --tenant payments --wait --set level=debug");
    mini.run("rollback own 1 -n payments --tenant payments --wait");
    assert_snapshot!(
        "elsewhere",
        mini.seen("install other ./config -n default --tenant payments")
    );
    assert_snapshot!(
        "wide",
        mini.seen("install wide ./wide -n payments --tenant payments")
    );
    mini.run("uninstall own -n payments --tenant payments");
}

/// SW0606
#[test]
fn an_address_of_another_machine_can_not_be_listened_on() {
    let mini = Mini::start("tenants_listen", &[]);
    let seen = mini.seen("controller --listen 192.0.2.1:1");
    assert!(
        seen.contains("error[SW0606]: can't listen on 192.0.2.1:1"),
        "{seen}"
    );
}
