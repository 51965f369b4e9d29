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

    /// Everything that happens to promotions, and to the release in staging, from now on.
    async fn happening(&self) -> mpsc::Receiver<()> {
        let (sender, receiver) = mpsc::channel(64);
        let hub = self.ground.hub.cluster();
        let staging = self.cluster("staging");
        let kinds = [
            (hub, kinds::API_VERSION, "Promotion"),
            (staging, "v1", "Secret"),
            (staging, "v1", "ConfigMap"),
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
        let mut targets = self.ground.targets.iter();
        let target = targets.find(|one| one.name == cluster).unwrap();
        target.get(("v1", "ConfigMap"), "shop", "web").await
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
    assert_eq!(shown.status.plan[0].creates, 2, "{:?}", shown.status.plan);
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
async fn what_fails_is_put_back_with_its_config_and_is_not_tried_again() {
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
        let mut happening = road.happening().await;
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
        let controller = road.ground.run(road.options(&format!("after-{step}"))).await;
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
