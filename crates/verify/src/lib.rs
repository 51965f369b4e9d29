//! Verifying a chart: what can be seen of it, and what becomes of it on a mini cluster like its stage's.
//!
//! ```text
//! Request: chart, stages ──► rehearsal, a thread each ──► looks (L1), steps (L2) ──► Report ──► prints
//!                               └── sandbox: mini cluster and release engine on one paused clock
//! ```
//!
//! The release engine is the one that delivers, so that what passes here is what happens there. Nothing is sent anywhere
//! and nothing is read but what is given.

mod assumed;
mod exceptions;
mod failure;
mod looks;
pub mod print;
mod rehearsal;
mod report;
mod sandbox;
mod seed;
mod stage;
mod standin;
mod verify;

pub use exceptions::{Exception, Exceptions, FILE as EXCEPTIONS_FILE};
pub use failure::Step;
pub use looks::in_chart;
pub use report::{Found, Phase, Report};
pub use sandbox::Error;
pub use stage::{Checks, Live, Request, Stage, Target};
pub use verify::verify;
