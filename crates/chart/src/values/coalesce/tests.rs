//! Defaults, given values and nulls, chart by chart.

use crate::chart::{Chart, File};
use crate::{go_text, load};
use yaml::Value;

/// A chart from files given as `name: contents` pairs; `Chart.yaml`s are made from the folders.
fn chart(files: &[(&str, &str)]) -> Chart {
    let mut all = vec![File::new(
        "Chart.yaml",
        *b"{apiVersion: v2, name: top, version: 1.0.0}",
    )];
    for (name, text) in files {
        if let Some((folder, _)) = name.rsplit_once('/') {
            let chart = folder.rsplit('/').next().unwrap_or(folder);
            let metadata = format!("{{apiVersion: v2, name: {chart}, version: 1.0.0}}");
            all.push(File::new(format!("{folder}/Chart.yaml"), metadata.into_bytes()));
        }
        all.push(File::new(*name, text.as_bytes()));
    }
    load::files(all).expect("a good chart").chart
}

/// Expected values come from `helm template` (4.1.4) printing `.Values`.
fn check(files: &[(&str, &str)], given: &str, expected: &str) {
    let given = super::super::documents::read(given.as_bytes()).expect("good values");
    let mut warnings = Vec::new();
    let shown = match super::coalesce(&chart(files), given, &mut warnings) {
        Ok(values) => go_text::plain(&Value::Map(values)),
        Err(failed) => format!("error: {failed}"),
    };
    let shown = warnings
        .iter()
        .fold(shown, |text, warning| format!("{text}\n{}", warning.message));
    assert_eq!(shown, expected);
}

#[test]
fn given_values_win_and_lists_replace() {
    check(
        &[("values.yaml", "{a: 1, l: [1, 2], m: {x: 1, v: 2}}")],
        "{l: [3], m: {v: 5}}",
        "map[a:1 l:[3] m:map[v:5 x:1]]",
    );
}

#[test]
fn a_null_deletes_a_default_and_stays_where_there_is_none() {
    let values = "{a: 1, m: {x: null, k: {z: null, w: 1}}}";
    check(
        &[("values.yaml", values)],
        "{a: null, b: null, m: {x: null, k: null, u: null}}",
        "map[b:<nil> m:map[u:<nil> x:<nil>]]",
    );
}

#[test]
fn a_parents_null_deletes_its_subcharts_default() {
    let files = [
        ("values.yaml", "{s: {k: null, m: {a: null}}}"),
        ("charts/s/values.yaml", "{k: 1, m: {a: 1, b: 2}}"),
    ];
    check(&files, "{}", "map[s:map[global:map[] m:map[b:2]]]");
}

#[test]
fn globals_go_down_and_the_parents_win() {
    let files = [
        ("values.yaml", "{global: {a: 1, m: {x: 1}}}"),
        ("charts/s/values.yaml", "{global: {a: 2, b: 3, m: {x: 2, v: 2}}}"),
    ];
    check(
        &files,
        "{}",
        "map[global:map[a:1 m:map[x:1]] s:map[global:map[a:1 b:3 m:map[v:2 x:1]]]]",
    );
}

#[test]
fn tables_deep_in_globals_are_one_table_in_all_charts() {
    let files = [
        ("values.yaml", "{global: {a: {b: {x: 1}}}}"),
        ("charts/q/values.yaml", "{global: {a: {b: {z: 1}, c: {q: 1}}}}"),
        ("charts/r/values.yaml", "{global: {a: {b: {w: 1}}}}"),
    ];
    let all = "map[w:1 x:1 z:1]";
    let expected = format!(
        "map[global:map[a:map[b:{all}]] q:map[global:map[a:map[b:{all} c:map[q:1]]]] r:map[global:map[a:map[b:{all}]]]]"
    );
    check(&files, "{}", &expected);
}

#[test]
fn mixing_tables_and_others_warns() {
    let files = [("values.yaml", "{a: 1, m: {t: {x: 1000000}, k: 2}}")];
    let expected = "map[a:map[z:1] m:map[k:map[] t:3]]
warning: skipped value for top.a: Not a table.
warning: destination for top.m.k is a table. Ignoring non-table value (2)
warning: cannot overwrite table with non table for top.m.t (map[x:1e+06])";
    check(&files, "{a: {z: 1}, m: {t: 3, k: {}}}", expected);
}

#[test]
fn a_subcharts_values_must_be_a_table() {
    let files = [("charts/s/values.yaml", "{a: 1}")];
    check(&files, "{s: 7}", "error: type mismatch on s: %!t(float64=7)");
    check(&files, "{s: true}", "error: type mismatch on s: true");
    check(&files, "{s: null}", "error: type mismatch on s: %!t(<nil>)");
}
