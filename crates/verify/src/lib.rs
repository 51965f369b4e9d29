//! Verifying a chart: what can be seen of it, and what becomes of it on a mini cluster like its stage's.
//!
//! ```text
//! Request: chart, stages ──► rehearsal, a thread each ──► looks (L1), steps (L2) ──► Report ──► prints
//!                               └── sandbox: mini cluster and release engine on one paused clock
//! ```
//!
//! The release engine is the one that delivers, so that what passes here is what happens there. Nothing is sent anywhere
//! and nothing is read but what is given; a stage that is given a real cluster is tried there as well (L3).

mod assumed;
mod blame;
mod changes;
mod evidence;
mod exceptions;
mod failure;
mod gather;
mod linted;
mod looks;
pub mod print;
mod real;
mod registry;
mod rehearsal;
mod report;
mod sandbox;
mod seed;
mod served;
mod stage;
mod standin;
mod steps;
mod verify;

pub use changes::StageChange;
pub use evidence::Evidence;
pub use exceptions::{Error as BadExceptions, Exception, Exceptions, FILE as EXCEPTIONS_FILE};
pub use failure::Step;
pub use linted::linted;
pub use looks::in_chart;
pub use real::Real;
pub use registry::{UnknownCheck, checks};
pub use report::{Found, Phase, Report};
pub use sandbox::Error;
pub use stage::{Checks, Live, Request, Stage, Target};
pub use verify::verify;
