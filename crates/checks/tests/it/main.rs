//! The checks over cases, over charts, and as a table.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod cases;
mod charts;
mod collection;
mod findings;
mod mutations;
mod table;
