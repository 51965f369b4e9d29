//! What the standard library could have had, in under 1,000 lines.
//!
//! Nothing here knows a word of the field. What only one crate needs stays in that crate.

mod chain;
mod nearest;

pub use chain::chain;
pub use nearest::nearest;
