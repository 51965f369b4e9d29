//! Charts verified on mini clusters.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod forms;
mod mistakes;
mod mutations;
mod rehearsals;
mod service;
