//! JUnit's XML, which nearly every CI shows: a suite for each level and stage, a case for each step and each check that
//! found something.

use manifest::Severity;

use super::{place, sentence};
use crate::evidence::Evidence;
use crate::report::{Found, Report};

pub(super) fn print(report: &Report, folder: &str) -> String {
    let property =
        |digest| format!("    <properties><property name=\"evidence\" value=\"{digest}\"/></properties>\n");
    let evidence = report.evidence.as_ref().map(Evidence::digest);
    let properties = evidence.map(property).unwrap_or_default();
    let mut suites = String::new();
    for level in &report.levels {
        let of_it = |found: &&Found| found.level == level.level && found.stages.contains(&level.stage);
        let found: Vec<&Found> = report.findings.iter().filter(of_it).collect();
        let name = format!("{:?} {}", level.level, level.stage);
        let undone = usize::from(level.result == kinds::Verdict::Error);
        let failures = found.iter().filter(|one| fails(one)).count();
        let mut cases: String = found.iter().map(|one| case(one, (&name, folder))).collect();
        if found.is_empty() || level.result == kinds::Verdict::Error {
            cases += &match level.result {
                kinds::Verdict::Error => format!(
                    "    <testcase classname=\"{0}\" name=\"it could be done\"><error message=\"{1}\"/></testcase>\n",
                    escaped(&name),
                    escaped(&level.message)
                ),
                kinds::Verdict::Skipped => format!(
                    "    <testcase classname=\"{0}\" name=\"all checks\"><skipped message=\"{1}\"/></testcase>\n",
                    escaped(&name),
                    escaped(&level.message)
                ),
                _ => format!(
                    "    <testcase classname=\"{}\" name=\"all checks\"/>\n",
                    escaped(&name)
                ),
            };
        }
        suites.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{undone}\">\n{properties}{cases}  </testsuite>\n",
            escaped(&name),
            (found.len() + undone).max(1)
        ));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" time=\"{:.3}\">\n{suites}</testsuites>\n",
        escaped(&report.chart),
        report.took.as_secs_f64()
    )
}

fn fails(found: &Found) -> bool {
    found.finding.severity == Severity::Error
}

fn case(found: &Found, (suite, folder): (&str, &str)) -> String {
    let finding = &found.finding;
    let (file, line) = (place(found, folder), found.line().unwrap_or_default());
    let name = match finding.object.as_str() {
        "" => finding.check.to_owned(),
        object => format!("{} {object}", finding.check),
    };
    let text = format!("{}\n{}\n{file}:{line}", sentence(found), finding.cure);
    let inside = match fails(found) {
        true => format!(
            "<failure type=\"{}\" message=\"{}\">{}</failure>",
            finding.check,
            escaped(&finding.message),
            escaped(&text)
        ),
        false => format!("<system-out>{}</system-out>", escaped(&text)),
    };
    format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\">{inside}</testcase>\n",
        escaped(suite),
        escaped(&name),
        escaped(&file)
    )
}

/// As text of XML 1.0, in which most control characters can't be written at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push('\t'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            char if char.is_control() => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}
