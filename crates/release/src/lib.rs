//! Releases as Helm keeps them: records, history, and the plan of every operation.
//!
//! ```text
//! Target, History, Live ──plan──► Plan of steps, or every reason why not ──► cluster::run performs it
//! ```
//!
//! Pure: what is live, what time it is and who asks are arguments.

pub mod chart;
pub mod encode;
pub mod error;
mod go_json;
pub mod history;
pub mod print;
pub mod record;
pub mod storage;
pub mod values;

pub use chart::StoredChart;
pub use error::Error;
pub use history::History;
pub use record::{Record, Status};
