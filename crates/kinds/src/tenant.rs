//! `Tenant`: a team, and what it may use of every cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, DRIFTED, Explained, GRANTED, ISOLATED, READY,
    reason::{
        AS_WRITTEN, AT_WORK, ATTACK_SUCCEEDED, CHANGED_BY_OTHERS, CLUSTER_UNREACHABLE, FITS, LEAVING,
        MISTAKES, NO_CLUSTER, NO_DRIFT, NOT_GRANTED, NOT_PROVEN, OVER_CAPACITY, PROVEN, PUT_BACK,
        REFUSED_BY_CLUSTER,
    },
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// A team.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant;

/// What a team is and may have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantSpec {
    /// Who belongs to it, and what each may do in its namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 100))]
    pub members: Vec<Member>,
    /// What each of its namespaces may use at most, unless the namespace says otherwise. Its share of a cluster is the
    /// sum over its namespaces.
    pub quota: Quota,
    /// Its namespaces in every cluster it may use; each is named as the tenant, or begins with that name and `-`. None
    /// is one, named as the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 32, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub namespaces: Vec<TenantNamespace>,
    /// The clusters it may use, by name. None is every cluster of the hub.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Label>", extend("maxItems" = 64, "x-kubernetes-list-type" = "set"))]
    pub clusters: Vec<String>,
    /// The hosts its Ingresses and routes may serve: `pay.example.com`, or `*.pay.example.com` for every name below. No
    /// other tenant may have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Host>", extend("maxItems" = 64, "x-kubernetes-list-type" = "set"))]
    pub hosts: Vec<String>,
    /// What its pods may reach and who may reach them, beside the tenant itself and the cluster's name service.
    #[serde(default)]
    pub network: Network,
    /// The Pod Security level of its namespaces.
    #[serde(default)]
    pub pod_security: PodSecurity,
    /// What becomes of changes that somebody else made to what the tenant was given.
    #[serde(default)]
    pub drift: Drift,
    /// How it leaves.
    #[serde(default)]
    pub leaving: Leaving,
}

/// Somebody of the team: a user or a group, as the cluster's authentication names them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.user) != has(self.group)", "message": "name either a user or a group"}
]))]
pub struct Member {
    /// A user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Subject>")]
    pub user: Option<String>,
    /// Everybody of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Subject>")]
    pub group: Option<String>,
    /// What they may do in the tenant's namespaces.
    pub role: Role,
}

/// What a member may do. Everybody may look; what else, in the namespaces of clusters and of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Role {
    /// Reads everything but Secrets; logs too.
    View,
    /// Agrees to plans of promotions, and rejects them; otherwise as `View`.
    Approve,
    /// Lets promotions through freezes, blocks versions, makes and ends freezes; otherwise as `View`.
    Override,
    /// Asks for promotions and rollbacks, and stops them. Changes what charts are made of, opens a shell in a pod, forwards ports.
    Deploy,
    /// All of these. Reads and writes Secrets, and gives rights within the tenant to others.
    Administer,
}

/// A namespace of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantNamespace {
    /// The whole name: the tenant's, or that and `-` and more.
    #[schemars(with = "text::Label")]
    pub name: String,
    /// How much it may use at most, instead of `spec.quota`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// Its Pod Security level, instead of `spec.podSecurity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security: Option<PodSecurity>,
}

/// How much a namespace may use at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// CPU that its pods may request together, in cores: `8`, `500m`.
    #[serde(deserialize_with = "text::quantity")]
    #[schemars(with = "text::Quantity")]
    pub cpu: String,
    /// Memory that its pods may request together, which is also their limit: `16Gi`.
    #[serde(deserialize_with = "text::quantity")]
    #[schemars(with = "text::Quantity")]
    pub memory: String,
    /// Storage that its claims may request together: `100Gi`.
    #[serde(default = "no_storage", deserialize_with = "text::quantity")]
    #[schemars(with = "text::Quantity")]
    pub storage: String,
    /// How many pods there may be.
    #[serde(default = "hundred")]
    #[schemars(range(min = 0, max = 100_000))]
    pub pods: u32,
    /// How many Services may have a load balancer of their own.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000))]
    pub load_balancers: u32,
    /// How many Services may take a port of every node.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000))]
    pub node_ports: u32,
}

/// What is open between a tenant and others. Within the tenant everything is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Whether the cluster's ingress controllers may reach its pods.
    #[serde(default)]
    pub ingress: bool,
    /// Whether its pods may reach addresses outside the cluster: everything but the private ranges of RFC 1918, RFC 6598,
    /// RFC 4193 and the link-local ones, where clouds keep credentials.
    #[serde(default)]
    pub internet: bool,
    /// Who else may reach its pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 64))]
    pub from: Vec<Peer>,
    /// What else its pods may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 64))]
    pub to: Vec<Peer>,
}

/// The other end: a tenant, a namespace of the cluster, or a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "[has(self.tenant), has(self.__namespace__), has(self.cidr)].filter(one, one).size() == 1",
     "message": "name one of tenant, namespace and cidr"}
]))]
pub struct Peer {
    /// The pods of a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::TenantName>")]
    pub tenant: Option<String>,
    /// The pods of a namespace that is no tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Label>")]
    pub namespace: Option<String>,
    /// A range of addresses, as in `10.1.0.0/16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Cidr>")]
    pub cidr: Option<String>,
    /// On these ports only. None is every port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 32))]
    pub ports: Vec<Port>,
}

/// A port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Port {
    /// Its number.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// What is spoken on it.
    #[serde(default)]
    pub protocol: Protocol,
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
}

/// A level of the Pod Security Standards that tenants can share a cluster at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodSecurity {
    /// Pods follow present hardening practice: no root, no added capabilities, a seccomp profile.
    #[default]
    Restricted,
    /// Pods may run as root, but know no way to the node.
    Baseline,
}

/// What becomes of a change that somebody else made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Drift {
    /// It is put back and reported.
    #[default]
    PutBack,
    /// It is reported.
    Report,
}

/// How a tenant leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leaving {
    /// How long its namespaces stay, closed to its members and to traffic, before they are deleted: hours and minutes,
    /// as in `168h` or `1h30m`.
    #[serde(default = "week")]
    #[schemars(with = "text::Duration")]
    pub retention: String,
}

impl Default for Leaving {
    fn default() -> Self {
        Self { retention: week() }
    }
}

/// What a tenant has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Granted`, `Drifted` and `Isolated`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// What it was granted last, which no other tenant may have, even while the manifest has a mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// How far it is in each cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub clusters: Vec<TenantCluster>,
}

/// The names that a tenant was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Holds {
    /// Its namespaces, that of the hub among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub namespaces: Vec<String>,
    /// Its hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub hosts: Vec<String>,
}

/// A tenant in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantCluster {
    /// The cluster.
    pub name: String,
    /// Whether everything is there as it should be.
    pub ready: bool,
    /// The share of the cluster that it was granted last: the sum over its namespaces, in cores.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cpu: String,
    /// The same of memory.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub memory: String,
    /// How many objects that is.
    #[serde(default)]
    pub objects: u32,
    /// What is the matter; empty when nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Kind for Tenant {
    const NAME: &'static str = "Tenant";
    const ABOUT: &'static str = "A team, and what it may use of every cluster.";
    const PLURAL: &'static str = "tenants";
    const SHORT: &'static [&'static str] = &["ten"];
    const SCOPE: Scope = Scope::Cluster;
    const COLUMNS: &'static [Column] = &[Column::READY, Column::REASON, Column::AGE];
    const RULES: &'static [(&'static str, &'static str)] = &[
        (
            "self.metadata.name.size() <= 40",
            "a tenant's name has at most 40 characters, because its namespaces begin with it",
        ),
        (
            "!has(self.spec.namespaces) || self.spec.namespaces.all(one, one.name == self.metadata.name || \
             one.name.startsWith(self.metadata.name + '-'))",
            "a namespace is named as the tenant, or begins with the tenant's name and '-'",
        ),
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "Everything that the manifest says is there, in every cluster.",
            reasons: &[
                (AS_WRITTEN, "True", "it is"),
                (AT_WORK, "False", "it is being written"),
                (NOT_GRANTED, "False", "see `Granted`; nothing was changed"),
                (NO_CLUSTER, "False", "there is no cluster that it may use"),
                (
                    CLUSTER_UNREACHABLE,
                    "False",
                    "a cluster does not answer; it is tried again",
                ),
                (
                    REFUSED_BY_CLUSTER,
                    "False",
                    "a cluster refuses an object; the message has its words",
                ),
                (
                    LEAVING,
                    "False",
                    "the tenant is leaving; the message says what is left and until when",
                ),
            ],
        },
        Explained {
            kind: GRANTED,
            meaning: "Its share of every cluster is granted.",
            reasons: &[
                (FITS, "True", "it is"),
                (
                    MISTAKES,
                    "False",
                    "the manifest has mistakes; the message has every one",
                ),
                (
                    OVER_CAPACITY,
                    "False",
                    "a cluster has less than all tenants would have together",
                ),
            ],
        },
        Explained {
            kind: DRIFTED,
            meaning: "Somebody else changed what it was given.",
            reasons: &[
                (
                    CHANGED_BY_OTHERS,
                    "True",
                    "the message names objects; `drift: Report` only reports",
                ),
                (PUT_BACK, "False", "it was, and was put back"),
                (NO_DRIFT, "False", "nobody did"),
            ],
        },
        Explained {
            kind: ISOLATED,
            meaning: "Every attack of a tenant on another was stopped, when it was tried last (`--check-every`).",
            reasons: &[
                (PROVEN, "True", "it was"),
                (
                    ATTACK_SUCCEEDED,
                    "False",
                    "one by it or on it was let through; the message names it",
                ),
                (
                    NOT_PROVEN,
                    "Unknown",
                    "something could not be tried; the message says what",
                ),
            ],
        },
    ];
    type Spec = TenantSpec;
    type Status = TenantStatus;

    fn conditions(status: &mut TenantStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

fn no_storage() -> String {
    "0".to_owned()
}

fn hundred() -> u32 {
    100
}

fn week() -> String {
    "168h".to_owned()
}
