//! The loops against mini clusters: a hub, targets, and what becomes of what people write.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod audit;
mod charts;
mod deliveries;
mod faults;
mod ground;
mod isolation;
mod leading;
#[path = "../../../source/tests/it/origin.rs"]
#[allow(dead_code)]
mod origin;
mod road;
mod tenants;
