//! Every mistake of the collection beside `checks`, verified: which level finds it, as the page of mistakes says.
//!
//! `UPDATE=1 cargo test -p verify the_page_of_mistakes` writes `docs/reference/mistakes.md` anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chart::values::Map;
use kinds::Level;
use serde_json::json;
use verify::{Live, Report};

use crate::collection::{Files, Mutation, good, mutations};
use crate::service;

/// Verifies files as an upgrade from the good chart, in a cluster of which all is known.
fn report(files: &Files, chart: &str) -> Report {
    let mut request = service::request(service::chart(files));
    let stage = &mut request.stages[0];
    stage.tenant = None;
    stage.target.is_known = true;
    // The others' pods say nothing of security.
    let level = if chart == "web" { "restricted" } else { "baseline" };
    stage.target.objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "payments",
            "labels": {"pod-security.kubernetes.io/enforce": level}}}),
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "share", "namespace": "payments"},
            "spec": {"hard": {"requests.cpu": "8", "requests.memory": "16Gi"}}}),
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "share", "namespace": "payments"},
            "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "10m", "memory": "16Mi"}}]}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "example.com/disks"}),
    ];
    stage.live = Some(Live::Chart {
        chart: service::chart(&good(chart)),
        values: Map::default(),
    });
    verify::verify(&request).unwrap()
}

/// The checks of a report, by level.
fn told(report: &Report) -> BTreeSet<(Level, &'static str)> {
    let found = report.findings.iter();
    found.map(|found| (found.level, found.finding.check)).collect()
}

/// What a mistake adds to what is found in the good chart, at each level.
fn found(mutation: &Mutation, good: &BTreeSet<(Level, &'static str)>) -> [Vec<&'static str>; 2] {
    let after = told(&report(&mutation.apply(), &mutation.chart));
    [Level::L1, Level::L2].map(|wanted| {
        let news = after.difference(good);
        let of_it = news.filter(|(level, _)| *level == wanted);
        of_it.map(|(_, check)| *check).collect()
    })
}

fn row(mutation: &Mutation, found: &[Vec<&str>; 2]) -> String {
    let shown = |checks: &[&str]| match checks {
        [] => String::new(),
        checks => format!("`{}`", checks.join("`, `")),
    };
    format!(
        "| {} | {} | {} | {} |\n",
        mutation.name.replace('-', " "),
        shown(&found[0]),
        shown(&found[1]),
        mutation.reported.trim_matches('-'),
    )
}

/// Nothing finds these: the first needs a program that really runs, as does the last; Kubernetes keeps what the second
/// changes.
const MISSED: &[&str] = &[
    "hook-never-ends",
    "service-no-longer-headless",
    "test-asks-another",
];

const HEAD: &str = "\
<!-- Made from crates/checks/tests/mutations: `UPDATE=1 cargo test -p verify the_page_of_mistakes` -->
# Mistakes, and what finds them

Small mistakes, each put alone into a good chart, and the checks of `shipway verify` that find it: before anything runs (L1),
or when the release is installed or upgraded on the mini cluster (L2; not reached when L1 found an error). Most were
reported to public projects. What neither finds only a real kubelet, network or program shows.

| mistake | L1 | L2 | reported to |
|---|---|---|---|
";

/// Text that does not pack, so that a release's record is too large with it.
fn unpackable() -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + ((state >> 33) % 90) as u8)
    };
    (0..2 << 20).map(|_| next()).collect()
}

#[test]
fn the_page_of_mistakes_says_what_finds_each() {
    let mut mutations = mutations();
    assert!(mutations.len() >= 60, "{}", mutations.len());
    for mutation in mutations.iter_mut().filter(|one| one.words == ["record"]) {
        mutation.with = unpackable();
    }
    let charts: BTreeSet<&str> = mutations.iter().map(|one| one.chart.as_str()).collect();
    let good: BTreeMap<&str, BTreeSet<_>> = charts
        .into_iter()
        .map(|chart| (chart, told(&report(&good(chart), chart))))
        .collect();
    for (chart, told) in &good {
        let wrong: Vec<_> = told.iter().filter(|(level, _)| *level == Level::L2).collect();
        assert!(
            wrong.is_empty(),
            "{chart}: {:#?}",
            report(&self::good(chart), chart).findings
        );
        assert!(report(&self::good(chart), chart).passed(), "{chart}: {told:?}");
    }
    let rows: Vec<_> = mutations
        .iter()
        .map(|mutation| found(mutation, &good[mutation.chart.as_str()]))
        .collect();
    let page: String = mutations
        .iter()
        .zip(&rows)
        .map(|(one, found)| row(one, found))
        .collect();
    let page = format!("{HEAD}{page}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/mistakes.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page);
    let mut missed: Vec<&str> = mutations
        .iter()
        .zip(&rows)
        .filter(|(_, found)| found.iter().all(Vec::is_empty))
        .map(|(mutation, _)| mutation.name.as_str())
        .collect();
    missed.sort_unstable();
    assert_eq!(missed, MISSED);
}
