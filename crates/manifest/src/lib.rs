//! Kubernetes objects as a release has them: read from YAML, compared, healthy or not, and what may not be changed.
//!
//! ```text
//! manifest text ──read──► Object ──► diff, covers, immutable, demand, health ──► words for a person, steps for a plan
//! ```
//!
//! Pure: an object is data, and so is the live one it is held against.

mod object;

pub use object::Object;
