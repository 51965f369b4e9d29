//! Charts verified on mini clusters.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "what the checks alone are asked for is not asked here")]
#[path = "../../../checks/tests/it/collection.rs"]
mod collection;
mod evidence;
mod forms;
mod mistakes;
mod mutations;
mod real;
mod rehearsals;
mod served;
mod service;
