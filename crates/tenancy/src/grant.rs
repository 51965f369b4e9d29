//! What of every cluster is granted to whom, and every reason why not.
//!
//! ```text
//! tenants, clusters ──► manifest: what is wrong in itself, or names nothing
//!                  └──► claims: names that two would have
//!                  └──► capacity: more than there is          ──► Grants
//! ```
//!
//! A tenant's status says what it was granted last. That counts as taken even while its manifest asks for something
//! else or is wrong, because in the clusters it still is. Not looked at: how many pods, how much storage and how many
//! load balancers a cluster can carry, which its nodes don't say.

mod capacity;
mod claims;
mod manifest;
mod parse;

use std::collections::BTreeMap;

use kinds::{Cluster, Object, Tenant};

pub use claims::holds;

/// What all tenants are granted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    /// By the tenant's name: its share of every cluster it may use, or every mistake of its manifest. A tenant with a
    /// mistake is left as it is. One that is leaving is not among them.
    pub tenants: BTreeMap<String, Result<Vec<Share>, Vec<Mistake>>>,
    /// By the cluster's name.
    pub clusters: BTreeMap<String, Taken>,
}

/// A tenant's part of a cluster. Its amounts are to be written into `status.clusters`, if it is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub cluster: String,
    /// The sum over its namespaces, as in `8`.
    pub cpu: String,
    /// As in `16Gi`.
    pub memory: String,
    /// False while the capacity of the cluster is not known: what was granted there stays, and nothing new is.
    pub granted: bool,
}

/// How much of a cluster is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub cpu: String,
    pub memory: String,
    /// What may be granted in all: capacity × overcommit. `None` while the capacity is not known.
    pub cpu_limit: Option<String>,
    pub memory_limit: Option<String>,
}

/// Something that a person has to put right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {path}: {problem}; {cure}")]
pub struct Mistake {
    /// `Tenant payments`
    pub object: String,
    /// `spec.quota.cpu`
    pub path: String,
    pub problem: String,
    /// What to do.
    pub cure: String,
    /// For the condition: `kinds::condition::reason::MISTAKES` or `OVER_CAPACITY`.
    pub reason: &'static str,
}

/// The mistakes of each tenant, in the order of the tenants.
type Found = Vec<Vec<Mistake>>;

/// Decides on all tenants together.
///
/// Guarantees: of two tenants that collide one keeps what both want: the one that has it, else the older, else the first
/// by name; a tenant without `creationTimestamp` is the newest. A tenant that is leaving keeps its names and shares until
/// it is gone.
#[must_use]
pub fn grant(tenants: &[Object<Tenant>], clusters: &[Object<Cluster>]) -> Grants {
    let mut found: Found = tenants
        .iter()
        .map(|tenant| manifest::mistakes(tenant, tenants, clusters))
        .collect();
    claims::collide(tenants, &mut found);
    let (mut shares, taken) = capacity::share_out(tenants, clusters, &mut found);
    let mut grants = Grants {
        clusters: taken,
        ..Grants::default()
    };
    for (at, tenant) in tenants.iter().enumerate() {
        if tenant.is_leaving() {
            continue;
        }
        let mistakes = std::mem::take(&mut found[at]);
        let result = match mistakes.is_empty() {
            true => Ok(std::mem::take(&mut shares[at])),
            false => Err(mistakes),
        };
        grants.tenants.insert(tenant.metadata.name.clone(), result);
    }
    grants
}

/// The tenants in the order in which they are served: the older ones first.
fn by_age(tenants: &[Object<Tenant>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tenants.len()).collect();
    order.sort_by_key(|at| age(&tenants[*at]));
    order
}

/// What makes a tenant older than another. Times are written so that they sort; none is after all of them.
fn age(tenant: &Object<Tenant>) -> (bool, &str, &str) {
    let created = tenant.metadata.creation_timestamp.as_str();
    (created.is_empty(), created, &tenant.metadata.name)
}

/// A mistake in a tenant's manifest.
fn mistake(
    tenant: &Object<Tenant>,
    path: impl Into<String>,
    problem: impl Into<String>,
    cure: impl Into<String>,
) -> Mistake {
    Mistake {
        object: format!("Tenant {}", tenant.metadata.name),
        path: path.into(),
        problem: problem.into(),
        cure: cure.into(),
        reason: kinds::condition::reason::MISTAKES,
    }
}
