//! What is answered over HTTP: webhooks of repositories, and whether this replica lives.
//!
//! ```text
//! TcpListener ──► server (bounds in number, size and time) ──► routes ──► control's handles
//! ```
//!
//! Plain HTTP, for an ingress in front of it. Everything that asks for a person comes here later: nothing is answered yet
//! that a stranger may not know.

mod server;
mod webhooks;

pub use server::{Handles, serve};
