//! The golden path: a service made from a template, and brought up to a later one.
//!
//! ```text
//! answers ─┐
//!          ├─ make ──► the files of a service, with a record of how they were made
//! template ┘                                     │
//!                                                ▼
//! the files as they are now ──────────► update ──► what to write, remove, keep, and what conflicts
//! ```
//!
//! A service is a chart of a few values on the library chart `shipway-service`, which it carries along, so that stock
//! helm installs it without a network. Every template that was ever released stays in the binary: an update merges what
//! the user changed with what the template changed, and needs the common ancestor for it. No file is read or written
//! here, and nothing is rendered.

mod answers;
mod error;
mod make;
mod merge;
mod record;
mod template;
mod update;

pub use answers::Answers;
pub use error::Error;
pub use make::{Files, make};
pub use record::{RECORD, Record};
pub use template::{RELEASED, Template, latest};
pub use update::{Action, Change, Update, update};
