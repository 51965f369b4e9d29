//! The crate from outside: with the installed git on repositories of the test's own, and with a server that answers as
//! the forges do.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod answers;
mod forges;
mod git;
mod hostile;
mod letting_in;
mod origin;
mod verdicts;
mod webhooks;
