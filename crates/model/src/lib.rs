//! The nouns of Shipway: typed names, versions and digests, and the registry of error codes.
//!
//! ```text
//! text at the edge ──parse once──► TenantName, Digest, Revision, … ──► every other crate
//!                       │
//!                       └──► Error (a Code, a message, a hint)
//! ```
//!
//! A value of one of these types is valid by construction, so nothing further in checks it again. There is no
//! IO here, no clock and no async, and there will not be: every crate imports this one.

pub mod code;
pub mod diagnose;
mod digest;
mod name;
mod revision;
mod version;

pub use code::Code;
pub use diagnose::{Diagnose, Next};
pub use digest::Digest;
pub use name::{
    ApplicationName, ChartName, ClusterName, NameError, Namespace, ReleaseName, StageName, TenantName,
};
pub use revision::Revision;
pub use version::ChartVersion;
