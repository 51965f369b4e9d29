//! Every case of a chart corpus in one process on one thread: load, compose, render, order, print.
//!
//! `cargo bench -p shipway --bench corpus -- DIR`; `cargo xtask bench template` runs it. A chart is loaded anew for
//! each case, as a process would, and then rendered once more to show what a loaded chart costs.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use chart::capabilities::Capabilities;
use chart::functions::Host;
use chart::random::Seeded;
use chart::render::{Release, Request, Shown, render};
use chart::values::user::Sources;
use model::{Namespace, ReleaseName, Revision};

/// What one case needs, in columns of `cases.tsv`.
struct Case<'a> {
    row: HashMap<&'a str, &'a str>,
}

/// Time spent, summed over the cases.
#[derive(Default)]
struct Spent {
    cases: usize,
    failed: usize,
    whole: Duration,
    again: Duration,
    slowest: Vec<(Duration, String)>,
}

fn main() {
    let Some(corpus) = std::env::args().skip(1).find(|arg| !arg.starts_with("--")) else {
        println!("usage: cargo bench -p shipway --bench corpus -- DIR");
        return;
    };
    let corpus = Path::new(&corpus);
    let table = std::fs::read_to_string(corpus.join("cases.tsv")).expect("the corpus has cases.tsv");
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let cases = lines.map(|line| Case {
        row: names.iter().copied().zip(line.split('\t')).collect(),
    });
    // Making keys costs any engine tens of milliseconds each and says nothing of the engine: counted apart.
    let (plain, random): (Vec<_>, Vec<_>) = cases.partition(|case| case.row["deterministic"] == "1");
    for (title, cases) in [
        ("deterministic cases", plain),
        ("cases that make keys and passwords", random),
    ] {
        let mut spent = Spent::default();
        let cpu_before = cpu_seconds();
        for case in cases {
            case.measure(corpus, &mut spent);
        }
        spent.print(title, cpu_seconds() - cpu_before);
    }
}

impl Case<'_> {
    fn measure(&self, corpus: &Path, spent: &mut Spent) {
        let started = Instant::now();
        let Ok(loaded) = chart::load::path(&corpus.join(self.row["chart_dir"])) else {
            spent.failed += 1;
            return;
        };
        let rendered = self.render(corpus, &loaded.chart);
        let whole = started.elapsed();
        let started = Instant::now();
        drop(self.render(corpus, &loaded.chart));
        spent.again += started.elapsed();
        spent.whole += whole;
        spent.cases += 1;
        spent.failed += usize::from(rendered.is_none());
        spent.slowest.push((whole, self.row["id"].to_owned()));
    }

    fn render(&self, corpus: &Path, chart: &chart::Chart) -> Option<Vec<u8>> {
        let name: ReleaseName = self.row["release"].parse().ok()?;
        let namespace: Namespace = self.row["namespace"].parse().ok()?;
        let capabilities = Capabilities::new(Some(self.row["kube_version"]), &[]).ok()?;
        let mut sources = Sources::default();
        if self.row["values"] != "-" {
            let file = self.row["values"].to_owned();
            let bytes = std::fs::read(corpus.join(&file)).ok()?;
            sources.files.push((file, bytes));
        }
        let request = Request {
            release: Release {
                name: &name,
                namespace: &namespace,
                revision: Revision::FIRST,
                is_upgrade: false,
            },
            values: sources
                .values(&mut |path: &str| std::fs::read_to_string(path).map_err(|error| error.to_string()))
                .ok()?,
            capabilities: &capabilities,
            skip_schema_validation: false,
            subchart_notes: false,
        };
        let host = Host::new(1_577_836_800_000_000_000, Box::new(Seeded::new(1)));
        render(chart, request, &host).ok()?.print(&Shown::default()).ok()
    }
}

impl Spent {
    fn print(mut self, title: &str, cpu: f64) {
        let Self {
            cases,
            failed,
            whole,
            again,
            ..
        } = self;
        println!("\nin process, one thread: {cases} {title}, {failed} of them refused");
        println!("  load + values + render + order  {:>8.2} s", whole.as_secs_f64());
        println!("  the same chart rendered again   {:>8.2} s", again.as_secs_f64());
        println!("  CPU of both                     {cpu:>8.2} s");
        self.slowest.sort();
        for (time, id) in self.slowest.iter().rev().take(6) {
            println!("  {:>8.1} ms  {id}", time.as_secs_f64() * 1e3);
        }
    }
}

/// User and system time of this process so far; 0 where `/proc` does not tell. Ticks are 1/100 s on Linux.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}
