//! What a tenant is given in a cluster, what is granted to it, and what its charts may not do.
//!
//! ```text
//! Tenant + Cluster + the others ──grant──► mistakes, or wanted objects ──plan against live──► steps
//! rendered objects ──guard──► findings          rules ──policies──► ValidatingAdmissionPolicies
//! ```
//!
//! Pure: no cluster, no clock. `control` observes and performs.

mod grant;
pub mod guard;
mod leave;
pub mod names;
mod plan;
pub mod probe;
mod wanted;

pub use grant::{Grants, Mistake, Share, Taken, grant, holds};
pub use leave::{Left, Proof, leave};
pub use plan::{Deviation, Drifted, KINDS, Refusal, Step, TenantPlan, plan};
pub use wanted::{
    controller, foundation, home, hub_controller, hub_keeper, namespaces, of_hub, uses, wanted,
};
