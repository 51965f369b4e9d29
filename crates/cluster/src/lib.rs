//! A cluster seen through its API server: the only crate that has a Kubernetes client.
//!
//! ```text
//! kubeconfig ──connect──► Cluster ──► discovery, reads, server-side apply, deletes, watches ──► run: a release's steps
//! ```
//!
//! Every request is bounded in time, limited in number at once, and repeated only when that can't do it twice.
