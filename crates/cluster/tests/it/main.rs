//! The client against the mini cluster: what it asks is answered as a cluster answers, also when the way there is bad.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

// The guard's cases are written once; where a finding stands is of no interest to a cluster.
#[allow(dead_code)]
#[path = "../../../tenancy/tests/it/cases.rs"]
mod cases;
mod connecting;
mod faults;
mod fields;
mod ground;
mod guard;
mod guard_given;
mod kinds;
mod objects;
mod release;
mod release_faults;
mod standing;
mod uninstall;
mod watches;
