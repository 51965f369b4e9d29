//! Releases as Helm keeps them: records, history, and the plan of every operation.
//!
//! ```text
//! Target, History, Live ──plan──► Plan of steps, or every reason why not ──► cluster::run performs it
//! ```
//!
//! Pure: what is live, what time it is and who asks are arguments.

pub mod brake;
pub mod chart;
pub mod encode;
pub mod error;
mod go_json;
pub mod history;
pub mod journal;
mod left;
pub mod listing;
mod live;
mod order;
mod ownership;
mod plan;
pub mod print;
pub mod record;
mod refusal;
pub mod storage;
pub mod values;

pub use brake::{Brake, Braked, check_uninstall};
pub use chart::StoredChart;
pub use error::Error;
pub use history::History;
pub use left::Left;
pub use live::{Live, Scope, Served};
pub use order::wave;
pub use ownership::{MANAGER, Owner};
pub use plan::{Action, Change, HandOver, Plan, Prune, Request, plan, plan_uninstall};
pub use record::{ApplyMethod, Record, Status};
pub use refusal::{Cause, Refusal, Refused};
