//! What passes, what is told of it, and that time passes by itself.

use std::sync::Arc;
use std::time::Duration;

use kinds::{Level, Verdict};
use verify::{Exceptions, Step};

use crate::service;

#[test]
fn a_service_as_made_passes_fresh_and_as_an_upgrade_of_itself() {
    let mut request = service::request(service::chart(&service::files()));
    request.stages[0].live = service::live();
    let report = verify::verify(&request).unwrap();
    assert!(report.passed(), "{:#?}", report.findings);
    assert_eq!(service::errors(&report), [""; 0]);
    let steps: Vec<(&str, Step)> = report
        .phases
        .iter()
        .map(|phase| (phase.run, phase.step))
        .collect();
    assert_eq!(
        steps,
        [
            ("fresh", Step::Seed),
            ("fresh", Step::Render),
            ("fresh", Step::Look),
            ("fresh", Step::Install),
            ("fresh", Step::Tests),
            ("from live", Step::Seed),
            ("from live", Step::Live),
            ("from live", Step::Live),
            ("from live", Step::Render),
            ("from live", Step::Upgrade),
            ("from live", Step::Tests),
            ("from live", Step::Rollback),
        ]
    );
}

#[test]
fn without_anything_live_the_report_says_that_no_upgrade_was_tried() {
    let request = service::request(service::chart(&service::files()));
    let report = verify::verify(&request).unwrap();
    let l2 = report
        .levels
        .iter()
        .find(|level| level.level == Level::L2)
        .unwrap();
    assert_eq!(l2.result, Verdict::Passed);
    assert!(l2.message.contains("no upgrade was tried"), "{}", l2.message);
}

#[test]
fn the_same_chart_comes_to_the_same_findings() {
    let files = service::changed("values.yaml", "cpu: 100m", "cpu: 9");
    let request = service::request(service::chart(&files));
    let once = || verify::verify(&request).unwrap().findings;
    assert_eq!(once(), once());
}

#[test]
fn waiting_for_five_minutes_takes_none() {
    let mut request = service::request(service::chart(&service::files()));
    let behaviour = "rules:\n- image: '*nginx*'\n  does: never ready\n";
    request.stages[0].target.behaviour = Arc::new(kubelet::behaviour::parse(behaviour).unwrap());
    let report = verify::verify(&request).unwrap();
    assert_eq!(service::errors(&report), ["install-fails"]);
    let install = report
        .phases
        .iter()
        .find(|phase| phase.step == Step::Install)
        .unwrap();
    assert!(!install.passed);
    assert!(install.simulated >= Duration::from_secs(300), "{install:?}");
    assert!(install.took < install.simulated, "{install:?}");
}

#[test]
fn an_exception_lets_a_finding_pass_until_its_day() {
    let files = service::changed("values.yaml", "cpu: 100m", "cpu: 9");
    let mut request = service::request(service::chart(&files));
    assert_eq!(
        service::errors(&verify::verify(&request).unwrap()),
        ["install-fails"]
    );
    let except = |until: &str| {
        let text = format!(
            "exceptions: [{{check: install-fails, reason: the quota is raised today, until: {until}}}]"
        );
        Exceptions::parse(&text).unwrap()
    };
    request.exceptions = except("2026-11-22");
    let report = verify::verify(&request).unwrap();
    assert!(report.passed());
    assert_eq!(report.excepted.len(), 1);
    request.exceptions = except("2026-11-21");
    let report = verify::verify(&request).unwrap();
    assert!(!report.passed());
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.finding.check == "exception-over")
    );
}

#[test]
fn checks_that_are_skipped_do_not_count_and_that_is_told() {
    let files = service::changed("values.yaml", "cpu: 100m", "cpu: 9");
    let mut request = service::request(service::chart(&files));
    request.checks.skip.push("install-fails".to_owned());
    let report = verify::verify(&request).unwrap();
    assert!(report.passed());
    assert_eq!(report.restricted, "without install-fails");
}

#[test]
fn what_a_cluster_can_t_take_before_the_release_is_an_error_of_its_own() {
    use model::Diagnose as _;

    let mut request = service::request(service::chart(&service::files()));
    request.stages[0].target.objects.push(
        serde_json::json!({"apiVersion": "a.example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}),
    );
    let error = verify::verify(&request).unwrap_err();
    assert_eq!(error.code().id, "SW0903");
    assert!(error.to_string().contains("Thing t"), "{error}");
}
