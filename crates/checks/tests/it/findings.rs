//! Every check finds what it is for, at its place, and nothing else.

use checks::{Context, check};
use manifest::{Severity, read_placed};

use crate::cases;

#[test]
fn each_case_has_its_finding_and_no_other() {
    let mut wrong = Vec::new();
    for case in cases::all() {
        let found = check(&read_placed(&case.text).unwrap(), &case.context);
        let of_check: Vec<_> = found
            .iter()
            .filter(|one| one.check == case.check)
            .map(|one| (one.object.as_str(), one.path.as_str(), one.severity, one.line))
            .collect();
        let is_right = match &case.finding {
            Some(one) => {
                let line = match one.line {
                    0 => of_check.first().map_or(0, |found| found.3),
                    line => line,
                };
                of_check == [(one.object.as_str(), one.path.as_str(), one.severity, line)]
            }
            None => found
                .iter()
                .all(|one| one.check != case.check && one.severity == Severity::Note),
        };
        if !is_right {
            wrong.push(format!("{}: {found:#?} in\n{}", case.check, case.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn whatever_a_part_is_replaced_by_the_checks_end() {
    let odd = [
        "3",
        "[]",
        "{}",
        "\"\"",
        "null",
        "true",
        "[{}]",
        "{a: [1]}",
        "-1",
        "\"9999999999999999999%\"",
    ];
    let mut tried = 0;
    // One manifest of each check has every shape that the checks read.
    for case in cases::all().into_iter().filter(|case| case.finding.is_some()) {
        for (at, line) in case.text.lines().enumerate() {
            let Some((key, _)) = line.split_once(": ") else {
                continue;
            };
            for value in odd {
                let mut lines: Vec<String> = case.text.lines().map(str::to_owned).collect();
                lines[at] = format!("{key}: {value}");
                let text = lines.join("\n");
                if let Ok(objects) = read_placed(&text) {
                    let _ = check(&objects, &case.context);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 4_000, "{tried}");
}

#[test]
fn a_chart_of_many_objects_is_looked_through_in_a_while() {
    let one = |at: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{at}}}\nspec:\n  selector: {{matchLabels: {{app: \
             web-{at}}}}}\n  template:\n    metadata: {{labels: {{app: web-{at}}}}}\n    spec: {{containers: [{{name: a, image: \
             'a:1'}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: web-{at}}}\nspec: {{selector: {{app: web-{at}}}, \
             ports: [{{port: 80, targetPort: http}}]}}\n"
        )
    };
    let text: Vec<String> = (0..1_000).map(one).collect();
    let text = text.join("---\n");
    let found = check(&read_placed(&text).unwrap(), &Context::new("rel", "ns", 35));
    let of = |id| found.iter().filter(|one| one.check == id).count();
    assert_eq!(of("service-target-port"), 1_000);
}
