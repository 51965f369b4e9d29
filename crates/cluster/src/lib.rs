//! A cluster seen through its API server: the only crate that has a Kubernetes client.
//!
//! ```text
//! Target ──connect──► Cluster ──► discovery, reads, server-side apply, deletes, watches ──► run: a release's steps
//!                        │
//!                        └─ send: permit ─► one try, limited in time ─► again? (backoff) ─► answer or Error
//! ```
//!
//! Every request is bounded in time, limited in number at once, and repeated only when that can't do it twice.
//! Objects are `serde_json::Value`: no type per kind, and nothing of the client library in a signature.

mod backoff;
mod client;
mod credentials;
mod discovery;
mod error;
mod kubeconfig;
mod probe;
mod read;
pub mod rendering;
mod resource;
pub mod run;
mod send;
mod status;
mod target;
mod transport;
mod warning;
mod watch;
mod write;

pub use client::Cluster;
pub use discovery::Catalog;
pub use error::{Asked, Error, Why};
pub use probe::Ask;
pub use read::{ListQuery, Listed};
pub use resource::{At, Resource};
pub use status::{Cause, FieldConflict, Status};
pub use target::{Files, Impersonate, InCluster, Limits, Overrides, Target};
pub use watch::{Event, Watch};
pub use write::{Apply, Delete, Patch, Propagation, Write};
