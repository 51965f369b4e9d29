//! Helm charts: everything between a folder of templates and the manifests that Helm would have made of it.
//!
//! ```text
//! load ──► Chart ──dependencies──► Chart ──values──► Values ──render──► manifests
//! ```
//!
//! Helm's behaviour to the byte, in process. No network, no clock, no randomness; only [`load`] reads files.

pub mod capabilities;
pub mod chart;
pub mod dependencies;
mod diagnose;
pub mod error;
pub mod functions;
pub mod glob;
mod go_text;
pub mod json;
pub mod lint;
pub mod load;
pub mod metadata;
pub mod objects;
pub mod package;
pub mod random;
pub mod regex;
pub mod render;
pub mod schema;
pub mod semver;
pub mod time;
mod tree;
pub mod values;
pub mod warning;

pub use chart::{Chart, Content, File, Kept};
pub use error::Error;
pub use metadata::Metadata;
pub use warning::Warning;
