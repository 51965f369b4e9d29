//! Deliveries as stories: each file below `tests/stories` is a script of what people, clusters and time do, with what was planned
//! and said in answer, indented. And what holds of every delivery, whatever happens.
//!
//! `UPDATE=1 cargo test -p delivery stories` writes the answers anew; read the difference before it is committed.

// Also outside of test functions: the panic of a test is its report.
#![allow(clippy::unwrap_used)]

mod audit;
mod carried;
mod gates;
mod measures;
mod properties;
mod scale;
mod scene;
mod script;
mod shown;
mod stories;
mod surplus;
mod waves;
mod windows;
