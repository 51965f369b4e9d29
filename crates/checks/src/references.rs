//! What one object says of another, by name or by labels: it has to be there, and as it says.

pub(crate) mod budgets;
pub(crate) mod config;
pub(crate) mod monitors;
pub(crate) mod rights;
pub(crate) mod routes;
pub(crate) mod scaling;
pub(crate) mod services;
pub(crate) mod volumes;
