//! Kubernetes objects as data: reading them, an indexed view of many, and the changes that somebody wants.
//!
//! ```text
//! change ──► World (what there is) ──► Loop::decide(key, now) ──► Plan (what should happen)
//! ```
//!
//! An object is a `serde_json::Value`, as the API server keeps it. What stands here is what controllers, the
//! scheduler, nodes and releases all ask of objects. Pure: no clock, no network, no type per kind.

pub mod affinity;
pub mod condition;
pub mod control;
mod kind;
pub mod labels;
mod lifecycle;
pub mod meta;
pub mod pod;
mod quantity;
pub mod requests;
pub mod taint;
pub mod time;
mod world;

pub use kind::{Key, Kind};
pub use labels::Selector;
pub use lifecycle::Lifecycle;
pub use quantity::{Quantity, Units};
pub use world::{Brief, Change, Source, World};
