//! What came of a check: a row for each probe in each cluster, and every probe that is not as it should be.

use std::collections::BTreeMap;

use serde::Serialize;
use tenancy::probe::{Expected, Probe, Verdict};

use super::Try;
use super::pairs::Pairs;

/// How many findings are told one by one; one hole is often many pairs, and the rest is counted.
const FINDINGS: usize = 1_000;

/// The result of a check.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub clusters: Vec<InCluster>,
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
    /// How many more there are than are told.
    pub more: usize,
}

/// What was tried in a cluster.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InCluster {
    pub cluster: String,
    /// How many tenants attacked.
    pub attackers: usize,
    /// How many pairs were tried, and how many there are.
    pub pairs: usize,
    pub pairs_there_are: usize,
    pub tries: usize,
    pub rows: Vec<Row>,
}

/// What came of a probe, everybody's tries together.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub probe: String,
    pub title: String,
    pub tries: usize,
    /// By what it was stopped, and how often.
    pub stopped: BTreeMap<String, usize>,
    /// Of what is to be let through, how often it was.
    pub let_through: usize,
    pub succeeded: usize,
    pub unclear: usize,
    /// How often it could not be tried, because the cluster does not have the kind.
    pub not_served: usize,
}

/// A probe that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub cluster: String,
    pub outcome: Outcome,
    pub probe: String,
    pub title: String,
    /// The tenant.
    pub attacker: String,
    /// Empty where it is nobody in particular.
    pub victim: String,
    /// As which of its people, and by which user and groups.
    pub role: String,
    pub user: String,
    pub groups: Vec<String>,
    pub request: String,
    /// What the cluster said.
    pub said: String,
}

/// In which way it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// An attack was let through.
    Succeeded,
    /// Nothing is proven.
    Unclear,
}

/// What came of one try.
pub(super) enum Tried {
    Judged(Verdict),
    NotServed,
}

/// The tries in a cluster.
pub(super) struct Tries {
    head: InCluster,
    rows: BTreeMap<&'static str, Row>,
    findings: Vec<Finding>,
    more: usize,
}

impl Report {
    /// Whether everything was tried and every attack was stopped.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.findings.is_empty()
    }

    /// What concerns a tenant, as attacker or as victim. What concerns nobody in particular concerns everybody.
    pub fn of<'a>(&'a self, tenant: &'a str) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |finding| {
            finding.attacker == tenant || finding.victim == tenant || finding.attacker.is_empty()
        })
    }

    pub(super) fn add(&mut self, tries: Tries) {
        let Tries {
            mut head,
            rows,
            findings,
            more,
        } = tries;
        head.rows = rows.into_values().collect();
        self.clusters.push(head);
        self.findings.extend(findings);
        self.more += more;
    }

    /// A cluster that nothing could be tried in.
    pub(super) fn unreached(&mut self, cluster: &str, pairs: &Pairs<'_>, problem: String) {
        let mut tries = Tries::new(cluster, pairs);
        tries.findings.push(Finding {
            cluster: cluster.to_owned(),
            outcome: Outcome::Unclear,
            probe: String::new(),
            title: "the cluster asked what it serves".to_owned(),
            attacker: String::new(),
            victim: String::new(),
            role: String::new(),
            user: String::new(),
            groups: Vec::new(),
            request: String::new(),
            said: problem,
        });
        tries.head.pairs = 0;
        tries.head.attackers = 0;
        self.add(tries);
    }
}

impl Tries {
    pub(super) fn new(cluster: &str, pairs: &Pairs<'_>) -> Self {
        Self {
            head: InCluster {
                cluster: cluster.to_owned(),
                attackers: pairs.attackers().count(),
                pairs: pairs.len(),
                pairs_there_are: pairs.all,
                ..InCluster::default()
            },
            rows: BTreeMap::new(),
            findings: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn add(&mut self, one: Try, tried: Tried) {
        let row = self.rows.entry(one.probe.id).or_insert_with(|| Row {
            probe: one.probe.id.to_owned(),
            title: one.probe.title.to_owned(),
            ..Row::default()
        });
        let verdict = match tried {
            Tried::NotServed => {
                row.not_served += 1;
                return;
            }
            Tried::Judged(verdict) => verdict,
        };
        row.tries += 1;
        self.head.tries += 1;
        let (outcome, said) = match (one.probe.expected, verdict) {
            (Expected::Stopped, Verdict::Stopped(by)) => {
                *row.stopped.entry(by.to_string()).or_default() += 1;
                return;
            }
            (Expected::LetThrough, Verdict::Succeeded(_)) => {
                row.let_through += 1;
                return;
            }
            (Expected::Stopped, Verdict::Succeeded(said)) => (Outcome::Succeeded, said),
            (Expected::LetThrough, Verdict::Stopped(by)) => {
                (Outcome::Unclear, format!("not let through: {by}"))
            }
            (_, Verdict::Unclear(said)) => (Outcome::Unclear, said),
        };
        match outcome {
            Outcome::Succeeded => row.succeeded += 1,
            Outcome::Unclear => row.unclear += 1,
        }
        if self.findings.len() == FINDINGS {
            self.more += 1;
            return;
        }
        let cluster = self.head.cluster.clone();
        self.findings.push(finding(cluster, one, outcome, said));
    }
}

fn finding(cluster: String, one: Try, outcome: Outcome, said: String) -> Finding {
    let Try {
        attacker,
        victim,
        probe,
    } = one;
    let Probe {
        id,
        title,
        who,
        request,
        ..
    } = probe;
    Finding {
        cluster,
        outcome,
        probe: id.to_owned(),
        title: title.to_owned(),
        attacker,
        victim,
        role: who.role.to_owned(),
        user: who.user,
        groups: who.groups,
        request: request.to_string(),
        said,
    }
}
