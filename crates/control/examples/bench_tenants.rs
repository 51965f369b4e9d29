//! What tenants cost: 200 of three namespaces each on three clusters, from manifests to all ready, then one change.
//!
//! `bench_tenants SHIPWAY FOLDER [TENANTS]`: the hub and the clusters are `shipway cluster start` in processes of their
//! own; the controller is this process, so its memory is what this one needs at most.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark for people, which fails loudly"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Cluster, Event, Files, ListQuery, Patch, Target, Write};
use control::{Hub, Options, Service, Terms};
use jiff::Timestamp;
use kinds::condition::READY;
use kinds::{Object, Tenant};
use serde_json::{Value, json};

const CLUSTERS: [&str; 3] = ["staging", "canary", "primary"];

/// A cluster in a process of its own, which ends with it.
struct Server {
    child: Child,
    kubeconfig: PathBuf,
}

impl Server {
    fn start(shipway: &str, folder: &Path, name: &str, nodes: usize) -> Self {
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

    async fn connect(&self) -> Cluster {
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

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [shipway, folder, rest @ ..] = args.as_slice() else {
        panic!("usage: bench_tenants SHIPWAY FOLDER [TENANTS]");
    };
    let tenants: usize = rest.first().map_or(200, |count| count.parse().unwrap());
    let folder = Path::new(folder);
    let server = Server::start(shipway, folder, "hub", 1);
    let servers: Vec<Server> = CLUSTERS
        .iter()
        .map(|name| Server::start(shipway, folder, name, 200))
        .collect();
    let client = server.connect().await;
    let hub = Hub::new(client.clone());
    hub.install(&kinds::crds()).await.unwrap();
    register(&client, &servers).await;
    let options = Options {
        hub: server.connect().await,
        namespace: "shipway-system".to_owned(),
        identity: "bench".to_owned(),
        terms: Terms::default(),
        installs: false,
        check_every: None,
        charts: None,
        clock: now,
    };
    let service = Service::start(options).await.unwrap();
    let running = tokio::spawn(async move { service.run(std::future::pending()).await });

    let kind = hub.kind::<Tenant>().await.unwrap();
    let started = Instant::now();
    for number in 0..tenants {
        let tenant = tenant(number);
        let name = tenant["metadata"]["name"].as_str().unwrap().to_owned();
        client
            .create(kind.at("", &name), &tenant, Write::default())
            .await
            .unwrap();
    }
    let written = started.elapsed();
    let count = all_ready(&hub, tenants, |_| true).await;
    let clusters = CLUSTERS.len();
    println!("{tenants} tenants of 3 namespaces on {clusters} clusters, {count} objects");
    println!("  manifests written   {:>8.2} s", written.as_secs_f64());
    println!("  all Ready           {:>8.2} s", started.elapsed().as_secs_f64());
    println!("  controller, at most {:>8} MB", peak_memory_mb());

    let before = versions(&servers).await;
    let changed = Instant::now();
    let patch = json!({"spec": {"quota": {"pods": 50}}});
    client
        .patch(kind.at("", "team-7"), Patch::Merge(&patch), Write::default())
        .await
        .unwrap();
    all_ready(&hub, 1, |tenant| {
        tenant.metadata.name == "team-7" && tenant.metadata.generation > 1
    })
    .await;
    println!("one change            {:>8.2} s", changed.elapsed().as_secs_f64());
    let after = versions(&servers).await;
    let own = before.iter().zip(&after).filter(|(old, new)| old != new);
    let (own, others): (Vec<_>, Vec<_>) = own.partition(|((name, _), _)| name.contains("team-7"));
    println!(
        "  objects written     {:>8} of its own, {} of others",
        own.len(),
        others.len()
    );
    running.abort();
}

async fn register(client: &Cluster, servers: &[Server]) {
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

fn tenant(number: usize) -> Value {
    let name = format!("team-{number}");
    let spec = json!({
        "members": [{"group": format!("{name}-developers"), "role": "Deploy"}, {"user": format!("{name}-lead"), "role": "Administer"}],
        "quota": {"cpu": "500m", "memory": "1Gi"},
        "namespaces": [{"name": name}, {"name": format!("{name}-batch")}, {"name": format!("{name}-test")}],
        "hosts": [format!("{name}.example.com")],
        "network": {"ingress": true},
    });
    json!({"apiVersion": kinds::API_VERSION, "kind": "Tenant", "metadata": {"name": name}, "spec": spec})
}

/// Waits until so many tenants that are meant are ready, and says how many objects they have.
async fn all_ready(hub: &Hub, count: usize, is_meant: impl Fn(&Object<Tenant>) -> bool) -> u32 {
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

/// Every object that tenants have, with its version.
async fn versions(servers: &[Server]) -> Vec<(String, String)> {
    let mut versions = Vec::new();
    for (at, server) in servers.iter().enumerate() {
        let client = server.connect().await;
        for kind in tenancy::KINDS {
            let version = match kind.group.as_ref() {
                "" => "v1".to_owned(),
                group => format!("{group}/v1"),
            };
            let resource = client.resource(&version, &kind.name).await.unwrap().unwrap();
            let query = ListQuery::labelled(tenancy::names::TENANT_LABEL);
            for object in client.list(&resource, None, &query).await.unwrap().items {
                let tenant = objects::meta::label(&object, tenancy::names::TENANT_LABEL).unwrap_or_default();
                let (namespace, name) = (objects::meta::namespace(&object), objects::meta::name(&object));
                let key = format!("{at} {tenant} {} {namespace}/{name}", kind.name);
                versions.push((key, objects::meta::resource_version(&object).to_owned()));
            }
        }
    }
    versions.sort();
    versions
}

/// The most that this process has needed, as Linux counts it.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    kib / 1024
}

fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap()
}
