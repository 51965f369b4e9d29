//! The client against the mini cluster: what it asks is answered as a cluster answers, also when the way there is bad.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod connecting;
mod faults;
mod ground;
mod kinds;
mod objects;
mod release;
mod release_faults;
mod watches;
