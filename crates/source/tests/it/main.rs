//! The crate from outside: with the installed git on repositories of the test's own, and with a server that answers as
//! the forges do.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod git;
mod origin;
mod verdicts;
mod webhooks;
