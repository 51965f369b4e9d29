//! What tests and fuzzers of several crates share. Nothing of the product runs on it.

pub mod faulty;
pub mod mutate;
pub mod target;
