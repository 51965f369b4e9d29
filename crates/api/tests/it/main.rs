//! The server from outside: a hub, a controller, and requests over sockets.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod bounds;
mod document;
#[path = "../../../control/tests/it/ground.rs"]
#[allow(dead_code)]
mod ground;
mod oidc;
#[path = "../../../source/tests/it/origin.rs"]
#[allow(dead_code)]
mod origin;
mod people;
mod requests;
mod rights;
mod seen;
mod webhooks;
