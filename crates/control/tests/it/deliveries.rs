//! From an Artifact to releases: staging by itself, production by a person, and what fails is put back.

use artifact::{Envelope, Package, SigningKey, Source, Statement, Verified};
use cluster::Cluster;
use kinds::{Application, Artifact, Object, Phase, Promotion, StepState};
use objects::meta;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::ground::until;
use crate::road::{DEPLOYMENT, Road, holds};

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: {{ .Values.greeting | quote }}, release: {{ .Chart.Version | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
data: {greeting: {{ .Values.greeting | b64enc }}}
";

/// A Deployment that waits for ever for a ConfigMap that is not there.
fn doomed() -> String {
    DEPLOYMENT.replace(
        "        ports:",
        "        envFrom: [{configMapRef: {name: nowhere}}]\n        ports:",
    )
}

/// Staging, and production to which somebody has to agree.
pub fn stages(timeout: &str) -> [(&'static str, Value); 2] {
    let approvals = json!({"approvals": {"quorum": 1}});
    [
        ("staging", json!({"clusters": ["staging"], "timeout": timeout})),
        (
            "production",
            json!({"after": "staging", "clusters": ["production"], "gates": approvals}),
        ),
    ]
}

async fn road() -> Road {
    Road::with(&["staging", "production"], &stages("5s")).await
}

impl Road {
    pub fn release(&self, version: &str, deployment: &str, greeting: &str) {
        let chart = format!("{{apiVersion: v2, name: web, version: {version}}}");
        self.origin.commit(&[
            ("charts/web/Chart.yaml", &chart),
            ("charts/web/values.yaml", &format!("greeting: {greeting}\n")),
            ("charts/web/templates/deployment.yaml", deployment),
            ("charts/web/templates/config.yaml", CONFIG),
        ]);
    }

    /// Publishes a version as verified, with the controller's own key.
    pub async fn publish(&self, version: &str, deployment: &str, greeting: &str) {
        let file = |name: &str, text: &str| chart::File::new(name, text.as_bytes().to_vec());
        let files = vec![
            file(
                "Chart.yaml",
                &format!("{{apiVersion: v2, name: web, version: {version}}}"),
            ),
            file("values.yaml", &format!("greeting: {greeting}\n")),
            file("templates/deployment.yaml", deployment),
            file("templates/config.yaml", CONFIG),
        ];
        let chart = chart::load::files(files).unwrap().chart;
        let packed = chart::package::package(&chart, &chart::package::Overrides::default()).unwrap();
        let package = Package::read(packed.bytes).unwrap();
        let now = crate::ground::now();
        let mut statement = Statement::about(&package, "a test", now);
        statement.source = Source {
            name: "charts".to_owned(),
            repository: self.origin.remote().url().to_owned(),
            commit: self.origin.git(&["rev-parse", "HEAD"]).trim().to_owned(),
            path: "charts/web".to_owned(),
            author: "Ada <ada@acme.dev>".to_owned(),
            ..Source::default()
        };
        statement.verification = Some(Verified {
            name: "by-hand".to_owned(),
            levels: vec!["L1".to_owned(), "L2".to_owned()],
            evidence: None,
        });
        let envelope = Envelope::sign(&statement, &SigningKey::from_seed(&[7; 32]));
        self.store().publish(&package, &envelope, now).await.unwrap();
    }

    pub async fn promotion(&self, name: &str, phase: Phase) -> Object<Promotion> {
        self.ground
            .until_in("shop", name, |one: &Object<Promotion>| one.status.phase == phase)
            .await
    }

    pub async fn ask(&self, artifact: &str, stage: &str) -> String {
        let name = format!("{artifact}-{stage}");
        let spec = json!({"application": "web", "artifact": artifact, "stage": stage, "by": "ada"});
        let metadata = json!({"name": name, "namespace": "shop"});
        let promotion = json!({"kind": "Promotion", "metadata": metadata, "spec": spec});
        self.ground.create(kinds::API_VERSION, promotion).await;
        name
    }

    fn cluster(&self, name: &str) -> &Cluster {
        let mut targets = self.ground.targets.iter();
        &targets.find(|one| one.name == name).unwrap().client
    }

    /// Everything that happens to promotions, and to the release in a cluster, from now on.
    async fn happening(&self, cluster: &str) -> mpsc::Receiver<()> {
        let (sender, receiver) = mpsc::channel(64);
        let hub = self.ground.hub.cluster();
        let target = self.cluster(cluster);
        let kinds = [
            (hub, kinds::API_VERSION, "Promotion"),
            (target, "v1", "Secret"),
            (target, "v1", "ConfigMap"),
        ];
        for (client, api_version, kind) in kinds {
            let resource = client.resource(api_version, kind).await.unwrap().unwrap();
            let query = cluster::ListQuery::default();
            let now = client.list(&resource, Some("shop"), &query).await.unwrap();
            let mut watch = client.watch(&resource, Some("shop"), &query, &now.resource_version);
            let sender = sender.clone();
            tokio::spawn(async move { while watch.next().await.is_ok() && sender.send(()).await.is_ok() {} });
        }
        receiver
    }

    /// The revision of the release that is deployed in a cluster, the one that there is.
    async fn revision(&self, cluster: &str) -> u64 {
        let client = self.cluster(cluster);
        let secrets = client.resource("v1", "Secret").await.unwrap().unwrap();
        let query = cluster::ListQuery::labelled("owner=helm,status=deployed");
        let records = client.list(&secrets, Some("shop"), &query).await.unwrap().items;
        assert_eq!(records.len(), 1);
        meta::label(&records[0], "version").unwrap().parse().unwrap()
    }

    async fn config(&self, cluster: &str) -> Option<Value> {
        self.object(cluster, ("v1", "ConfigMap")).await
    }

    async fn object(&self, cluster: &str, kind: (&str, &str)) -> Option<Value> {
        let mut targets = self.ground.targets.iter();
        let target = targets.find(|one| one.name == cluster).unwrap();
        target.get(kind, "shop", "web").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_is_in_staging_and_what_was_agreed_to_in_production() {
    let road = road().await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let controller = road.ground.run(road.options("one")).await;
    let done = road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    assert_eq!(done.spec.by, "shipway");
    assert_eq!(done.status.steps[0].state, StepState::Done);
    assert_eq!(done.status.steps[0].revision, Some(1));
    assert_eq!(done.status.version, "1.0.0");
    assert_eq!(road.config("staging").await.unwrap()["data"]["release"], "1.0.0");

    // Nothing comes to production by itself; what a person asks for shows what it would do, and waits.
    let name = road.ask("web-1.0.0", "production").await;
    let shown: Object<Promotion> = road
        .ground
        .until_in("shop", &name, |one: &Object<Promotion>| {
            one.status
                .gates
                .iter()
                .any(|gate| gate.name == "approvals" && !gate.open)
                && !one.status.plan_digest.is_empty()
        })
        .await;
    assert_eq!(shown.status.plan[0].cluster, "production");
    assert_eq!(shown.status.plan[0].creates, 3, "{:?}", shown.status.plan);
    assert_eq!(road.config("production").await, None);
    approve(&road, &shown).await;
    let done = road.promotion(&name, Phase::Succeeded).await;
    assert_eq!(done.status.approvals.len(), 1);
    assert_eq!(
        road.config("production").await.unwrap()["data"]["release"],
        "1.0.0"
    );
    let application: Object<Application> = road
        .ground
        .until_in("shop", "web", |one: &Object<Application>| {
            one.status.stages.len() == 2 && holds(&one.status.conditions, "Ready")
        })
        .await;
    assert_eq!(application.status.tenant, "shop");
    assert!(
        application
            .status
            .stages
            .iter()
            .all(|one| one.version == "1.0.0" && one.ready)
    );
    let artifact: Object<Artifact> = road
        .ground
        .until_in("shop", "web-1.0.0", |one: &Object<Artifact>| {
            one.status.stages.len() == 2
        })
        .await;
    assert_eq!(artifact.status.stages, ["staging", "production"]);
    controller.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_put_back_with_its_config_and_secrets_and_is_not_tried_again() {
    let road = road().await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let controller = road.ground.run(road.options("one")).await;
    road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    controller.stop().await;
    // Published by hand, past the verification that would have found it.
    road.publish("1.1.0", &doomed(), "goodbye").await;
    let controller = road.ground.run(road.options("two")).await;
    let failed = road.promotion("web-1.1.0-staging", Phase::RolledBack).await;
    let step = &failed.status.steps[0];
    assert_eq!(step.state, StepState::Failed);
    assert!(step.message.contains("nowhere"), "{}", step.message);
    assert_eq!(failed.status.steps[1].name, "put back");
    let config = road.config("staging").await.unwrap();
    assert_eq!(config["data"], json!({"greeting": "hello", "release": "1.0.0"}));
    let secret = road.object("staging", ("v1", "Secret")).await.unwrap();
    assert_eq!(secret["data"], json!({"greeting": "aGVsbG8="}));
    let application: Object<Application> = road
        .ground
        .until_in("shop", "web", |one: &Object<Application>| {
            one.status
                .conditions
                .iter()
                .any(|one| one.kind == "Ready" && one.reason == "Failed")
        })
        .await;
    assert_eq!(application.status.stages[0].version, "1.0.0");
    let promotions = road.ground.hub.list::<Promotion>().await.unwrap();
    assert_eq!(promotions.len(), 2, "{promotions:#?}");
    controller.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_takes_the_place_of_one_that_fails_already_without_waiting_for_its_end() {
    // The doomed one could wait longer than this test does.
    let road = Road::with(&["staging"], &stages("600s")[..1]).await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let controller = road.ground.run(road.options("one")).await;
    road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    controller.stop().await;
    road.publish("1.1.0", &doomed(), "goodbye").await;
    let controller = road.ground.run(road.options("two")).await;
    road.promotion("web-1.1.0-staging", Phase::Running).await;
    road.publish("1.2.0", DEPLOYMENT, "welcome").await;
    let doomed = road.promotion("web-1.1.0-staging", Phase::Superseded).await;
    let why = &doomed.status.conditions;
    assert!(
        why.iter().any(|one| one.message.starts_with("it fails already")),
        "{why:?}"
    );
    let done = road.promotion("web-1.2.0-staging", Phase::Succeeded).await;
    assert_eq!(done.status.steps[0].revision, Some(3));
    let config = road.config("staging").await.unwrap();
    assert_eq!(config["data"], json!({"greeting": "welcome", "release": "1.2.0"}));
    assert_eq!(road.revision("staging").await, 3);
    controller.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_put_back_or_told_as_the_stage_says() {
    let stages = [
        ("staging", json!({"clusters": ["staging"], "drift": "PutBack"})),
        ("reported", json!({"clusters": ["production"], "drift": "Report"})),
    ];
    let road = Road::with(&["staging", "production"], &stages).await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let controller = road.ground.run(road.options("one")).await;
    road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    road.promotion("web-1.0.0-reported", Phase::Succeeded).await;
    for cluster in ["staging", "production"] {
        let client = road.cluster(cluster);
        let kind = client.resource("v1", "ConfigMap").await.unwrap().unwrap();
        let patch = json!({"data": {"greeting": "by hand"}});
        let how = cluster::Write::default();
        let patched = client.patch(kind.at("shop", "web"), cluster::Patch::Merge(&patch), how);
        patched.await.unwrap();
    }
    let client = road.cluster("staging");
    let kind = client.resource("v1", "ConfigMap").await.unwrap().unwrap();
    until(client, &kind, ("shop", "web"), |map| {
        map.is_some_and(|map| map["data"]["greeting"] == "hello")
    })
    .await;
    let told: Object<Application> = road
        .ground
        .until_in("shop", "web", |one: &Object<Application>| {
            one.status.stages.iter().any(|stage| stage.drifted == 1)
        })
        .await;
    let stage = told.status.stages.iter().find(|one| one.drifted == 1).unwrap();
    assert_eq!(stage.name, "reported");
    assert!(
        stage.ready && stage.message.contains("data.greeting"),
        "{}",
        stage.message
    );
    let drifted = told
        .status
        .conditions
        .iter()
        .find(|one| one.kind == "Drifted")
        .unwrap();
    assert_eq!(drifted.status, "True", "{drifted:?}");
    let config = road.config("production").await.unwrap();
    assert_eq!(config["data"]["greeting"], "by hand");

    // What is deleted is not ready, and drift as well.
    let client = road.cluster("production");
    let kind = client.resource("apps/v1", "Deployment").await.unwrap().unwrap();
    let delete = cluster::Delete::default();
    client.delete(kind.at("shop", "web"), delete).await.unwrap();
    let _: Object<Application> = road
        .ground
        .until_in("shop", "web", |one: &Object<Application>| {
            let mut stages = one.status.stages.iter();
            stages.any(|stage| !stage.ready && stage.ready_since.is_none() && stage.drifted == 2)
        })
        .await;

    // So is a release that somebody uninstalled, whatever is left of it; and nobody installs it again unasked.
    let client = road.cluster("staging");
    let kind = client.resource("v1", "Secret").await.unwrap().unwrap();
    let record = kind.at("shop", "sh.helm.release.v1.web.v1");
    client.delete(record, cluster::Delete::default()).await.unwrap();
    let _: Object<Application> = road
        .ground
        .until_in("shop", "web", |one: &Object<Application>| {
            let mut stages = one.status.stages.iter();
            let message = "staging: nothing is deployed: there is no release web";
            stages.any(|stage| !stage.ready && stage.ready_since.is_none() && stage.message == message)
        })
        .await;
    controller.stop().await;
}

/// A release as somebody made it by hand, before anybody knew it here.
async fn by_hand(road: &Road, cluster: &str, manifest: &str) {
    let now = || "2026-01-01T00:00:00Z".parse().unwrap();
    let options = cluster::run::Options::new("by hand".to_owned(), now);
    let client = road.cluster(cluster);
    let kind = client.resource("v1", "Namespace").await.unwrap().unwrap();
    until(client, &kind, ("", "shop"), |there| there.is_some()).await;
    let watching = cluster::run::Watching::nobody();
    let release = cluster::run::Release::open(client, ("shop", "web"), options, watching);
    let mut release = release.await.unwrap();
    let contents = json!({"name": "web", "version": 1, "manifest": manifest});
    let record: release::Record = serde_json::from_value(contents).unwrap();
    let mut wanted = cluster::run::Wanted {
        operation: cluster::run::Operation::Install,
        record,
        crds: Vec::new(),
        description: None,
    };
    wanted.record.namespace = "shop".to_owned();
    wanted.record.info.status = release::Status::PendingInstall;
    release.deploy(wanted).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_live_before_the_first_promotion_is_back_when_that_fails() {
    let road = Road::with(&["staging"], &stages("5s")[..1]).await;
    // The tenant's things are there before there is a version.
    let controller = road.ground.run(road.options("one")).await;
    let old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {greeting: by hand}\n";
    by_hand(&road, "staging", old).await;
    road.release("1.0.0", &doomed(), "hello");
    road.publish("1.0.0", &doomed(), "hello").await;
    let failed = road.promotion("web-1.0.0-staging", Phase::RolledBack).await;
    let back = &failed.status.steps[1];
    assert_eq!((back.name.as_str(), back.state), ("put back", StepState::Done));
    assert!(
        back.message
            .contains("revision 1 is back, which was there before"),
        "{}",
        back.message
    );
    let config = road.config("staging").await.unwrap();
    assert_eq!(config["data"], json!({"greeting": "by hand"}));
    // The sentence for everybody has no logs, and names the cluster.
    let why = &failed.status.conditions;
    let why = why.iter().find(|one| one.kind == "Ready").unwrap();
    assert!(
        why.message.contains("staging failed: ") && why.message.len() < 4200,
        "{}",
        why.message
    );
    // The version was made by nobody's agreement: what it would do was looked at all the same, for there was a release.
    assert_eq!(failed.status.plan.len(), 1);
    controller.stop().await;
}

/// How many things happen in the hub and in the cluster while one version is deployed, about; a kill comes after each.
const STEPS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_killed_after_any_step_deploys_each_version_once() {
    let road = road().await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let controller = road.ground.run(road.options("first")).await;
    road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    controller.stop().await;
    let mut last = 0;
    for step in 1..=STEPS {
        let version = format!("1.0.{step}");
        let mut happening = road.happening("staging").await;
        road.publish(&version, DEPLOYMENT, &format!("hello-{step}")).await;
        let controller = road.ground.run(road.options(&format!("killed-{step}"))).await;
        let name = format!("web-{version}-staging");
        let kill = async {
            for _ in 0..step {
                happening.recv().await;
            }
        };
        tokio::select! {
            () = kill => last = step,
            _ = road.promotion(&name, Phase::Succeeded) => {}
        }
        controller.kill().await;
        road.ground.forget_leader().await;
        // It comes back under its old name, or another one does.
        let next = ["killed", "after"][step % 2];
        let controller = road.ground.run(road.options(&format!("{next}-{step}"))).await;
        road.promotion(&name, Phase::Succeeded).await;
        controller.stop().await;
        assert_eq!(road.config("staging").await.unwrap()["data"]["release"], version);
        let revision = road.revision("staging").await;
        assert_eq!(revision, step as u64 + 1, "killed after step {step}");
    }
    assert!(last >= 8, "no more than {last} steps were seen");
    let audit = control::AuditLog::open(road.ground.hub.clone(), "shipway-system").0;
    let head = audit.verify().await.unwrap().unwrap();
    assert!(head.number >= 3 * STEPS as u64, "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_killed_after_any_step_of_what_was_agreed_to_needs_no_other_agreement() {
    let road = road().await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let mut last = 0;
    for step in 1..=STEPS {
        let version = format!("1.0.{}", step - 1);
        if step > 1 {
            road.publish(&version, DEPLOYMENT, &format!("hello-{step}")).await;
        }
        let controller = road.ground.run(road.options(&format!("killed-{step}"))).await;
        road.promotion(&format!("web-{version}-staging"), Phase::Succeeded)
            .await;
        let name = road.ask(&format!("web-{version}"), "production").await;
        let is_shown = |one: &Object<Promotion>| !one.status.plan_digest.is_empty();
        let shown = road.ground.until_in("shop", &name, is_shown).await;
        let mut happening = road.happening("production").await;
        approve(&road, &shown).await;
        let kill = async {
            for _ in 0..step {
                happening.recv().await;
            }
        };
        tokio::select! {
            () = kill => last = step,
            _ = road.promotion(&name, Phase::Succeeded) => {}
        }
        controller.kill().await;
        road.ground.forget_leader().await;
        let controller = road.ground.run(road.options(&format!("after-{step}"))).await;
        let done = road.promotion(&name, Phase::Succeeded).await;
        controller.stop().await;
        assert_eq!(done.status.approvals.len(), 1);
        assert_eq!(done.status.plan_digest, shown.status.plan_digest);
        let config = road.config("production").await.unwrap();
        assert_eq!(config["data"]["release"], version);
        let revision = road.revision("production").await;
        assert_eq!(revision, step as u64, "killed after step {step}");
    }
    assert!(last >= 6, "no more than {last} steps were seen");
}

/// How many things happen while something is put back, about.
const STEPS_BACK: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_killed_after_any_step_of_putting_back_puts_back_once() {
    let road = Road::with(&["staging"], &stages("2s")[..1]).await;
    road.release("1.0.0", DEPLOYMENT, "hello");
    let controller = road.ground.run(road.options("first")).await;
    road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    controller.stop().await;
    let mut last = 0;
    for step in 1..=STEPS_BACK {
        let version = format!("1.0.{step}");
        road.publish(&version, &doomed(), &format!("goodbye-{step}"))
            .await;
        let controller = road.ground.run(road.options(&format!("killed-{step}"))).await;
        let name = format!("web-{version}-staging");
        let is_applied = |one: &Object<Promotion>| !one.status.steps.is_empty();
        road.ground.until_in("shop", &name, is_applied).await;
        let mut happening = road.happening("staging").await;
        let is_failed = |one: &Object<Promotion>| one.status.steps[0].state == StepState::Failed;
        road.ground.until_in("shop", &name, is_failed).await;
        while happening.try_recv().is_ok() {}
        let kill = async {
            for _ in 0..step {
                happening.recv().await;
            }
        };
        tokio::select! {
            () = kill => last = step,
            _ = road.promotion(&name, Phase::RolledBack) => {}
        }
        controller.kill().await;
        road.ground.forget_leader().await;
        let controller = road.ground.run(road.options(&format!("after-{step}"))).await;
        let done = road.promotion(&name, Phase::RolledBack).await;
        controller.stop().await;
        assert_eq!(done.status.steps.len(), 2);
        let config = road.config("staging").await.unwrap();
        assert_eq!(config["data"], json!({"greeting": "hello", "release": "1.0.0"}));
        // What failed is a revision, and what was put back another.
        let revision = road.revision("staging").await;
        assert_eq!(revision, 1 + 2 * step as u64, "killed after step {step}");
    }
    assert!(last >= 3, "no more than {last} steps were seen");
}

/// Agrees to what a promotion shows, as the API does.
pub async fn approve(road: &Road, promotion: &Object<Promotion>) {
    let kind = road.ground.hub.kind::<Promotion>().await.unwrap();
    let approval = json!({"by": "ben", "approved": true, "planDigest": promotion.status.plan_digest,
        "time": promotion.metadata.creation_timestamp});
    let at = kind.at("shop", &promotion.metadata.name).subresource("status");
    let patch = json!({"status": {"approvals": [approval]}});
    let hub = road.ground.hub.cluster();
    hub.patch(at, cluster::Patch::Merge(&patch), cluster::Write::default())
        .await
        .unwrap();
}
