//! What a verification leaves.

use std::io::Read as _;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use verify::Evidence;

use crate::service;

fn lines(evidence: &Evidence) -> Vec<Value> {
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(evidence.bytes());
    unpacked.read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The items of a rehearsal, by what they are.
fn kinds<'l>(lines: &'l [Value], run: &str, what: &str) -> Vec<&'l str> {
    let of_run = lines.iter().filter(|line| line["run"] == run);
    let mut kinds: Vec<&str> = of_run.filter_map(|line| line[what]["kind"].as_str()).collect();
    kinds.dedup();
    kinds
}

#[test]
fn each_rehearsal_leaves_what_it_made() {
    let mut files = service::files();
    files.insert(
        "templates/key.yaml".to_owned(),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {key: hunter2}\n".to_owned(),
    );
    let mut request = service::request(service::chart(&files));
    request.stages[0].live = service::live();
    request.evidence = true;
    let report = verify::verify(&request).unwrap();
    assert!(report.passed(), "{:#?}", report.findings);
    let evidence = report.evidence.as_ref().unwrap();
    let sum: [u8; 32] = Sha256::digest(evidence.bytes()).into();
    assert_eq!(evidence.digest(), model::Digest::from_sha256(sum));
    let lines = lines(evidence);
    assert_eq!(lines[0]["report"]["passed"], true);
    assert_eq!(lines[0]["report"]["levels"].as_array().unwrap().len(), 2);
    assert_eq!(lines[0]["kept"], lines.len() - 1);
    assert_eq!(lines[0]["leftOut"]["items"], 0);
    for run in ["fresh", "from live"] {
        let objects = kinds(&lines, run, "object");
        for kind in ["Deployment", "Pod", "Secret", "Service", "ResourceQuota"] {
            assert!(objects.contains(&kind), "{run} has no {kind}: {objects:?}");
        }
        assert!(!kinds(&lines, run, "event").is_empty(), "{run}");
        assert!(
            lines
                .iter()
                .all(|line| line["run"] != run || line["unread"].is_null()),
            "{run}"
        );
    }
    let text = Value::from(lines).to_string();
    for hidden in [
        "hunter2",
        "aHVudGVyMg",
        "managedFields",
        "last-applied-configuration",
    ] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let digest = evidence.digest().to_string();
    for form in ["text", "json", "junit", "sarif"] {
        let (_, form) = verify::print::Form::ALL
            .iter()
            .find(|(name, _)| *name == form)
            .unwrap();
        assert!(form.print(&report, "").contains(&digest), "{form:?}");
    }
}

#[test]
fn what_failed_is_in_it_with_its_events() {
    let mut request = service::request(service::chart(&service::files()));
    let behaviour = "rules:\n- image: '*nginx*'\n  does: exit 3\n";
    request.stages[0].target.behaviour = Arc::new(kubelet::behaviour::parse(behaviour).unwrap());
    request.evidence = true;
    let report = verify::verify(&request).unwrap();
    assert!(!report.passed());
    let lines = lines(report.evidence.as_ref().unwrap());
    assert_eq!(lines[0]["report"]["passed"], false);
    let reasons: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["event"]["reason"].as_str())
        .collect();
    assert!(reasons.contains(&"BackOff"), "{reasons:?}");
}

#[test]
fn nothing_is_gathered_that_nobody_asked_for() {
    let request = service::request(service::chart(&service::files()));
    assert_eq!(verify::verify(&request).unwrap().evidence, None);
}
