//! From a push to an Artifact: the loops over ChartSource, Verification and Artifact against a real repository, a hub and a
//! target.

use std::time::Duration;

use control::Options;
use kinds::{Artifact, ChartSource, Object, Tenant};
use serde_json::json;
use source::verdict::Outcome;

use crate::road::{DEPLOYMENT, Road, holds, short};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_becomes_an_artifact_once_and_a_bad_branch_is_told_with_file_and_line() {
    let road = Road::new().await;
    let first = road.commit("1.0.0", DEPLOYMENT);
    let controller = road.ground.run(road.options("one")).await;
    let passed = road.verified(&format!("web-{}", short(first))).await;
    assert!(holds(&passed.status.conditions, "Passed"), "{:#?}", passed.status);
    let artifact = road.artifact("web-1.0.0").await;
    assert_eq!(artifact.spec.origin.commit, first.to_string());
    assert_eq!(
        artifact.spec.origin.verification,
        Some(passed.metadata.name.clone())
    );
    assert_eq!(artifact.spec.digest, passed.status.digest);
    assert_eq!(artifact.spec.origin.author, "Ada <ada@acme.dev>");
    assert_eq!(artifact.spec.origin.authors, ["Ada <ada@acme.dev>"]);
    assert_eq!(
        artifact.spec.origin.committed.as_deref(),
        Some("2023-11-14T22:13:20Z")
    );
    let source: Object<ChartSource> = road
        .ground
        .until("charts", |one: &Object<ChartSource>| {
            one.status.commit == first.to_string()
        })
        .await;
    assert_eq!(source.status.charts, 1);
    let _: Object<Tenant> = road.ground.until("shop", |_| true).await;

    // A branch in which the selector of the Service finds nothing any more.
    road.origin.git(&["checkout", "--quiet", "-b", "broken"]);
    let broken = road.commit("1.1.0", &DEPLOYMENT.replace("app: web", "app: wbe"));
    let refused = road.verified(&format!("web-broken-{}", short(broken))).await;
    assert!(
        !holds(&refused.status.conditions, "Passed"),
        "{:#?}",
        refused.status
    );
    let finding = &refused.status.findings[0];
    assert_eq!(finding.file, "templates/service.yaml", "{finding:#?}");
    assert!(finding.line.is_some(), "{finding:#?}");
    assert_eq!(refused.spec.proposal.as_deref(), Some("broken"));
    let note = note(&road, broken, Outcome::Failed).await;
    assert!(
        note.contains("shipway/shop/web") && note.contains("templates/service.yaml:"),
        "{note}"
    );

    // Mended, but with the version that is published: that is told too.
    let same = road.commit("1.0.0", &DEPLOYMENT.replace("replicas: 2", "replicas: 3"));
    let refused = road.verified(&format!("web-broken-{}", short(same))).await;
    let checks: Vec<&str> = refused
        .status
        .findings
        .iter()
        .map(|one| one.check.as_str())
        .collect();
    assert!(checks.contains(&"version-published"), "{checks:?}");

    // Mended and merged.
    let mended = road.commit("1.1.0", &DEPLOYMENT.replace("replicas: 2", "replicas: 3"));
    let passed = road.verified(&format!("web-broken-{}", short(mended))).await;
    assert!(holds(&passed.status.conditions, "Passed"), "{:#?}", passed.status);
    road.origin.git(&["checkout", "--quiet", "main"]);
    road.origin.git(&["merge", "--quiet", "--ff-only", "broken"]);
    road.origin.git(&["branch", "--quiet", "-D", "broken"]);
    let artifact = road.artifact("web-1.1.0").await;
    assert_eq!(artifact.spec.origin.commit, mended.to_string());
    controller.stop().await;

    // Another controller finds everything done.
    let again = road.ground.run(road.options("two")).await;
    let names = road.store().names().await.unwrap();
    assert_eq!(names.len(), 2, "{names:?}");
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_are_printed_are_enough_in_the_hub() {
    let road = Road::new().await;
    road.commit("1.0.0", DEPLOYMENT);
    let hub = road.ground.hub.cluster();
    let roles = [tenancy::hub_controller()];
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "controller"});
    for role in roles {
        let name = role["metadata"]["name"].clone();
        let api = "rbac.authorization.k8s.io/v1";
        road.ground.create(api, role).await;
        let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name});
        let binding = json!({"kind": "ClusterRoleBinding", "metadata": {"name": name}, "roleRef": reference,
            "subjects": [subject]});
        road.ground.create(api, binding).await;
    }
    let user = cluster::Impersonate {
        user: "controller".to_owned(),
        ..cluster::Impersonate::default()
    };
    let options = Options {
        hub: hub.impersonating(user),
        installs: true,
        ..road.options("one")
    };
    let controller = road.ground.run(options).await;
    let _: Object<Tenant> = road
        .ground
        .until("shop", |tenant: &Object<Tenant>| {
            holds(&tenant.status.conditions, "Ready")
        })
        .await;
    road.artifact("web-1.0.0").await;
    controller.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_event_told_of_is_found_by_the_sweep() {
    let road = Road::new().await;
    let first = road.commit("1.0.0", DEPLOYMENT);
    let controller = road.ground.run(road.options("one")).await;
    road.artifact("web-1.0.0").await;
    let kind = road.ground.hub.kind::<Artifact>().await.unwrap();
    let deleted = road
        .ground
        .hub
        .cluster()
        .delete(kind.at("shop", "web-1.0.0"), cluster::Delete::default());
    assert!(deleted.await.unwrap());
    let again = road.artifact("web-1.0.0").await;
    assert_eq!(again.spec.origin.commit, first.to_string());
    controller.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_somebody_changed_is_not_verified() {
    let road = Road::new().await;
    road.commit("1.0.0", DEPLOYMENT);
    let controller = road.ground.run(road.options("one")).await;
    let artifact = road.artifact("web-1.0.0").await;
    controller.stop().await;
    let place = artifact.spec.location.trim_start_matches("file://").to_owned();
    let mut bytes = std::fs::read(&place).unwrap();
    bytes.push(0);
    std::fs::write(&place, bytes).unwrap();
    let kind = road.ground.hub.kind::<Artifact>().await.unwrap();
    let deleted = road
        .ground
        .hub
        .cluster()
        .delete(kind.at("shop", "web-1.0.0"), cluster::Delete::default());
    assert!(deleted.await.unwrap());
    let controller = road.ground.run(road.options("two")).await;
    let differs = |one: &Object<Artifact>| {
        one.status
            .conditions
            .iter()
            .any(|one| one.kind == "Verified" && one.reason == "DigestDiffers")
    };
    let told: Object<Artifact> = road.ground.until_in("shop", "web-1.0.0", differs).await;
    assert!(!holds(&told.status.conditions, "Ready"));
    controller.stop().await;
}

/// The note of a commit, once it has this verdict.
async fn note(road: &Road, commit: source::ObjectId, outcome: Outcome) -> String {
    let reads = async {
        loop {
            let shown = std::process::Command::new("git")
                .current_dir(road.origin.path())
                .args(["notes", "--ref=shipway", "show", &commit.to_string()])
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&shown.stdout).into_owned();
            if text.contains(&format!("\"{}\"", outcome.as_str())) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reads)
        .await
        .unwrap()
}
