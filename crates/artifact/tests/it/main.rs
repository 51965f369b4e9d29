//! Stores, statements and queues as their callers see them. Real S3 and SQS are tried by `cargo xtask stores`.

mod conditions;
mod made;
mod memory;
mod publishing;
mod refusing;
mod retention;
mod signing;
mod stops;
mod working;
