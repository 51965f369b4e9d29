//! Which subcharts take part, under which names, and what they export.

use yaml::Value;

use super::index::Index;
use crate::chart::{Chart, File};
use crate::{go_text, load, values};

const TOP: &str = "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n";

fn chart(dependencies: &str, files: &[(&str, &str)]) -> Chart {
    let mut all = vec![File::new(
        "Chart.yaml",
        format!("{TOP}{dependencies}").into_bytes(),
    )];
    all.extend(files.iter().map(|(name, text)| File::new(*name, text.as_bytes())));
    load::files(all).expect("a good chart").chart
}

/// Shows the subcharts that stay, the chart's new defaults, and the warnings.
fn check(dependencies: &str, files: &[(&str, &str)], given: &str, expected: &str) {
    let given = values::documents::read(given.as_bytes()).expect("good values");
    let mut warnings = Vec::new();
    let mut shown = match super::process(&chart(dependencies, files), &given, &mut warnings) {
        Ok(chart) => {
            let names: Vec<&str> = chart.dependencies().iter().map(Chart::name).collect();
            format!(
                "{} {}",
                names.join(","),
                go_text::plain(&Value::Map(chart.values().clone()))
            )
        }
        Err(failed) => format!("error: {}", failed.chain()),
    };
    for warning in warnings {
        shown.push_str(&format!("\n{warning}"));
    }
    assert_eq!(shown, expected);
}

const KIDS: [(&str, &str); 2] = [
    (
        "charts/ann/Chart.yaml",
        "{apiVersion: v2, name: ann, version: 1.2.0}",
    ),
    (
        "charts/ben/Chart.yaml",
        "{apiVersion: v2, name: ben, version: 1.0.0}",
    ),
];

#[test]
fn conditions_decide_before_tags() {
    let declared = "- {name: ann, version: 1.x, condition: 'a.go,b.go', tags: [t]}\n- {name: ben, version: 1.0.0, tags: [t, u]}";
    let both = "ann,ben map[ann:map[global:map[]] ben:map[global:map[]]]";
    let ann = "ann map[ann:map[global:map[]]]";
    let ben = "ben map[ben:map[global:map[]]]";
    check(declared, &KIDS, "{}", both);
    check(declared, &KIDS, "{tags: {t: false}, a: {go: true}}", ann);
    check(declared, &KIDS, "{tags: {t: false, u: true}}", ben);
    check(declared, &KIDS, "{a: {go: true}, b: {go: false}}", both);
    check(declared, &KIDS, "{b: {go: false}}", ben);
}

#[test]
fn a_condition_that_is_no_boolean_warns() {
    let declared = "- {name: ann, version: 1.x, condition: a.go}";
    let expected = "ben,ann map[ann:map[global:map[]] ben:map[global:map[]]]\nlevel=WARN msg=\"returned non-bool value\" path=a.go chart=ann";
    check(declared, &KIDS, "{a: {go: 'yes'}}", expected);
}

#[test]
fn aliases_make_copies_and_versions_must_fit() {
    let declared = "- {name: ann, version: ^1.0.0, alias: one}\n- {name: ann, version: ~1.2, alias: two}\n- {name: ben, version: 2.x}";
    check(
        declared,
        &KIDS,
        "{}",
        "ben,one,two map[ben:map[global:map[]] one:map[global:map[]] two:map[global:map[]]]",
    );
}

#[test]
fn imports_go_below_the_parents_values() {
    let files = [
        ("values.yaml", "{x: mine, got: {p: 1}}"),
        (
            "charts/ann/Chart.yaml",
            "{apiVersion: v2, name: ann, version: 1.2.0}",
        ),
        (
            "charts/ann/values.yaml",
            "{exports: {data: {x: theirs, fresh: null}}, t: {p: 2, q: 3}}",
        ),
    ];
    let declared = "- {name: ann, version: 1.x, import-values: [data, {child: t, parent: got}, {child: none, parent: x}]}";
    let expected = "ann map[ann:map[exports:map[data:map[fresh:<nil> x:theirs]] global:map[] t:map[p:2 q:3]] \
                    fresh:<nil> got:map[p:1 q:3] x:mine]\n\
                    level=WARN msg=\"ImportValues missing table from chart\" chart=ann error=\"\\\"none\\\" is not a table\"";
    check(declared, &files, "{}", expected);
}

#[test]
fn an_import_into_itself_is_an_error() {
    let files = [
        (
            "charts/ann/Chart.yaml",
            "{apiVersion: v2, name: ann, version: 1.2.0}",
        ),
        ("charts/ann/values.yaml", "{x: {k: {a: 1}}}"),
    ];
    let declared = "- name: ann\n  version: 1.x\n  import-values: [{child: x, parent: .}, {child: x, parent: k}, {child: x, parent: k.k}, {child: x, parent: k.k.k}]";
    let given = values::documents::read(b"{}").expect("good values");
    let result = super::process(&chart(declared, &files), &given, &mut Vec::new());
    let shown = result.err().map(|failed| failed.chain());
    let expected = "chart dependencies processing failed: import-values of top put a table into itself";
    assert_eq!(shown.as_deref(), Some(expected));
}

#[test]
fn missing_charts_are_all_named() {
    let chart = chart(
        "- {name: gone, version: 1.0.0}\n- {name: ann, version: 1.0.0}\n- {name: away, version: 1.0.0}",
        &KIDS,
    );
    assert_eq!(super::missing(&chart), ["gone", "away"]);
    assert!(
        super::check(&chart)
            .unwrap_err()
            .to_string()
            .ends_with("missing in charts/ directory: gone, away")
    );
}

#[test]
fn an_index_gives_the_newest_version_that_fits() {
    let index = "entries:\n  web:\n  - {version: 1.0.0, urls: [a]}\n  - {version: 2.0.0-rc.1, urls: [b]}\n  - {version: 1.10.0, urls: [c]}\n  - {version: odd, urls: [d]}\n";
    let index = Index::parse(index.as_bytes()).expect("good index");
    let choose = |wanted: &str| match index.choose("web", wanted) {
        Ok(entry) => entry.urls.concat(),
        Err(failed) => failed.to_string(),
    };
    assert_eq!(choose(""), "c");
    assert_eq!(choose("1.0.x"), "a");
    assert_eq!(choose(">=1.0.0-0"), "b");
    assert_eq!(choose("odd"), "d");
    assert_eq!(choose("3.x"), "no chart version found for web-3.x");
    assert_eq!(
        index.choose("none", "").unwrap_err().to_string(),
        "no chart name found"
    );
}
