//! What tenants cost: 200 of three namespaces each on three clusters, from manifests to all ready, then one change.
//!
//! `bench_tenants SHIPWAY FOLDER [TENANTS]`: the hub and the clusters are `shipway cluster start` in processes of their
//! own; the controller is this process, so its memory is what this one needs at most.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark for people, which fails loudly"
)]

#[path = "servers/servers.rs"]
mod servers;

use std::path::Path;
use std::time::Instant;

use cluster::{ListQuery, Patch, Write};
use control::{Hub, Options, Service, Terms};
use kinds::Tenant;
use serde_json::{Value, json};

use servers::{CLUSTERS, Server, all_ready, now, peak_memory_mb, register};

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
