//! What delivery costs: 1,000 applications of 20 tenants on one hub and three clusters, a commit that touches all of them; then
//! whether a tenant whose charts never become ready, and a cluster that hangs, slow anybody else.
//!
//! `bench_delivery SHIPWAY FOLDER [APPLICATIONS] [TENANTS]`: the hub and the clusters are `shipway cluster start` in processes of
//! their own; the controller is this process, so its memory is what this one needs at most.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark for people, which fails loudly"
)]

#[path = "../../source/tests/it/origin.rs"]
#[allow(dead_code)]
mod origin;
#[path = "servers/servers.rs"]
mod servers;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use artifact::{Envelope, Package, Place, Settings, SigningKey, Source, Statement, Store, Trusted, Verified};
use cluster::{Cluster, Event, ListQuery, Patch, Write};
use control::{Charts, Hub, Options, Service, Terms};
use kinds::{ChartSource, Object, Phase, Promotion};
use serde_json::{Value, json};
use source::forge::Link;

use origin::{Origin, git};
use servers::{CLUSTERS, Server, all_ready, now, peak_memory_mb, register};

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {version: {{ .Chart.Version | quote }}}
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 1
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME, version: {{ .Chart.Version | quote }}}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:{{ .Chart.Version }}
        envFrom: [{configMapRef: {name: CONFIG}}]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}}
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
";

/// How many applications there are, of how many tenants.
#[derive(Clone, Copy)]
struct Size {
    applications: usize,
    tenants: usize,
}

impl Size {
    fn tenant(self, application: usize) -> usize {
        application % self.tenants
    }

    fn namespace(self, application: usize) -> String {
        format!("team-{}", self.tenant(application))
    }

    /// Each tenant is in one cluster.
    fn cluster(self, application: usize) -> usize {
        self.tenant(application) % CLUSTERS.len()
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [shipway, folder, rest @ ..] = args.as_slice() else {
        panic!("usage: bench_delivery SHIPWAY FOLDER [APPLICATIONS] [TENANTS]");
    };
    let number = |at: usize, default: usize| rest.get(at).map_or(default, |text| text.parse().unwrap());
    let size = Size {
        applications: number(0, 1000),
        tenants: number(1, 20),
    };
    let folder = Path::new(folder);
    let server = Server::start(shipway, folder, "delivery-hub", 1);
    let targets: Vec<Server> = CLUSTERS
        .iter()
        .map(|name| Server::start(shipway, folder, name, 10))
        .collect();
    let (client, origin) = (server.connect().await, Origin::new());
    let hub = Hub::new(client.clone());
    hub.install(&kinds::crds()).await.unwrap();
    register(&client, &targets).await;
    written(&client, &origin, size).await;
    let hub_client = server.connect().await;
    let service = Service::start(options(hub_client.clone(), &origin))
        .await
        .unwrap();
    let service = Arc::new(service);
    let of_run = Arc::clone(&service);
    let running = tokio::spawn(async move { of_run.run(std::future::pending()).await });
    all_ready(&hub, size.tenants, |_| true).await;

    println!(
        "{} applications of {} tenants, {} clusters",
        size.applications,
        size.tenants,
        CLUSTERS.len()
    );
    for (minor, what) in ["the first commit", "a commit that touches all"]
        .into_iter()
        .enumerate()
    {
        let version = format!("1.{minor}.0");
        let before = (hub_client.requests(), service.requests());
        commit(&origin, size, &version);
        let began = Instant::now();
        say(&hub).await;
        let times = delivered(&hub, size, &version, |_| true).await;
        let took = began.elapsed().as_secs_f64();
        let cost = sum(&service.requests()).saturating_sub(sum(&before.1));
        println!("{what}: verified, published, in staging");
        println!("  all                 {took:>8.1} s");
        println!("  delivered, p50/p95  {}", shown(&times));
        println!(
            "  requests            {:>8} to the hub, {cost} to the clusters",
            hub_client.requests() - before.0
        );
        println!("  controller, at most {:>8} MB", peak_memory_mb());
    }
    fairness(&hub, &origin, size, &targets).await;
    running.abort();
}

/// Publishes as if verified, so that what is measured is delivery: healthy applications alone, then beside a tenant whose charts
/// never become ready and a cluster that hangs.
async fn fairness(hub: &Hub, origin: &Origin, size: Size, targets: &[Server]) {
    let is_healthy = |application: usize| size.tenant(application) != 0 && size.cluster(application) != 2;
    let mut rows = Vec::new();
    for round in 0..3 {
        for with_faults in [false, true] {
            let version = format!("2.{round}.{}", u8::from(with_faults));
            let hung = &targets[2].child;
            if with_faults {
                signal(hung.id(), "STOP");
            }
            let publishing = async {
                for application in 0..size.applications {
                    if with_faults || is_healthy(application) {
                        publish(origin, size, application, &version).await;
                    }
                }
            };
            let (times, ()) = tokio::join!(delivered(hub, size, &version, is_healthy), publishing);
            if with_faults {
                signal(hung.id(), "CONT");
            }
            println!(
                "  {:<40} {}",
                if with_faults {
                    "beside both faults"
                } else {
                    "alone"
                },
                shown(&times)
            );
            rows.push(percentile(&times, 95));
        }
    }
    let median = |which: usize| {
        let mut times: Vec<f64> = rows.iter().skip(which).step_by(2).copied().collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!(
        "p95 of the healthy beside both faults: {:+.0} % of alone",
        (median(1) / median(0) - 1.0) * 100.0
    );
}

fn signal(process: u32, name: &str) {
    let done = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(done.unwrap().success());
}

fn sum(requests: &BTreeMap<String, u64>) -> u64 {
    requests.values().sum()
}

/// From the promotion that was made to its end, in seconds, of each.
fn shown(times: &[f64]) -> String {
    format!(
        "{:>8.2} s {:>8.2} s",
        percentile(times, 50),
        percentile(times, 95)
    )
}

fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times
        .get(times.len() * percent / 100)
        .copied()
        .unwrap_or_default()
}

/// Waits until a version of all that are meant is in staging, and says how long each took since its promotion was seen.
async fn delivered(hub: &Hub, size: Size, version: &str, is_meant: impl Fn(usize) -> bool) -> Vec<f64> {
    let kind = hub.kind::<Promotion>().await.unwrap();
    let mut watch = hub.cluster().watch(&kind, None, &ListQuery::default(), "");
    let suffix = format!("-{version}-staging");
    let wanted = (0..size.applications).filter(|one| is_meant(*one)).count();
    let mut seen: BTreeMap<usize, (Instant, Option<f64>)> = BTreeMap::new();
    let mut done = 0;
    while done < wanted {
        let objects = match watch.next().await.unwrap() {
            Event::Added(object) | Event::Modified(object) => vec![object],
            Event::Relisted(objects) => objects,
            Event::Deleted(_) => Vec::new(),
        };
        for object in objects {
            let promotion = Object::<Promotion>::read(&object).unwrap();
            let name = &promotion.metadata.name;
            let Some(application) = name
                .strip_suffix(&suffix)
                .and_then(|name| name.strip_prefix("app-"))
            else {
                continue;
            };
            let application: usize = application.parse().unwrap();
            if !is_meant(application) {
                continue;
            }
            let (began, took) = seen.entry(application).or_insert_with(|| (Instant::now(), None));
            let phase = promotion.status.phase;
            assert!(
                !matches!(phase, Phase::Failed | Phase::RolledBack | Phase::Aborted),
                "{promotion:#?}"
            );
            if phase == Phase::Succeeded && took.is_none() {
                *took = Some(began.elapsed().as_secs_f64());
                done += 1;
            }
        }
    }
    seen.into_values().filter_map(|(_, took)| took).collect()
}

/// The files of a chart; one that is doomed waits for a ConfigMap that is never there.
fn files(application: usize, version: &str, is_doomed: bool) -> Vec<(String, String)> {
    let name = format!("app-{application}");
    let config = if is_doomed { "nowhere" } else { &name };
    let text = |template: &str| template.replace("NAME", &name).replace("CONFIG", config);
    vec![
        (
            "Chart.yaml".to_owned(),
            format!("{{apiVersion: v2, name: {name}, version: {version}}}"),
        ),
        ("templates/config.yaml".to_owned(), text(CONFIG)),
        ("templates/deployment.yaml".to_owned(), text(DEPLOYMENT)),
    ]
}

fn commit(origin: &Origin, size: Size, version: &str) {
    let all = (0..size.applications).flat_map(|application| {
        let files = files(application, version, false);
        files
            .into_iter()
            .map(move |(path, text)| (format!("charts/app-{application}/{path}"), text))
    });
    let all: Vec<(String, String)> = all.collect();
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    origin.commit(&all);
}

async fn publish(origin: &Origin, size: Size, application: usize, version: &str) {
    let files = files(application, version, size.tenant(application) == 0);
    let files = files
        .into_iter()
        .map(|(path, text)| chart::File::new(path, text.into_bytes()));
    let chart = chart::load::files(files.collect()).unwrap().chart;
    let packed = chart::package::package(&chart, &chart::package::Overrides::default()).unwrap();
    let package = Package::read(packed.bytes).unwrap();
    let mut statement = Statement::about(&package, "bench", now());
    statement.source = Source {
        name: "charts".to_owned(),
        repository: origin.remote().url().to_owned(),
        commit: "0123456789012345678901234567890123456789".to_owned(),
        path: format!("charts/app-{application}"),
        ..Source::default()
    };
    statement.verification = Some(Verified {
        name: "bench".to_owned(),
        levels: vec!["L1".to_owned(), "L2".to_owned()],
        evidence: None,
    });
    let envelope = Envelope::sign(&statement, &key());
    store(origin).publish(&package, &envelope, now()).await.unwrap();
}

/// What a platform team and its tenants write down.
async fn written(client: &Cluster, origin: &Origin, size: Size) {
    let make = async |kind: &str, (namespace, name): (&str, &str), spec: Value| {
        let resource = client.resource(kinds::API_VERSION, kind).await.unwrap().unwrap();
        let metadata = json!({"name": name, "namespace": namespace});
        let object =
            json!({"apiVersion": kinds::API_VERSION, "kind": kind, "metadata": metadata, "spec": spec});
        let created = client.create(resource.at(namespace, name), &object, Write::default());
        created.await.unwrap();
    };
    let namespaces = client.resource("v1", "Namespace").await.unwrap().unwrap();
    for tenant in 0..size.tenants {
        let name = format!("team-{tenant}");
        let labels = json!({"shipway.dev/tenant": name});
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        client
            .create(namespaces.at("", &name), &namespace, Write::default())
            .await
            .unwrap();
        let spec = json!({"quota": {"cpu": "10", "memory": "20Gi", "pods": 1000},
            "clusters": [CLUSTERS[tenant % CLUSTERS.len()]]});
        make("Tenant", ("", &name), spec).await;
    }
    let stage = json!({"clusters": CLUSTERS, "timeout": "30s"});
    make("Stage", ("", "staging"), stage).await;
    let source = json!({"url": origin.remote().url(), "interval": "1h"});
    make("ChartSource", ("", "charts"), source).await;
    for application in 0..size.applications {
        let name = format!("app-{application}");
        let chart = json!({"source": "charts", "path": format!("charts/{name}")});
        let at = size.namespace(application);
        make("Application", (&at, &name), json!({"chart": chart})).await;
    }
}

/// What a webhook leaves.
async fn say(hub: &Hub) {
    let kind = hub.kind::<ChartSource>().await.unwrap();
    let patch = json!({"metadata": {"annotations": {"shipway.dev/look-again": now().to_string()}}});
    let done = hub
        .cluster()
        .patch(kind.at("", "charts"), Patch::Merge(&patch), Write::default());
    done.await.unwrap();
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn store(origin: &Origin) -> Store {
    Store::open(Place::Folder(origin.place("store")), &Settings::default()).unwrap()
}

fn options(hub: Cluster, origin: &Origin) -> Options {
    let key = Arc::new(key());
    let charts = Charts {
        cache: origin.place("cache"),
        git: git(),
        link: Link::new(None).unwrap(),
        store: store(origin),
        trusted: Arc::new(Trusted::new([key.public()])),
        key,
        queue: None,
        sweep: Duration::from_secs(1),
        look: Duration::from_secs(30),
    };
    Options {
        hub,
        namespace: "shipway-system".to_owned(),
        identity: "bench".to_owned(),
        terms: Terms::default(),
        installs: false,
        check_every: None,
        charts: Some(charts),
        clock: now,
    }
}
