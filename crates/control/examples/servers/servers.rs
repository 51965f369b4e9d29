//! What benchmarks share: clusters in processes of their own, a hub that knows them, and how much memory this one needed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Cluster, Event, Files, ListQuery, Target, Write};
use control::Hub;
use jiff::Timestamp;
use kinds::condition::READY;
use kinds::{Object, Tenant};
use serde_json::json;

/// The clusters that there are.
pub const CLUSTERS: [&str; 3] = ["staging", "canary", "primary"];

/// A cluster in a process of its own, which ends with it.
pub struct Server {
    pub child: Child,
    pub kubeconfig: PathBuf,
}

impl Server {
    pub fn start(shipway: &str, folder: &Path, name: &str, nodes: usize) -> Self {
        let kubeconfig = folder.join(format!("{name}.kubeconfig"));
        drop(std::fs::remove_file(&kubeconfig));
        let child = Command::new(shipway)
            .args(["cluster", "start", "--nodes", &nodes.to_string(), "--kubeconfig"])
            .arg(&kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !kubeconfig.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child, kubeconfig }
    }

    pub async fn connect(&self) -> Cluster {
        let target = Target {
            kubeconfig: Files::One(self.kubeconfig.clone()),
            ..Target::default()
        };
        Cluster::connect(target).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Tells a hub of clusters.
pub async fn register(client: &Cluster, servers: &[Server]) {
    let namespaces = client.resource("v1", "Namespace").await.unwrap().unwrap();
    let secrets = client.resource("v1", "Secret").await.unwrap().unwrap();
    let clusters = client
        .resource(kinds::API_VERSION, "Cluster")
        .await
        .unwrap()
        .unwrap();
    let system = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shipway-system"}});
    client
        .create(namespaces.at("", ""), &system, Write::default())
        .await
        .unwrap();
    for (name, server) in CLUSTERS.iter().zip(servers) {
        let kubeconfig = STANDARD.encode(std::fs::read(&server.kubeconfig).unwrap());
        let metadata = json!({"name": name, "namespace": "shipway-system"});
        let data = json!({"kubeconfig": kubeconfig});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
        client
            .create(secrets.at("shipway-system", ""), &secret, Write::default())
            .await
            .unwrap();
        let spec = json!({"provider": "Embedded", "kubeconfig": {"secret": name}});
        let cluster = json!({"apiVersion": kinds::API_VERSION, "kind": "Cluster", "metadata": {"name": name}, "spec": spec});
        client
            .create(clusters.at("", ""), &cluster, Write::default())
            .await
            .unwrap();
    }
}

/// Waits until so many tenants that are meant are ready, and says how many objects they have.
pub async fn all_ready(hub: &Hub, count: usize, is_meant: impl Fn(&Object<Tenant>) -> bool) -> u32 {
    let kind = hub.kind::<Tenant>().await.unwrap();
    let mut watch = hub.cluster().watch(&kind, None, &ListQuery::default(), "");
    let mut ready = std::collections::BTreeMap::new();
    loop {
        let objects = match watch.next().await.unwrap() {
            Event::Added(object) | Event::Modified(object) => vec![object],
            Event::Relisted(objects) => objects,
            Event::Deleted(_) => Vec::new(),
        };
        for object in objects {
            let tenant = Object::<Tenant>::read(&object).unwrap();
            let generation = tenant.metadata.generation;
            let condition = tenant
                .status
                .conditions
                .iter()
                .find(|condition| condition.kind == READY);
            let is_ready =
                condition.is_some_and(|one| one.status == "True" && one.observed_generation == generation);
            if is_meant(&tenant) && is_ready {
                let objects: u32 = tenant.status.clusters.iter().map(|cluster| cluster.objects).sum();
                ready.insert(tenant.metadata.name, objects);
            }
        }
        if ready.len() >= count {
            return ready.values().sum();
        }
    }
}

/// The most that this process has needed, as Linux counts it.
pub fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    kib / 1024
}

pub fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap()
}
