//! The controllers of a cluster: what turns a Deployment into pods and a deletion into a clean end.
//!
//! ```text
//! World ──► one Loop per concern ──► Plan
//! ```
//!
//! Each is an [`objects::control::Loop`] with the observable behaviour of the real controller of the same name.
//! Pure: no clock, no cluster, no randomness; `minicluster` runs them.

pub mod disruption;
pub mod endpoints;
pub mod garbage;
pub mod leftovers;
pub mod namespaces;
pub mod nodes;
pub mod volumes;
