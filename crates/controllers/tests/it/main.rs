//! The controllers together with a world that answers: what becomes of objects, whatever happens in between.

#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(…) reads better without a & before it"
)]

mod autoscaler;
mod cluster;
mod cron_job;
mod job;
