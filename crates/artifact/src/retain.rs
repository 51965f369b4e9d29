//! What of a store may go: a decision from data.
//!
//! Kept is what somebody needs (a stage has it, a promotion or a rollback names it), the newest of each chart, and what is
//! young. What goes loses its package; its statement moves aside, so that its version is never given to other content.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use jiff::{SignedDuration, Timestamp};
use model::{ChartName, Digest};

use crate::name::Name;

/// How much is kept beyond what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Of each chart, by the time it was published. At least one: a chart never goes altogether.
    pub newest: NonZeroUsize,
    /// What is younger stays.
    pub younger_than: SignedDuration,
}

impl Default for Rules {
    /// Ten versions of each chart, and a quarter of a year.
    fn default() -> Self {
        Self {
            newest: NonZeroUsize::new(10).expect("ten is not zero"),
            younger_than: SignedDuration::from_hours(90 * 24),
        }
    }
}

/// What is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub versions: Vec<Version>,
    /// Evidence, and when it was written.
    pub evidence: Vec<(Digest, Timestamp)>,
    /// Packages without a statement, and when they were written.
    pub halves: Vec<(Name, Timestamp)>,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub name: Name,
    pub chart: ChartName,
    pub digest: Digest,
    pub time: Timestamp,
    pub evidence: Option<Digest>,
}

/// What somebody needs, by digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Of packages: live in a stage, named by a promotion, or what a rollback would go to.
    pub packages: BTreeSet<Digest>,
    pub evidence: BTreeSet<Digest>,
}

/// What goes, and why the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub versions: Vec<Name>,
    pub evidence: Vec<Digest>,
    pub halves: Vec<Name>,
    pub kept: BTreeMap<Name, Kept>,
}

/// Why a version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Needed,
    Newest,
    Young,
}

/// Decides what may go.
///
/// Guarantees: nothing goes that is needed, no chart goes altogether, and no evidence of a version that stays. A time that
/// is later than `now` counts as young.
pub fn plan(stored: &Stored, needed: &Needed, rules: &Rules, now: Timestamp) -> Plan {
    let is_young = |time: Timestamp| now.duration_since(time) < rules.younger_than;
    let newest = newest(&stored.versions, rules.newest);
    let mut plan = Plan::default();
    let mut evidence = needed.evidence.clone();
    for version in &stored.versions {
        let kept = if needed.packages.contains(&version.digest) {
            Kept::Needed
        } else if newest.contains(&version.name) {
            Kept::Newest
        } else if is_young(version.time) {
            Kept::Young
        } else {
            plan.versions.push(version.name.clone());
            continue;
        };
        plan.kept.insert(version.name.clone(), kept);
        evidence.extend(version.evidence);
    }
    let goes = |(digest, time): &&(Digest, Timestamp)| !evidence.contains(digest) && !is_young(*time);
    plan.evidence = stored
        .evidence
        .iter()
        .filter(goes)
        .map(|(digest, _)| *digest)
        .collect();
    let is_left = |(_, time): &&(Name, Timestamp)| now.duration_since(*time) >= crate::store::GRACE;
    plan.halves = stored
        .halves
        .iter()
        .filter(is_left)
        .map(|(name, _)| name.clone())
        .collect();
    plan
}

fn newest(versions: &[Version], count: NonZeroUsize) -> BTreeSet<Name> {
    let mut charts: BTreeMap<&ChartName, Vec<&Version>> = BTreeMap::new();
    for version in versions {
        charts.entry(&version.chart).or_default().push(version);
    }
    let of_chart = |mut versions: Vec<&Version>| {
        versions.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| b.name.cmp(&a.name)));
        versions
            .into_iter()
            .take(count.get())
            .map(|version| version.name.clone())
            .collect::<Vec<_>>()
    };
    charts.into_values().flat_map(of_chart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;
    const NOW: i64 = 1_000 * DAY;

    fn at(age_days: i64) -> Timestamp {
        Timestamp::from_second(NOW - age_days * DAY).expect("a time")
    }

    /// `NAME-VERSION@AGE`, with evidence of the same digest.
    fn stored(versions: &[&str]) -> Stored {
        let mut stored = Stored::default();
        for text in versions {
            let (name, age) = text.split_once('@').expect("NAME@AGE");
            let (chart, _) = name.split_once('-').expect("NAME-VERSION");
            let age = age.parse().expect("days");
            stored.versions.push(Version {
                name: Name::parse(name).expect("a name"),
                chart: chart.parse().expect("a chart's name"),
                digest: Digest::of(name.as_bytes()),
                time: at(age),
                evidence: Some(Digest::of(name.as_bytes())),
            });
            stored.evidence.push((Digest::of(name.as_bytes()), at(age)));
        }
        stored
    }

    fn check(versions: &[&str], needed: &[&str], expected: &[&str]) {
        let needed = Needed {
            packages: needed.iter().map(|name| Digest::of(name.as_bytes())).collect(),
            evidence: BTreeSet::new(),
        };
        let rules = Rules {
            newest: NonZeroUsize::new(2).expect("two"),
            younger_than: SignedDuration::from_hours(30 * 24),
        };
        let plan = plan(&stored(versions), &needed, &rules, at(0));
        let gone: Vec<String> = plan.versions.iter().map(ToString::to_string).collect();
        assert_eq!(gone, expected);
        let digests: Vec<Digest> = expected.iter().map(|name| Digest::of(name.as_bytes())).collect();
        assert_eq!(plan.evidence, digests, "evidence goes with its version");
        assert_eq!(plan.kept.len() + plan.versions.len(), versions.len());
    }

    #[test]
    fn the_newest_stay_by_time_and_not_by_number() {
        check(
            &["a-2.0.0@90", "a-1.0.2@80", "a-1.0.1@95", "a-0.9.0@99"],
            &[],
            &["a-1.0.1", "a-0.9.0"],
        );
    }

    #[test]
    fn each_chart_counts_for_itself() {
        check(
            &["a-1.0.0@90", "b-1.0.0@91", "b-1.0.1@92", "b-1.0.2@93"],
            &[],
            &["b-1.0.2"],
        );
    }

    #[test]
    fn what_is_needed_or_young_stays() {
        check(
            &["a-1.0.0@99", "a-1.0.1@98", "a-1.0.2@97", "a-1.0.3@96"],
            &["a-1.0.0"],
            &["a-1.0.1"],
        );
        check(
            &["a-1.0.0@29", "a-1.0.1@28", "a-1.0.2@27", "a-1.0.3@-5"],
            &[],
            &[],
        );
    }

    #[test]
    fn halves_go_when_nobody_can_be_on_his_way() {
        let name = |text| Name::parse(text).expect("a name");
        let stored = Stored {
            halves: vec![(name("a-1.0.0"), at(1)), (name("a-1.0.1"), at(0))],
            ..Stored::default()
        };
        let plan = plan(&stored, &Needed::default(), &Rules::default(), at(0));
        assert_eq!(plan.halves, [name("a-1.0.0")]);
    }

    #[test]
    fn evidence_that_somebody_needs_stays() {
        let stored = Stored {
            evidence: vec![(Digest::of(b"old"), at(500)), (Digest::of(b"older"), at(600))],
            ..Stored::default()
        };
        let needed = Needed {
            evidence: BTreeSet::from([Digest::of(b"older")]),
            ..Needed::default()
        };
        let plan = plan(&stored, &needed, &Rules::default(), at(0));
        assert_eq!(plan.evidence, [Digest::of(b"old")]);
    }
}
