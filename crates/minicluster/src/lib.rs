//! The mini cluster: a Kubernetes-compatible API server in a library.
//!
//! ```text
//! server ──► admission ──► apply / patch ──► store ──► watch
//!                 └───────── schema ─────────┘
//! ```
//!
//! `server` is the way in: [`server::Cluster`] starts one. The other parts are pure or self-contained.

pub mod admission;
pub mod apply;
pub mod auth;
pub mod clock;
mod engine;
pub mod fuzzing;
mod go_text;
pub mod node;
pub mod patch;
pub mod protobuf;
mod registry;
pub mod schema;
pub mod server;
pub mod store;
pub mod validate;
