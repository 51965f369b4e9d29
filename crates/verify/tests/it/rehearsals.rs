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

#[test]
fn what_would_change_is_shown_object_by_object() {
    let files = service::changed("values.yaml", "cpu: 100m", "cpu: 200m");
    let mut request = service::request(service::chart(&files));
    let report = verify::verify(&request).unwrap();
    let [change] = report.changes.as_slice() else {
        panic!("{:?}", report.changes);
    };
    assert!(
        change.added > 3 && change.changed == 0 && change.removed == 0,
        "{change:?}"
    );
    assert!(
        change
            .diff
            .contains("\n--- /dev/null\n+++ b/Service payments/api\n"),
        "{}",
        change.diff
    );

    request.stages[0].live = service::live();
    let report = verify::verify(&request).unwrap();
    let change = &report.changes[0];
    assert_eq!((change.added, change.removed), (0, 0), "{}", change.diff);
    assert_eq!(change.summary(), "production: +0 ~1 -0");
    let lines: Vec<&str> = change
        .diff
        .lines()
        .filter(|line| line.contains("cpu: "))
        .collect();
    assert_eq!(lines, ["-            cpu: 100m", "+            cpu: 200m"]);
    assert!(
        verify::print::Form::Terminal
            .print(&report, "")
            .contains("production: +0 ~1 -0 against what is live\n")
    );
}

#[test]
fn nothing_is_said_to_change_where_one_side_can_not_be_rendered() {
    let mut request = service::request(service::chart(&service::files()));
    let broken = service::changed("templates/service.yaml", "", "{{ fail \"no\" }}");
    request.stages[0].live = Some(verify::Live::Chart {
        chart: service::chart(&broken),
        values: chart::values::Map::default(),
    });
    let report = verify::verify(&request).unwrap();
    assert_eq!(service::errors(&report), ["live-fails"]);
    assert_eq!(report.changes, []);
}

#[test]
fn a_level_of_which_nobody_asked_a_check_is_not_run() {
    let files = service::changed("values.yaml", "cpu: 100m", "cpu: 9");
    let mut request = service::request(service::chart(&files));
    request.stages[0].live = service::live();
    let levels = |report: &verify::Report| {
        let levels = report.levels.iter();
        levels.map(|one| (one.level, one.result)).collect::<Vec<_>>()
    };
    let has = |report: &verify::Report, step| report.phases.iter().any(|phase| phase.step == step);

    request.checks.only = vec!["one-replica".to_owned()];
    let report = verify::verify(&request).unwrap();
    assert_eq!(
        levels(&report),
        [(Level::L1, Verdict::Passed), (Level::L2, Verdict::Skipped)]
    );
    assert!(report.levels[1].message.contains("--only"), "{:?}", report.levels);
    assert!(has(&report, Step::Look) && !has(&report, Step::Install) && !has(&report, Step::Upgrade));
    assert_eq!(
        report.changes[0].changed, 1,
        "what would change is told all the same"
    );

    request.checks.only = vec!["install-fails".to_owned()];
    let report = verify::verify(&request).unwrap();
    assert_eq!(
        levels(&report),
        [(Level::L1, Verdict::Skipped), (Level::L2, Verdict::Failed)]
    );
    assert!(!has(&report, Step::Look) && has(&report, Step::Install));
    assert_eq!(service::errors(&report), ["install-fails"]);
}
