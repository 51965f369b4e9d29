//! The whole road in one place: a repository with a chart, a store, a tenant with an application, and stages.

use std::sync::Arc;
use std::time::Duration;

use artifact::{Place, Settings, SigningKey, Store, Trusted};
use control::{Charts, Options};
use kinds::condition::Condition;
use kinds::{Artifact, Object, Verification};
use serde_json::{Value, json};
use source::forge::Link;

use crate::ground::Ground;
use crate::origin::{Origin, git};

pub const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.0.0
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}}
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
";

/// A repository with the chart of one service, a tenant, and an application of it.
pub struct Road {
    pub ground: Ground,
    pub origin: Origin,
}

impl Road {
    /// With one stage of one cluster.
    pub async fn new() -> Self {
        Self::with(&["staging"], &[("staging", json!({"clusters": ["staging"]}))]).await
    }

    /// With these clusters and stages.
    pub async fn with(targets: &[&str], stages: &[(&str, Value)]) -> Self {
        let road = Self {
            ground: Ground::new(targets).await,
            origin: Origin::new(),
        };
        let ground = &road.ground;
        let tenant = json!({"quota": {"cpu": "4", "memory": "4Gi", "pods": 20}});
        ground
            .create(
                kinds::API_VERSION,
                json!({"kind": "Tenant", "metadata": {"name": "shop"}, "spec": tenant}),
            )
            .await;
        let source = json!({"url": road.origin.remote().url(), "interval": "1s"});
        ground
            .create(
                kinds::API_VERSION,
                json!({"kind": "ChartSource", "metadata": {"name": "charts"}, "spec": source}),
            )
            .await;
        for (name, stage) in stages {
            ground
                .create(
                    kinds::API_VERSION,
                    json!({"kind": "Stage", "metadata": {"name": name}, "spec": stage}),
                )
                .await;
        }
        ground
            .create(
                "v1",
                json!({"kind": "Namespace", "metadata": {"name": "shop", "labels": {"shipway.dev/tenant": "shop"}}}),
            )
            .await;
        let application = json!({"chart": {"source": "charts", "path": "charts/web"}});
        let metadata = json!({"name": "web", "namespace": "shop"});
        ground
            .create(
                kinds::API_VERSION,
                json!({"kind": "Application", "metadata": metadata, "spec": application}),
            )
            .await;
        road
    }

    pub fn options(&self, identity: &str) -> Options {
        let key = Arc::new(SigningKey::from_seed(&[7; 32]));
        let charts = Charts {
            cache: self.origin.place("cache"),
            git: git(),
            link: Link::new(None).unwrap(),
            store: self.store(),
            trusted: Arc::new(Trusted::new([key.public()])),
            key,
            queue: None,
            sweep: Duration::from_millis(200),
            look: Duration::from_millis(300),
        };
        Options {
            charts: Some(charts),
            ..self.ground.options(identity)
        }
    }

    pub fn store(&self) -> Store {
        Store::open(Place::Folder(self.origin.place("store")), &Settings::default()).unwrap()
    }

    pub fn commit(&self, version: &str, deployment: &str) -> source::ObjectId {
        let chart = format!("{{apiVersion: v2, name: web, version: {version}}}");
        self.origin.commit(&[
            ("charts/web/Chart.yaml", &chart),
            ("charts/web/templates/deployment.yaml", deployment),
            ("charts/web/templates/service.yaml", SERVICE),
        ])
    }

    pub async fn verified(&self, name: &str) -> Object<Verification> {
        self.ground
            .until_in("shop", name, |one: &Object<Verification>| {
                one.status
                    .conditions
                    .iter()
                    .any(|one| one.kind == "Ready" && one.status == "True")
            })
            .await
    }

    pub async fn artifact(&self, name: &str) -> Object<Artifact> {
        self.ground
            .until_in("shop", name, |one: &Object<Artifact>| {
                holds(&one.status.conditions, "Verified")
            })
            .await
    }
}

pub fn holds(conditions: &[Condition], kind: &str) -> bool {
    conditions
        .iter()
        .any(|one| one.kind == kind && one.status == "True")
}

pub fn short(commit: source::ObjectId) -> String {
    commit.to_string()[..12].to_owned()
}
