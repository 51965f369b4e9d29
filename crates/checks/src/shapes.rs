//! What an object says of itself: parts that have to agree, and words that the API server takes.

pub(crate) mod containers;
pub(crate) mod names;
pub(crate) mod selectors;
pub(crate) mod texts;
