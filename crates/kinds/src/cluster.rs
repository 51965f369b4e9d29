//! `Cluster`: a target, how to reach it, and how much of it may be granted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, Explained, REACHABLE, READY,
    reason::{ANSWERS, AS_WRITTEN, MISTAKES, NO_ANSWER},
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// A target cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster;

/// Where a cluster is and what may be granted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.kubeconfig) != (has(self.inCluster) && self.inCluster)",
     "message": "say either kubeconfig or inCluster: true"}
]))]
pub struct ClusterSpec {
    /// Who runs it.
    #[serde(default)]
    pub provider: Provider,
    /// The Secret of the hub that holds the kubeconfig with which it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<Kubeconfig>,
    /// Whether it is the hub itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_cluster: bool,
    /// How much more than there is may be granted to tenants.
    #[serde(default)]
    pub overcommit: Overcommit,
    /// The namespaces of the ingress controllers, which tenants may open themselves to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Label>", extend("maxItems" = 16, "x-kubernetes-list-type" = "set"))]
    pub ingress_namespaces: Vec<String>,
}

/// Who runs a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Provider {
    /// Amazon Web Services.
    Aws,
    /// Somebody else, or oneself.
    #[default]
    OnPremise,
    /// A mini cluster of this program.
    Embedded,
}

/// A Secret with a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kubeconfig {
    /// The Secret's name.
    #[schemars(with = "text::Subdomain")]
    pub secret: String,
    /// Its namespace.
    #[serde(default = "system")]
    #[schemars(with = "text::Label")]
    pub namespace: String,
    /// The key in it.
    #[serde(default = "key")]
    #[schemars(extend("minLength" = 1, "maxLength" = 253, "pattern" = "^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// The sum of all quotas in percent of what the nodes have. 100 is all there is and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overcommit {
    /// Of CPU.
    #[serde(default = "all")]
    #[schemars(range(min = 1, max = 10_000))]
    pub cpu_percent: u32,
    /// Of memory. More than 100 risks pods being killed when all use what they may.
    #[serde(default = "all")]
    #[schemars(range(min = 1, max = 10_000))]
    pub memory_percent: u32,
}

impl Default for Overcommit {
    fn default() -> Self {
        Self {
            cpu_percent: all(),
            memory_percent: all(),
        }
    }
}

/// What a cluster is like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Reachable`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// As in `v1.35.0`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// What its nodes have for pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
}

/// The sum of what the schedulable nodes have to give (`status.allocatable`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// How many there are.
    pub nodes: u32,
    /// In cores, as in `96` or `1500m`.
    pub cpu: String,
    /// As in `384Gi`.
    pub memory: String,
    /// How many pods they may run.
    pub pods: u64,
}

impl Kind for Cluster {
    const NAME: &'static str = "Cluster";
    const ABOUT: &'static str = "A target cluster: how it is reached, and how much of it may be granted.";
    const PLURAL: &'static str = "clusters";
    const SHORT: &'static [&'static str] = &[];
    const SCOPE: Scope = Scope::Cluster;
    const COLUMNS: &'static [Column] = &[
        Column::READY,
        Column::string("Version", ".status.version"),
        Column::of("Nodes", "integer", ".status.capacity.nodes"),
        Column::string("CPU", ".status.capacity.cpu").wide(),
        Column::string("Memory", ".status.capacity.memory").wide(),
        Column::string("Provider", ".spec.provider").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "Tenants can be given shares of it, and releases deployed to it.",
            reasons: &[
                (AS_WRITTEN, "True", "they can"),
                (
                    MISTAKES,
                    "False",
                    "the Secret, or the kubeconfig in it, does not exist or can't be read",
                ),
                (NO_ANSWER, "False", "see `Reachable`"),
            ],
        },
        Explained {
            kind: REACHABLE,
            meaning: "Its API server answers.",
            reasons: &[
                (ANSWERS, "True", "it does; the message has its version"),
                (
                    NO_ANSWER,
                    "False",
                    "it does not; the message says why and what to do",
                ),
            ],
        },
    ];
    type Spec = ClusterSpec;
    type Status = ClusterStatus;

    fn conditions(status: &mut ClusterStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

fn system() -> String {
    "shipway-system".to_owned()
}

fn key() -> String {
    "kubeconfig".to_owned()
}

fn all() -> u32 {
    100
}
