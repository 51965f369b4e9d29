//! The controllers together with a world that answers: what becomes of objects, whatever happens in between.

mod autoscaler;
mod cluster;
mod cron_job;
mod job;
