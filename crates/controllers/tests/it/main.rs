//! The controllers together with a world that answers: rules as data, and stories in every order, whatever happens in
//! between.

#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(…) reads better without a & before it"
)]

mod autoscaler;
mod cluster;
mod convergence;
mod cron_job;
mod daemon_set;
mod deployment;
mod harness;
mod job;
mod replica_set;
mod scale;
mod stateful_set;
