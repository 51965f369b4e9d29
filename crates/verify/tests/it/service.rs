//! A service of the golden path as what is verified, whole or with one thing changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chart::Chart;
use chart::chart::File;
use chart::values::Map;
use kinds::Tenant;
use serde_json::json;
use verify::{Checks, Exceptions, Live, Report, Request, Stage, Target};

pub const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);

/// The files of a service as it is made.
pub fn files() -> BTreeMap<String, String> {
    let answers = golden::Answers::new("api".parse().unwrap(), "payments".parse().unwrap());
    golden::make(golden::latest(), &answers)
}

pub fn chart(files: &BTreeMap<String, String>) -> Chart {
    let file = |(path, text): (&String, &String)| File {
        name: Arc::from(path.as_str()),
        data: Arc::from(text.as_bytes()),
    };
    chart::load::files(files.iter().map(file).collect())
        .unwrap()
        .chart
}

/// The files with one text in the place of another.
pub fn changed(file: &str, from: &str, to: &str) -> BTreeMap<String, String> {
    let mut files = files();
    let text = files.entry(file.to_owned()).or_default();
    assert!(
        from.is_empty() || text.contains(from),
        "{file} has no {from}:\n{text}"
    );
    *text = match from {
        "" => to.to_owned(),
        _ => text.replacen(from, to, 1),
    };
    files
}

pub fn tenant() -> kinds::Object<Tenant> {
    let written = json!({"apiVersion": "shipway.dev/v1alpha1", "kind": "Tenant", "metadata": {"name": "payments"},
        "spec": {"quota": {"cpu": "8", "memory": "16Gi"}}});
    kinds::Object::read(&written).unwrap()
}

/// A chart for one stage, where nothing is live.
pub fn request(chart: Chart) -> Request {
    Request {
        stages: vec![Stage {
            name: "production".to_owned(),
            release: "api".parse().unwrap(),
            namespace: "payments".parse().unwrap(),
            values: Map::default(),
            tenant: Some(tenant()),
            target: Target::default(),
            real: None,
            live: None,
            serves_users: true,
        }],
        chart,
        lint: Vec::new(),
        exceptions: Exceptions::default(),
        checks: Checks::default(),
        today: TODAY,
        timeout: Duration::from_secs(300),
        evidence: false,
        seed: 1,
    }
}

/// What is live, as it was made.
pub fn live() -> Option<Live> {
    Some(Live::Chart {
        chart: chart(&files()),
        values: Map::default(),
    })
}

/// The checks that found an error, each once.
pub fn errors(report: &Report) -> Vec<&str> {
    let errors = report.findings.iter().map(|found| &found.finding);
    let mut checks: Vec<&str> = errors
        .filter(|finding| finding.severity == manifest::Severity::Error)
        .map(|finding| finding.check)
        .collect();
    checks.sort_unstable();
    checks.dedup();
    checks
}
