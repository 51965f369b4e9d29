//! A report in each of its forms.

use std::borrow::Cow;
use std::time::Duration;

use kinds::{Level, LevelResult, Verdict};
use manifest::{Finding, Severity};
use verify::print::Form;
use verify::{Found, Phase, Report, StageChange, Step};

fn report() -> Report {
    let finding = |check, severity, object: &str, line, message: &str| Found {
        finding: Finding {
            check,
            severity,
            object: object.to_owned(),
            path: if object.is_empty() { "" } else { "spec.ports[0]" }.to_owned(),
            source: if object.is_empty() {
                ""
            } else {
                "api/templates/all.yaml"
            }
            .to_owned(),
            line,
            message: message.to_owned(),
            cure: Cow::Borrowed("name a port: one of <a>, 100%"),
        },
        level: if object.is_empty() { Level::L2 } else { Level::L1 },
        stages: vec!["production".to_owned()],
    };
    let level = |level, result, message: &str| LevelResult {
        level,
        stage: "production".to_owned(),
        result,
        message: message.to_owned(),
    };
    Report {
        chart: "api 1.2.3".to_owned(),
        levels: vec![
            level(Level::L1, Verdict::Failed, "does not prove that anything starts"),
            level(Level::L2, Verdict::Skipped, "what was found before would stop it"),
            level(
                Level::L3,
                Verdict::Error,
                "nothing was touched: can't get Namespace",
            ),
        ],
        findings: vec![
            finding(
                "no-such-port",
                Severity::Error,
                "Service shop/api",
                12,
                "\"http\" & 'it' is\nnowhere, [é]",
            ),
            finding("made-at-runtime", Severity::Note, "", 0, "a Secret"),
        ],
        excepted: Vec::new(),
        restricted: "without image-latest".to_owned(),
        changes: vec![StageChange {
            stage: "production".to_owned(),
            added: 0,
            changed: 1,
            removed: 2,
            diff: "--- a/Service shop/api\n+++ b/Service shop/api\n@@ -1 +1 @@\n-a: 1\n+a: 2\n".to_owned(),
        }],
        evidence: None,
        phases: vec![Phase {
            level: Level::L2,
            stage: "production".to_owned(),
            run: "from live",
            step: Step::Render,
            took: Duration::from_millis(3),
            simulated: Duration::ZERO,
            passed: true,
        }],
        took: Duration::from_millis(41),
    }
}

#[test]
fn a_report_has_a_form_for_each_reader() {
    for (name, form) in Form::ALL {
        insta::assert_snapshot!(name, form.print(&report(), "./services/api/"));
    }
}
