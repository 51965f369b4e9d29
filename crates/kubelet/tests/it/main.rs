//! The lives of pods on simulated nodes, under a clock that is stepped by hand.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod convergence;
mod lives;
mod reboot;
mod stage;
