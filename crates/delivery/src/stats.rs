//! DORA's four keys of applications and tenants, from their history.
//!
//! A *change* is a promotion forward into a production stage that began to be applied. See `docs/concepts/delivery.md` for each
//! measure's definition, word for word what is computed here.

mod history;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Name, Span};
pub use history::{Change, Ending, history};

const SECONDS_A_DAY: f64 = 86_400.0;

/// The measures of a time, by application and by tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    pub applications: BTreeMap<Name, Measures>,
    pub tenants: BTreeMap<String, Measures>,
}

/// The four keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// How many changes succeeded.
    pub deployments: u32,
    /// The same per day of the time looked at.
    pub deployments_per_day: f64,
    /// From commit (or publication) to production, of each version.
    pub lead_time: Spread,
    /// How many changes ended, whichever way.
    pub changes: u32,
    /// How many of them failed or had to be taken back.
    pub failures: u32,
    /// Failures of changes, in percent; `None` without changes.
    pub failure_percent: Option<f64>,
    /// From a failure until the stage was good again.
    pub restore_time: Spread,
    /// How many failures are not mended yet.
    pub unrestored: u32,
}

/// How times are spread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    pub count: usize,
    /// In seconds: at least half of the times are no longer.
    pub median_seconds: Option<i64>,
    /// In seconds: at least nine of ten times are no longer.
    pub p90_seconds: Option<i64>,
}

/// What is gathered before it is measured.
#[derive(Default)]
struct Gathered {
    deployments: u32,
    lead: Vec<SignedDuration>,
    changes: u32,
    failures: u32,
    restore: Vec<SignedDuration>,
    unrestored: u32,
}

/// Measures what ended within a time: from its first moment, up to and without the last.
#[must_use]
pub fn stats(history: &[Change], span: Span) -> Stats {
    let mut applications: BTreeMap<Name, Gathered> = BTreeMap::new();
    let mut tenants: BTreeMap<String, Gathered> = BTreeMap::new();
    let within = |time: Timestamp| span.from <= time && time < span.to;
    for change in history.iter().filter(|change| within(change.ended)) {
        applications
            .entry(change.application.clone())
            .or_default()
            .take(change);
        tenants.entry(change.tenant.clone()).or_default().take(change);
    }
    let days = span.to.duration_since(span.from).as_secs_f64() / SECONDS_A_DAY;
    Stats {
        applications: measured(applications, days),
        tenants: measured(tenants, days),
    }
}

fn measured<K: Ord>(gathered: BTreeMap<K, Gathered>, days: f64) -> BTreeMap<K, Measures> {
    let all = gathered.into_iter();
    all.map(|(name, gathered)| (name, gathered.measures(days)))
        .collect()
}

impl Gathered {
    fn take(&mut self, change: &Change) {
        self.changes += 1;
        match &change.ending {
            Ending::Good => {}
            Ending::Bad { from, restored } => {
                self.failures += 1;
                match restored {
                    Some(restored) => self.restore.push(restored.duration_since(*from)),
                    None => self.unrestored += 1,
                }
            }
        }
        if change.succeeded {
            self.deployments += 1;
            let lead = change
                .brought
                .iter()
                .map(|made| change.ended.duration_since(*made));
            self.lead.extend(lead);
        }
    }

    fn measures(self, days: f64) -> Measures {
        let share = f64::from(self.failures) * 100.0 / f64::from(self.changes.max(1));
        Measures {
            deployments: self.deployments,
            deployments_per_day: if days > 0.0 {
                f64::from(self.deployments) / days
            } else {
                0.0
            },
            lead_time: Spread::of(self.lead),
            changes: self.changes,
            failures: self.failures,
            failure_percent: (self.changes > 0).then_some(share),
            restore_time: Spread::of(self.restore),
            unrestored: self.unrestored,
        }
    }
}

impl Spread {
    /// By nearest rank, so that each is a time that was measured. Clocks of two machines can make a time less than nothing,
    /// which counts as nothing.
    fn of(mut times: Vec<SignedDuration>) -> Self {
        times.sort_unstable();
        let rank = |percent: usize| {
            let at = (times.len() * percent).div_ceil(100).max(1) - 1;
            times.get(at).map(|time| time.as_secs().max(0))
        };
        Self {
            count: times.len(),
            median_seconds: rank(50),
            p90_seconds: rank(90),
        }
    }
}
