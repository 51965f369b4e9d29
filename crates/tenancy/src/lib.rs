//! What a tenant is given in a cluster, what is granted to it, and what its charts may not do.
//!
//! ```text
//! Tenant + Cluster + the others ──grant──► mistakes, or wanted objects ──plan against live──► steps
//! rendered objects ──guard──► findings          rules ──policies──► ValidatingAdmissionPolicies
//! ```
//!
//! Pure: no cluster, no clock. `control` observes and performs.

pub mod guard;
