//! What goes where, when, and why not yet: stages, promotions and gates, decided from data.
//!
//! ```text
//! objects of the hub ──put──► World ──plan(application, now)──► Plan: steps, when to look again
//!                               │        └─ gate: every gate decides, always
//!                               │        └─ wave, brake, shown: what a promotion under way does next, and may
//!                               ├─► board, explain: for people       report: statuses for the hub
//!                               └─► stats: DORA's four keys          audit: the chain of decisions
//! ```
//!
//! Pure: no clock, no cluster, no randomness. `control` observes and performs. Design note 0009.

pub mod audit;
mod board;
pub mod brake;
mod canonical;
pub mod command;
mod explain;
pub mod gate;
mod name;
mod plan;
pub mod reason;
pub mod report;
pub mod request;
mod settings;
mod shown;
pub mod stats;
mod surplus;
mod wave;
mod window;
mod world;

pub use board::{Board, Cell, CellState, Row, board};
pub use explain::{Blocker, Explanation, Thing, explain, explain_to};
pub use gate::{Case, Closed, Decision, Gate, Verdict};
pub use name::Name;
pub use plan::{Action, Because, Plan, Step, Target, plan, plan_all, promotion_name};
pub use settings::settings_digest;
pub use shown::{Admitted, PlanShown, admit, plan_digest, shown_digest};
pub use surplus::surplus;
pub use wave::{ClusterState, Next, next};
pub use window::{Span, Window};
pub use world::{Current, Order, Published, Seen, World};

/// Who asks for a promotion that nobody asked for.
pub const BY_ITSELF: &str = "shipway";

/// Where freeze windows for everybody are, unless the controller runs in another namespace.
pub const SYSTEM_NAMESPACE: &str = "shipway-system";
