//! The commands of people who deliver: each asks a Shipway server, and prints what it answers.
//!
//! ```text
//! arguments ──► server.rs: where it is, as whom ──► client.rs: one request ──► Console
//!                                                   wait.rs: until a promotion has ended
//! ```
//!
//! What may be done, and what it comes to, the server decides.

pub(crate) mod abort;
pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod block;
mod client;
pub(crate) mod explain;
pub(crate) mod freeze;
pub(crate) mod hold;
pub(crate) mod promote;
pub(crate) mod reject;
pub(crate) mod retry;
pub(crate) mod rollback;
mod server;
mod show;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod wait;

pub(crate) use server::ServerArgs;
