//! A hub with target clusters, and a controller that can be stopped and started anew.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Cluster, Event, Files, Limits, ListQuery, Target, Write};
use control::{Hub, Options, Service, Terms};
use jiff::Timestamp;
use kinds::{Kind, Object};
use minicluster::server;
use objects::meta;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Long enough for a machine under load; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A mini cluster and a client of it.
pub struct Server {
    pub name: String,
    pub client: Cluster,
    pub server: server::Cluster,
    _folder: TempDir,
}

pub struct Ground {
    pub hub: Hub,
    pub targets: Vec<Server>,
    pub server: Server,
}

/// A controller that runs.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(name: &str) -> Self {
        let options = server::Options {
            nodes: kubelet::nodes::fleet(2, &kubelet::nodes::Shape::default()),
            ..server::Options::default()
        };
        let server = server::Cluster::start(options).await.unwrap();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, server.handle().kubeconfig().unwrap()).unwrap();
        let target = Target {
            kubeconfig: Files::One(path),
            limits: Limits {
                first_wait: Duration::from_millis(1),
                ..Limits::default()
            },
            ..Target::default()
        };
        Self {
            name: name.to_owned(),
            client: Cluster::connect(target).await.unwrap(),
            server,
            _folder: folder,
        }
    }

    pub async fn get(&self, (api_version, kind): (&str, &str), namespace: &str, name: &str) -> Option<Value> {
        let resource = self.client.resource(api_version, kind).await.unwrap().unwrap();
        self.client.get(resource.at(namespace, name)).await.unwrap()
    }
}

impl Ground {
    /// A hub that knows these targets.
    pub async fn new(targets: &[&str]) -> Self {
        let hub = Server::start("hub").await;
        let client = Hub::new(hub.client.clone());
        client.install(&kinds::crds()).await.unwrap();
        let mut ground = Self {
            hub: client,
            targets: Vec::new(),
            server: hub,
        };
        ground
            .create(
                "v1",
                json!({"kind": "Namespace", "metadata": {"name": "shipway-system"}}),
            )
            .await;
        for name in targets {
            let target = Server::start(name).await;
            let kubeconfig = STANDARD.encode(target.server.handle().kubeconfig().unwrap());
            let metadata = json!({"name": name, "namespace": "shipway-system"});
            let secret = json!({"kind": "Secret", "metadata": metadata, "data": {"kubeconfig": kubeconfig}});
            ground.create("v1", secret).await;
            let spec = json!({"provider": "Embedded", "kubeconfig": {"secret": name}});
            ground
                .create(
                    kinds::API_VERSION,
                    json!({"kind": "Cluster", "metadata": {"name": name}, "spec": spec}),
                )
                .await;
            ground.targets.push(target);
        }
        ground
    }

    pub async fn create(&self, api_version: &str, mut object: Value) -> Value {
        object["apiVersion"] = json!(api_version);
        let kind = meta::text(&object, "kind").to_owned();
        let client = self.hub.cluster();
        let resource = client.resource(api_version, &kind).await.unwrap().unwrap();
        let at = resource.at(meta::namespace(&object), meta::name(&object));
        client.create(at, &object, Write::default()).await.unwrap()
    }

    pub fn options(&self, identity: &str) -> Options {
        Options {
            hub: self.hub.cluster().clone(),
            namespace: "shipway-system".to_owned(),
            identity: identity.to_owned(),
            terms: Terms {
                lease: Duration::from_secs(1),
                renew: Duration::from_millis(700),
                retry: Duration::from_millis(100),
            },
            installs: false,
            check_every: None,
            charts: None,
            clock: now,
        }
    }

    /// Starts a controller.
    pub async fn controller(&self, identity: &str) -> Running {
        self.run(self.options(identity)).await
    }

    /// Starts a controller with options of its own.
    pub async fn run(&self, options: Options) -> Running {
        let service = Service::start(options).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { service.run(async { drop(stopped.await) }).await });
        Running { stop, task }
    }

    /// Ends the lead of a controller that was killed, as time does.
    pub async fn forget_leader(&self) {
        let client = self.hub.cluster();
        let leases = client
            .resource("coordination.k8s.io/v1", "Lease")
            .await
            .unwrap()
            .unwrap();
        let at = leases.at("shipway-system", "shipway-controller");
        client.delete(at, cluster::Delete::default()).await.unwrap();
    }

    /// Waits until something holds of an object, and gives it.
    pub async fn until<K: Kind>(&self, name: &str, holds: impl Fn(&Object<K>) -> bool) -> Object<K> {
        self.until_in("", name, holds).await
    }

    /// As [`Ground::until`], of a kind with namespaces.
    pub async fn until_in<K: Kind>(
        &self,
        namespace: &str,
        name: &str,
        holds: impl Fn(&Object<K>) -> bool,
    ) -> Object<K> {
        let kind = self.hub.kind::<K>().await.unwrap();
        let value = until(self.hub.cluster(), &kind, (namespace, name), |value| {
            value.is_some_and(|value| holds(&Object::read(value).unwrap()))
        });
        Object::read(&value.await.unwrap()).unwrap()
    }

    /// Waits until an object is gone.
    pub async fn until_gone<K: Kind>(&self, name: &str) {
        let kind = self.hub.kind::<K>().await.unwrap();
        until(self.hub.cluster(), &kind, ("", name), |value| value.is_none()).await;
    }
}

impl Running {
    /// Stops it in good order.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Ends it wherever it is, as a kill does.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Waits until something holds of an object of a cluster, which may not be there.
pub async fn until(
    cluster: &Cluster,
    resource: &cluster::Resource,
    (namespace, name): (&str, &str),
    holds: impl Fn(Option<&Value>) -> bool,
) -> Option<Value> {
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    let mut watch = cluster.watch(resource, namespace, &ListQuery::named(name), "");
    let mut last = None;
    let watching = async {
        loop {
            last = match watch.next().await.unwrap() {
                Event::Added(object) | Event::Modified(object) => Some(object),
                Event::Deleted(_) => None,
                Event::Relisted(objects) => objects.into_iter().next(),
            };
            if holds(last.as_ref()) {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, watching).await;
    assert!(waited.is_ok(), "{name} is not as expected: {last:#?}");
    last
}

pub fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap()
}
