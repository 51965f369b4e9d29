//! The mini cluster's integration tests: one binary, one file for each part.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod access;
mod admission;
mod allocation;
mod auth;
mod conformance;
mod credentials;
mod defaults;
mod dice;
mod hostile;
mod hub_kinds;
mod ownership;
mod patched;
mod process_faults;
mod process_hooks;
mod process_pods;
mod process_restarts;
mod properties;
mod protobuf;
mod restarts;
mod schema_discovery;
mod schema_table;
mod server;
mod server_crash;
mod signing;
mod store_crash;
mod store_disk;
mod store_model;
mod store_rules;
mod store_samples;
mod tables;
mod validation;
mod virtual_time;
