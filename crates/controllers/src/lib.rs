//! The controllers of a cluster: what turns a Deployment into pods and a deletion into a clean end.
//!
//! ```text
//! World ──► one Loop per concern ──► Plan
//! ```
//!
//! Each is an [`objects::control::Loop`] with the observable behaviour of the real controller of the same name.
//! Pure: no clock, no cluster, no randomness; `minicluster` runs them.

pub mod amount;
pub mod autoscaler;
pub mod claim;
pub mod cron_job;
pub mod daemon_set;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod garbage;
mod go_duration;
pub mod job;
pub mod leftovers;
pub mod namespaces;
pub mod nodes;
pub mod pod;
pub mod pod_template;
pub mod refusal;
pub mod replica_set;
pub mod revision;
pub mod stateful_set;
pub mod status;
pub mod template_hash;
pub mod ttl;
pub mod volumes;
