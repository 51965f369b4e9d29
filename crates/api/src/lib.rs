//! What is answered over HTTP: what people and programs ask for and see, webhooks of repositories, and whether this replica
//! lives.
//!
//! ```text
//! TcpListener ──► doors, server (bounds in number, size and time) ─┬► requests: who, how many, whether ──► routes ──► control's Desk
//!                                                           └► webhooks ──► control's Webhooks
//! ```
//!
//! Plain HTTP, for an ingress in front of it. Nothing is decided here but whether somebody may; `routes` is the one table of
//! endpoints, from which the OpenAPI document comes too.

mod doors;
mod limits;
mod metrics;
mod openapi;
mod origin;
mod places;
mod quotas;
mod requests;
mod route;
mod routes;
mod server;
mod webhooks;

pub use openapi::{Problem, document};
pub use origin::{Network, NotANetwork};
pub use routes::{
    Approve, AskPromotion, AuditShown, MakeFreeze, MakeToken, NewTokenShown, OnOff, Reason, Rollback,
    Verified, WhoShown,
};
pub use server::{Handles, serve};
