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

mod application;
mod artifact;
mod cluster;
pub mod condition;
mod crd;
mod duration;
mod freeze;
mod kind;
mod page;
mod pair;
mod promotion;
mod source;
mod stage;
mod tenant;
mod text;
mod unknown;
mod verification;

pub use application::{
    Application, ApplicationSpec, ApplicationStage, ApplicationStatus, ChartPlace, CheckResult, Deployed,
    Hold, Objective,
};
pub use artifact::{Artifact, ArtifactSpec, ArtifactStatus, Blocked, Origin, Soaked};
pub use cluster::{Capacity, Cluster, ClusterSpec, ClusterStatus, Kubeconfig, Overcommit, Provider};
pub use duration::duration;
pub use freeze::{Day, FreezeWindow, FreezeWindowSpec, FreezeWindowStatus, Once, Weekly};
pub use kind::{Column, Kind, Metadata, Object, ReadError, Scope};
pub use page::pages;
pub use pair::{
    Analysis, ClusterPair, ClusterPairSpec, ClusterPairStatus, Drill, FailOver, FailOverMode, Recovery,
    Rollout, Step,
};
pub use promotion::{
    Approval, ClusterPlan, Direction, Gate, LetThrough, Override, Phase, Promotion, PromotionSpec,
    PromotionStatus, PromotionStep, StepState, Word,
};
pub use source::{ChartSource, ChartSourceSpec, ChartSourceStatus, Forge, Proposals, SecretName};
pub use stage::{
    Approvals, DeletionBrake, Failure, Gates, PromotionMode, Stage, StageSpec, StageStatus, Waves,
};
pub use tenant::{
    Drift, Holds, Leaving, Member, Network, Peer, PodSecurity, Port, Protocol, Quota, Role, Tenant,
    TenantCluster, TenantNamespace, TenantSpec, TenantStatus,
};
pub use unknown::{Unknown, unknown_fields};
pub use verification::{
    Finding, Level, LevelResult, Severity, StageChange, Verdict, Verification, VerificationSpec,
    VerificationStatus,
};

/// The definitions of all kinds, in the order in which one builds on the other.
#[must_use]
pub fn crds() -> Vec<serde_json::Value> {
    vec![
        crd::crd::<Cluster>(),
        crd::crd::<ClusterPair>(),
        crd::crd::<Stage>(),
        crd::crd::<Tenant>(),
        crd::crd::<ChartSource>(),
        crd::crd::<Application>(),
        crd::crd::<Verification>(),
        crd::crd::<Artifact>(),
        crd::crd::<Promotion>(),
        crd::crd::<FreezeWindow>(),
    ]
}

/// The API group of all kinds.
pub const GROUP: &str = "shipway.dev";

/// The one version so far.
pub const VERSION: &str = "v1alpha1";

/// Group and version, as `apiVersion` has them.
pub const API_VERSION: &str = "shipway.dev/v1alpha1";
