//! The scheduler: which node a pod goes to, or why to none.
//!
//! ```text
//! changes ──► cache (room, counts) ──┐
//!    └──────► queue (urgent first) ──► filter ──► score ──► bind
//!                  ▲                     └─ none ──► preempt ──► report
//!                  └── parked until a change can help ◄──────────────┘
//! ```
//!
//! Behaves as kube-scheduler 1.35 does with its default plugins. Pure: an [`objects::control::Loop`] that
//! `minicluster` runs. It knows no resource claims, volume limits, extenders or other profiles; pods that name
//! another scheduler are left alone.

mod cache;
mod changes;
mod decide;
mod filter;
mod preempt;
mod queue;
mod reason;
mod report;
mod score;
mod shape;
mod volumes;
mod wants;

pub use decide::Scheduler;

/// The scheduler that pods name.
const NAME: &str = "default-scheduler";
