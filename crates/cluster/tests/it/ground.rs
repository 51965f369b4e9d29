//! A cluster to ask, and a client of it.

use std::path::PathBuf;

use cluster::{Files, Limits, Resource, Target};
use minicluster::server;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A mini cluster, its kubeconfig, and a client.
pub struct Ground {
    pub server: server::Cluster,
    pub cluster: cluster::Cluster,
    pub folder: TempDir,
}

impl Ground {
    pub async fn new() -> Self {
        let server = server::Cluster::start(server::Options::default()).await.unwrap();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, server.handle().kubeconfig().unwrap()).unwrap();
        let cluster = connected(path).await;
        Self {
            server,
            cluster,
            folder,
        }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub async fn resource(&self, api_version: &str, kind: &str) -> Resource {
        self.cluster.resource(api_version, kind).await.unwrap().unwrap()
    }

    pub async fn config_maps(&self) -> Resource {
        self.resource("v1", "ConfigMap").await
    }
}

pub fn target(kubeconfig: PathBuf) -> Target {
    Target {
        kubeconfig: Files::One(kubeconfig),
        limits: Limits {
            // No test waits for a tenth of a second where a thousandth tells the same.
            first_wait: std::time::Duration::from_millis(1),
            ..Limits::default()
        },
        ..Target::default()
    }
}

pub async fn connected(kubeconfig: PathBuf) -> cluster::Cluster {
    cluster::Cluster::connect(target(kubeconfig)).await.unwrap()
}

pub fn config_map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}})
}
