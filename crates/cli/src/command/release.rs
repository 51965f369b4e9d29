//! The commands on releases, with helm's flags where helm has them: one file each.
//!
//! ```text
//! flags ──► Session (cluster, namespace, clock) ──► cluster::run ──► what helm would print
//! ```

pub(crate) mod connect;
pub(crate) mod diff;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod install;
pub(crate) mod list;
mod liveness;
pub(crate) mod operate;
pub(crate) mod perform;
mod rendering;
pub(crate) mod rollback;
mod show;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod uninstall;
pub(crate) mod upgrade;

pub(crate) use connect::Session;
