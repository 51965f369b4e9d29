//! What a node does with its pods, without running anything: the state machine of a kubelet, and simulated nodes.
//!
//! ```text
//! pod + world + what its containers do + now ──► machine::step ──► status, events, when to look again
//!                        ▲
//!        Runtime: simulated (a behaviour file), or real processes elsewhere
//! ```
//!
//! [`Kubelet`] and [`Nodes`] are the [`objects::control::Loop`]s of nodes, simulated or of another [`Host`]. Pure: no clock, no processes, no
//! randomness but what a seed gives.

mod address;
mod admission;
mod backoff;
pub mod behaviour;
pub mod holds;
mod image;
mod kubelet;
pub mod machine;
pub mod nodes;
pub mod pod;
mod probes;
pub mod runtime;
mod sampler;
mod simulated;
mod span;
mod usage;

pub use address::Addresses;
pub use behaviour::Behaviour;
pub use kubelet::{Host, Kubelet, Simulation, Telling};
pub use nodes::{Heartbeat, Nodes, Shape};
pub use sampler::Sampler;
pub use usage::{Meter, Usage, node_metrics, pod_metrics};
