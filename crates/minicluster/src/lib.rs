//! The mini cluster: a Kubernetes-compatible API server in a library.
//!
//! ```text
//! server ──► admission ──► apply / patch ──► store ──► watch
//!                 └───────── schema ─────────┘
//! ```
//!
//! Under construction: the parts below are pure or self-contained; the server that joins them is not here yet.

mod go_text;
pub mod apply;
pub mod auth;
pub mod patch;
pub mod schema;
pub mod store;
pub mod validate;
