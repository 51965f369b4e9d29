//! The live objects of a release, as `helm status` prints the tables that the API server makes of them.

use std::fmt::Write as _;

use objects::meta;
use serde_json::Value;

/// The narrowest that a column is, and what is left free beside its widest cell: kubectl's, and so Helm's.
const NARROWEST: usize = 6;
const GAP: usize = 3;

/// Prints tables under their titles. Helm aligns each object by itself; it leaves out a header that is as the one of the
/// kind before, which depends on the order of the kinds there, and is left out here only within a kind.
#[must_use]
pub fn resources(kinds: &[(String, Vec<Value>)]) -> String {
    let mut out = String::new();
    for (title, tables) in kinds {
        let _ = writeln!(out, "==> {title}");
        let mut above: &[Value] = &[];
        for table in tables {
            let columns = meta::list_at(table, "/columnDefinitions");
            let rows = meta::list_at(table, "/rows");
            if !rows.is_empty() {
                draw(&mut out, columns, rows, above != columns);
                above = columns;
            }
        }
        out.push('\n');
    }
    out
}

fn draw(out: &mut String, columns: &[Value], rows: &[Value], with_header: bool) {
    // Columns of another priority are for whoever asks for a wide table.
    let is_shown = |at: &usize| meta::number_at(&columns[*at], "/priority").unwrap_or_default() == 0;
    let shown: Vec<usize> = (0..columns.len()).filter(is_shown).collect();
    let header = shown
        .iter()
        .map(|at| meta::text(&columns[*at], "name").to_uppercase())
        .collect();
    let cells = |row: &Value| -> Vec<String> {
        let cells = meta::list_at(row, "/cells");
        shown
            .iter()
            .map(|at| cells.get(*at).map(cell).unwrap_or_default())
            .collect()
    };
    let header: Option<Vec<String>> = with_header.then_some(header);
    let lines: Vec<Vec<String>> = header.into_iter().chain(rows.iter().map(cells)).collect();
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < line.len() {
                let each = lines.iter().map(|line| line[column].chars().count() + GAP);
                let width = each.max().unwrap_or_default().max(NARROWEST);
                let free = width - cell.chars().count();
                out.extend(std::iter::repeat_n(' ', free));
            }
        }
        out.push('\n');
    }
}

/// One line of a cell; what is cut off is said to be.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    };
    match text.split_once(['\n', '\r', '\u{c}']) {
        Some((first, _)) => format!("{first}..."),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As helm 4.1.4 printed it.
    #[test]
    fn objects_are_aligned_one_by_one_under_one_header() {
        let columns = json!([{"name": "Name", "priority": 0}, {"name": "Data", "priority": 0}, {"name": "Age"},
            {"name": "Images", "priority": 1}]);
        let table = |name: &str, data: u32| json!({"columnDefinitions": columns, "rows": [{"cells": [name, data, "1s", "x"]}]});
        let none = json!({"columnDefinitions": columns, "rows": []});
        let kinds = [
            (
                "v1/ConfigMap".to_owned(),
                vec![table("web-config", 2), table("another", 0)],
            ),
            ("v1/Pod(related)".to_owned(), vec![none]),
        ];
        let expected = "==> v1/ConfigMap\nNAME         DATA   AGE\nweb-config   2      1s\nanother   0     1s\n\n\
                        ==> v1/Pod(related)\n\n";
        assert_eq!(resources(&kinds), expected);
    }
}
