//! Kubernetes objects as a release has them: read from YAML, compared, healthy or not, and what may not be changed.
//!
//! ```text
//! manifest text ──read──► Object ──► diff, covers, immutable, demand, health ──► words for a person, steps for a plan
//! ```
//!
//! Pure: an object is data, and so is the live one it is held against.

mod compare;
mod demand;
mod diff;
pub mod finding;
mod health;
mod immutable;
mod object;
mod quota;
mod read;
#[cfg(test)]
mod samples;
mod secret;
mod spot;

pub use compare::covers;
pub use demand::{Demand, demand};
pub use diff::{Change, diff, mask, masked};
pub use finding::{Finding, Severity};
pub use health::{Health, health, health_of_hook, health_of_job_completion};
pub use immutable::{Immutable, immutable};
pub use object::{Object, defined_kind, without_nulls};
pub use quota::{Exceeded, Pair, exceeds};
pub use read::{Error, Place, Placed, read, read_placed, read_value};
