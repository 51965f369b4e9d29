//! Where charts come from: commits, what they change, proposals, and the verdicts that go back.
//!
//! ```text
//! webhook ──"look again"──┐
//! polling ────────────────┴─► Repository ──fetch──► Snapshot ──changed──► charts to verify
//!                                                                            │
//!        Forge (status, comment) ◄── comment::render ◄── Verdict ◄───────────┘
//!        Repository (git note)   ◄──────────────────────────┘
//! ```
//!
//! Everything about a commit is asked of the installed git; a forge is asked only for what git does not know. Reading
//! webhooks, comparing commits and writing the comment are pure. Nothing here decides when to look, and no loop runs here.

pub mod changed;
pub mod comment;
pub mod commit;
pub mod error;
pub mod export;
pub mod forge;
mod git;
pub mod id;
pub mod proposal;
pub mod refs;
pub mod remote;
pub mod repository;
mod secret;
pub mod snapshot;
pub mod verdict;
pub mod webhook;

pub use changed::{ChangedChart, Reason, Use, changed, content, paths};
pub use error::Error;
pub use forge::Forge;
pub use git::{Access, Credentials, Git};
pub use id::ObjectId;
pub use proposal::Proposal;
pub use refs::RefName;
pub use remote::Remote;
pub use repository::{Authors, Repository};
pub use secret::Secret;
pub use snapshot::Snapshot;
pub use verdict::{Outcome, Verdict};
