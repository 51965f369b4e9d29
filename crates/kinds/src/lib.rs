//! The kinds of the hub: what a person or a loop writes down as custom resources of the group `shipway.dev`.
//!
//! ```text
//! Rust type ──schemars──► CustomResourceDefinition (checked in, printed by `shipway crds`, installed into a hub)
//!     │                └► the reference page of the kind
//!     └──serde──► Object<K>: metadata, spec, status ◄── what the API server keeps
//! ```
//!
//! A field says its unit, default and rule where it is declared, and nowhere else: schema, page and reading follow from
//! it. Reading is lenient, because an older binary must read what a newer one wrote; the API server is strict. No
//! decision is taken here, and nothing is read or sent.

mod cluster;
pub mod condition;
mod kind;
mod tenant;

pub use cluster::{Capacity, Cluster, ClusterSpec, ClusterStatus, Kubeconfig, Overcommit, Provider};
pub use kind::{Column, Kind, Metadata, Object, ReadError, Scope};
pub use tenant::{
    Drift, Leaving, Member, Network, Peer, PodSecurity, Port, Protocol, Quota, Role, Tenant, TenantCluster,
    TenantNamespace, TenantSpec, TenantStatus,
};

/// The API group of all kinds.
pub const GROUP: &str = "shipway.dev";

/// The one version so far.
pub const VERSION: &str = "v1alpha1";

/// Group and version, as `apiVersion` has them.
pub const API_VERSION: &str = "shipway.dev/v1alpha1";
