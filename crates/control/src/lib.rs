//! The loops: the only crate that runs in the background and reads the clock.
//!
//! ```text
//! Options ──► Service ──┬─ leader: one replica works at a time
//!                       ├─ clusters: the ways to the target clusters, what they have to give
//!                       └─ tenants: what every tenant is given in every cluster
//!                             each a Loop, run by the runner: observe → plan → check → execute → report
//! ```
//!
//! What is decided is decided in the pure crates; here it is observed, performed and reported. Everything may be killed
//! anywhere and run again: a loop takes no input but the world.

pub mod access;
mod artifacts;
pub mod audit;
mod books;
mod clusters;
mod deliveries;
pub mod desk;
mod error;
mod feed;
mod homes;
mod hub;
mod isolation;
mod kept;
mod leader;
mod lease;
pub mod oidc;
mod preview;
mod publisher;
mod queue;
mod runner;
mod service;
mod sites;
mod sources;
mod tenants;
pub mod tokens;
mod verifications;
mod webhooks;
mod written;

pub use audit::AuditLog;
pub use books::Books;
pub use desk::Desk;
pub use error::Error;
pub use hub::Hub;
pub use isolation::{Check, Finding, InCluster, Outcome, PAIRS_MAX, Report, Row};
pub use lease::Terms;
pub use oidc::Oidc;
pub use preview::{Foreseen, Preview};
pub use service::{Charts, Options, Queues, Service};
pub use tenants::FINALIZER;
pub use webhooks::{Awaited, Deaf, Webhooks};
pub use written::{Mistaken, PERSON};
