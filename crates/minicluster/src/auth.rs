//! Who is asking, and may they: authentication and RBAC, as functions from data to data.
//!
//! ```text
//! bearer token ──► token, service_account ─┐
//! certificate  ──► certificate ────────────┼──► UserInfo ──► impersonate ──► Attributes ──► Authorizer ──► Decision
//! neither      ──► UserInfo::anonymous ────┘                                                    ▲
//!                                     Role, ClusterRole and their bindings, one by one ──────► index
//! ```
//!
//! `review` answers the access reviews, `escalation` guards what a role or binding may grant, `bootstrap` holds the
//! roles that every cluster begins with. Deliberately absent: a clock, the store, and HTTP; the server hands in the
//! time, the objects and the header values. Node and webhook authorizers don't exist here.

mod aggregate;
mod attributes;
mod binding;
pub mod bootstrap;
pub mod certificate;
pub mod escalation;
pub mod impersonate;
mod index;
pub mod review;
mod rule;
pub mod secret_token;
pub mod service_account;
pub mod signing_request;
pub mod token;
pub mod token_request;
mod user;

pub use attributes::{Attributes, Decision};
pub use index::Authorizer;
pub use rule::Rule;
pub use user::{MASTERS, UserInfo};
