//! SARIF 2.1.0, as code scanning reads it.

use std::collections::BTreeMap;

use manifest::Severity;
use serde_json::{Value, json};

use super::{place, sentence};
use crate::report::{Found, Report};

pub(super) fn print(report: &Report, folder: &str) -> String {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for found in &report.findings {
        let finding = &found.finding;
        rules.entry(finding.check).or_insert_with(|| {
            json!({"id": finding.check, "shortDescription": {"text": finding.check.replace('-', " ")},
                   "help": {"text": finding.cure}})
        });
    }
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|found| result(found, folder))
        .collect();
    let mut log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "shipway",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "results": results,
        }],
    });
    if let Some(evidence) = &report.evidence {
        log["runs"][0]["properties"] = json!({"evidence": evidence.digest()});
    }
    format!("{log:#}\n")
}

fn result(found: &Found, folder: &str) -> Value {
    let finding = &found.finding;
    let mut place_of = json!({"artifactLocation": {"uri": place(found, folder)}});
    if let Some(line) = found.line() {
        place_of["region"] = json!({"startLine": line});
    }
    json!({
        "ruleId": finding.check,
        "level": match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "message": {"text": format!("{}\n{}", sentence(found), finding.cure)},
        "locations": [{
            "physicalLocation": place_of,
            "logicalLocations": [{"fullyQualifiedName": finding.object}],
        }],
    })
}
