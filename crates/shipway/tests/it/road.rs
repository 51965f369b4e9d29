//! From a push to a published version, with the binary alone: a hub, a controller, git, and what a developer types.

use crate::mini::Mini;
use crate::tenants::Controller;
use crate::verdicts::{git, repository};

/// What a platform team writes into the hub.
const HUB: &[(&str, &str)] = &[(
    "templates/hub.yaml",
    "\
apiVersion: shipway.dev/v1alpha1
kind: Tenant
metadata: {name: shop}
spec: {quota: {cpu: '4', memory: 8Gi}}
---
apiVersion: shipway.dev/v1alpha1
kind: ChartSource
metadata: {name: charts}
spec: {url: '{{ .Values.url }}', interval: 1s}
",
)];

#[test]
fn a_push_is_verified_told_and_published() {
    let mini = Mini::start("road", HUB);
    let folder = &mini.folder;
    repository(folder);
    let _controller = Controller::with(&mini, "--store published --cache cache");
    let url = format!("file://{}", folder.path("origin.git").display());
    mini.run(&format!("install hub ./api --set url={url}"));

    mini.run("new service web --tenant shop --dir work/web");
    let application = String::from_utf8(folder.read("work/web/application.yaml")).expect("text");
    let application = application
        .replace("source: shop", "source: charts")
        .replace("path: work/web", "path: web");
    folder.write(
        "application/Chart.yaml",
        "apiVersion: v2\nname: application\nversion: 1.0.0\n",
    );
    folder.write("application/templates/application.yaml", &application);
    // The namespace comes with the tenant.
    mini.run("install web ./application -n shop --wait");
    git(folder, "work", &["add", "."]);
    git(folder, "work", &["commit", "--quiet", "-m", "web"]);
    git(folder, "work", &["push", "--quiet", "origin", "main"]);
    let passed = mini.seen("verdict -C work --wait 100s");
    assert!(
        passed.starts_with("passed shop/web: L1 and L2 passed; 0 errors"),
        "{passed}"
    );
    let listed = mini.seen("artifact list --store published");
    assert!(
        listed.contains("web   0.1.0") && listed.contains("L1 L2"),
        "{listed}"
    );

    // A branch that asks for more than the tenant has, told with the pod that finds no room.
    git(folder, "work", &["checkout", "--quiet", "-b", "large"]);
    folder.write("work/web/values-staging.yaml", "cpu: '5'\n");
    git(folder, "work", &["commit", "--quiet", "-am", "large"]);
    git(folder, "work", &["push", "--quiet", "origin", "large"]);
    let failed = mini.seen("verdict -C work --wait 100s");
    assert!(
        failed.starts_with("failed shop/web: ") && failed.ends_with("exit 3"),
        "{failed}"
    );
    assert!(failed.contains("quota"), "{failed}");
}
