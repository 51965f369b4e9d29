//! Measures rendering: `cargo run --release -p chart --example bench_render ROUNDS CHART...`.
//!
//! Each chart is loaded once and rendered with its defaults, by turns with and without a trace of its lines. The figures are
//! for people; nothing fails for being slow.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use chart::Chart;
use chart::capabilities::Capabilities;
use chart::functions::Host;
use chart::random::Seeded;
use chart::render::{Release, Request, render, render_traced};
use model::{Namespace, ReleaseName, Revision};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(20);
    let charts: Vec<Chart> = arguments
        .filter_map(|path| chart::load::path(Path::new(&path)).ok())
        .map(|loaded| loaded.chart)
        .filter(|chart| once(chart, false).is_some())
        .collect();
    let mut least = [Duration::MAX; 2];
    for _ in 0..rounds {
        for (at, is_traced) in [(0, false), (1, true)] {
            let sum = charts.iter().filter_map(|chart| once(chart, is_traced)).sum();
            least[at] = least[at].min(sum);
        }
    }
    let [plain, traced] = least.map(|time| time.as_secs_f64() * 1e3);
    println!(
        "{} charts: {plain:.2} ms, traced {traced:.2} ms (least of {rounds})",
        charts.len()
    );
}

fn once(chart: &Chart, is_traced: bool) -> Option<Duration> {
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
    let started = Instant::now();
    let rendered = match is_traced {
        true => render_traced(chart, request, &host),
        false => render(chart, request, &host),
    };
    rendered.ok().map(|_| started.elapsed())
}
