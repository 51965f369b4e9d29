//! The crate from outside.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod cases;
mod guard;
