//! What is published: packages in a store with their signed statements, and the events that tell of them.
//!
//! ```text
//! chart::package ─► Package ─┐
//!           Statement, signed ┴─► Store::publish ─► package, statement, index      (a folder, or S3)
//!                                                       │ S3 ─► SQS
//!                              Worker ◄── Notice ◄──────┘
//!                                 └─► Handler::look(Name) ◄── Store::unknown, the sweep that misses nothing
//! ```
//!
//! A name is all that an event says; the truth is the statement in the store, and whoever deploys it checks its
//! signature ([`Trusted`]) and the package's digest. A folder has no queue: who publishes there looks by himself, and the
//! sweep finds what others put there (`docs/concepts/artifacts.md`).
//!
//! Deliberately absent: the hub. What becomes of a name is the [`Handler`]'s. The environment is not read here, nor the
//! clock but for timeouts: whoever publishes or deletes says what time it is.

mod error;
mod index;
mod name;
mod notice;
pub mod objects;
mod package;
mod place;
pub mod queue;
mod record;
pub mod retain;
mod statement;
mod store;
mod worker;

pub use error::Error;
pub use index::Index;
pub use name::Name;
pub use notice::{Notice, NoticeError};
pub use package::Package;
pub use place::{Place, Settings};
pub use record::artifact_name;
pub use statement::{Envelope, PublicKey, SigningKey, Source, Statement, Trusted, Verified};
pub use store::{Indexed, Published, Removed, Store, Swept};
pub use worker::{Failure, Handler, Pace, Report, Worker};
