//! What a check is: a row of the table, and the theme that looks.
//!
//! ```text
//! Theme ──look(View)──► Findings, each of one of its checks
//! ```

use manifest::Severity;

use crate::findings::Findings;
use crate::view::View;

/// A check.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Never changed nor reused: people write it into exceptions and searches.
    pub id: &'static str,
    /// What it finds, as a heading.
    pub title: &'static str,
    /// What it is told as. Only what certainly does not work is an error; see `softer`.
    pub severity: Severity,
    /// When it is told as something less than its severity; empty for never.
    pub softer: &'static str,
    /// What to write instead.
    pub cure: &'static str,
    /// What happens otherwise.
    pub why: &'static str,
}

/// Checks that look at the same parts of objects.
pub(crate) struct Theme {
    pub(crate) title: &'static str,
    pub(crate) checks: &'static [&'static Check],
    pub(crate) look: fn(&View<'_>, &mut Findings),
}
