//! What a node does with its pods, without running anything: the state machine of a kubelet.
//!
//! ```text
//! pod + world + behaviour of its images + now ──► status, events, and when something happens next
//! ```
//!
//! Pure: an [`objects::control::Loop`] that `minicluster` runs for simulated nodes.
