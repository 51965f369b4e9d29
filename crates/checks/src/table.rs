//! Every check, in the order in which the page tells them.

use crate::check::{Check, Theme};
use crate::references::{budgets, config, monitors, rights, routes, scaling, services, volumes};
use crate::shapes::{containers, names, selectors, texts};
use crate::{customs, downtime, hooks, images, resources, size, versions};

pub(crate) static THEMES: &[&Theme] = &[
    &services::THEME,
    &routes::THEME,
    &scaling::THEME,
    &budgets::THEME,
    &config::THEME,
    &volumes::THEME,
    &rights::THEME,
    &monitors::THEME,
    &selectors::THEME,
    &containers::THEME,
    &names::THEME,
    &texts::THEME,
    &hooks::THEME,
    &customs::THEME,
    &versions::THEME,
    &downtime::THEME,
    &resources::THEME,
    &images::THEME,
    &size::THEME,
];

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> + Clone {
    THEMES.iter().flat_map(|theme| theme.checks.iter().copied())
}
