//! A rendered line is traced back to the line of the chart that wrote it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chart::Chart;
use chart::capabilities::Capabilities;
use chart::functions::Host;
use chart::random::Seeded;
use chart::render::{Release, Rendered, Request, Shown, render, render_traced};
use model::{Namespace, ReleaseName, Revision};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let charts = std::fs::read_dir(folder).unwrap();
    charts.map(|entry| entry.unwrap().path().join("chart")).collect()
}

fn rendered(chart: &Chart, is_traced: bool) -> Option<Rendered> {
    let name: ReleaseName = "rel".parse().unwrap();
    let namespace: Namespace = "ns".parse().unwrap();
    let capabilities = Capabilities::default();
    let request = Request {
        release: Release {
            name: &name,
            namespace: &namespace,
            revision: Revision::FIRST,
            is_upgrade: false,
        },
        values: chart::values::Map::default(),
        capabilities: &capabilities,
        skip_schema_validation: false,
        subchart_notes: false,
    };
    let host = Host::new(0, Box::new(Seeded::new(1)));
    match is_traced {
        true => render_traced(chart, request, &host).ok(),
        false => render(chart, request, &host).ok(),
    }
}

/// The text of every file of a chart and its subcharts, as `# Source:` names them.
fn sources(chart: &Chart, path: &str, into: &mut HashMap<String, String>) {
    let files = chart.content().templates.iter().chain(&chart.content().files);
    for file in files {
        let text = String::from_utf8_lossy(&file.data).into_owned();
        into.insert(format!("{path}/{}", file.name), text);
    }
    for below in chart.dependencies() {
        sources(below, &format!("{path}/charts/{}", below.name()), into);
    }
}

#[test]
fn what_is_written_without_an_action_is_found_at_its_line() {
    let shown = Shown {
        crds: true,
        ..Shown::default()
    };
    let (mut charts, mut exact) = (0, 0);
    for folder in corpus() {
        let Ok(loaded) = chart::load::path(&folder) else {
            continue;
        };
        let chart = &loaded.chart;
        let Some(traced) = rendered(chart, true) else {
            continue;
        };
        let printed = traced.print(&shown).unwrap();
        assert_eq!(
            rendered(chart, false).unwrap().print(&shown).unwrap(),
            printed,
            "{folder:?}"
        );
        let mut files = HashMap::new();
        sources(chart, chart.name(), &mut files);
        let origins = traced.origins(&shown);
        for (at, line) in String::from_utf8_lossy(&printed).lines().enumerate() {
            let is_added = line.starts_with("---") || line.starts_with("# Source: ");
            let Some(origin) = origins.of(at + 1).filter(|_| !is_added) else {
                assert!(is_added || line.is_empty(), "{folder:?} {at}: {line:?}");
                continue;
            };
            let Some(file) = files.get(origin.file) else {
                continue;
            };
            let written = file.lines().nth(origin.line as usize - 1).unwrap_or_default();
            // An action may begin lines above, and end on this one.
            if !written.contains("{{") && !written.contains("}}") && !line.trim().is_empty() {
                let is_within = file.lines().take(origin.line as usize).collect::<Vec<_>>();
                let open = is_within.join("\n").matches("{{").count();
                let closed = is_within.join("\n").matches("}}").count();
                if open == closed {
                    // What follows on the next lines may be joined to it.
                    let place = format!("{folder:?} {}:{}", origin.file, origin.line);
                    assert!(
                        line.trim().starts_with(written.trim()),
                        "{place}: {line:?}, {written:?}"
                    );
                    exact += 1;
                }
            }
        }
        charts += 1;
    }
    assert!(charts >= 60 && exact >= 300, "{charts} charts, {exact} lines");
}
