//! Tests of the chart engine as its users call it. What it prints is compared with Helm's by the binary's tests.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod hostile;
mod origins;
