//! How long a verification takes: `bench_verify CHART [VALUES]`, prints the parts of each run.

use std::path::Path;
use std::time::Duration;

use verify::{Live, Request, Stage, Target};

const RUNS: usize = 5;

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("a chart");
    let chart = chart::load::path(Path::new(&path)).expect("a chart").chart;
    let values = args.next().map_or_else(chart::values::Map::default, |path| {
        let sources = chart::values::user::Sources {
            files: vec![(path.clone(), std::fs::read(&path).expect("values"))],
            ..chart::values::user::Sources::default()
        };
        sources.values(&mut |_| Ok(String::new())).expect("values")
    });
    let request = Request {
        stages: vec![Stage {
            name: "staging".to_owned(),
            release: "api".parse().expect("a name"),
            namespace: "shop".parse().expect("a name"),
            values: values.clone(),
            tenant: None,
            target: Target::default(),
            live: Some(Live::Chart {
                chart: chart.clone(),
                values,
            }),
            serves_users: true,
        }],
        chart,
        lint: Vec::new(),
        exceptions: verify::Exceptions::default(),
        checks: verify::Checks::default(),
        today: jiff::civil::date(2026, 1, 1),
        timeout: Duration::from_secs(300),
        seed: 1,
    };
    for run in 0..RUNS {
        let report = verify::verify(&request).expect("a mini cluster");
        println!(
            "run {run}: {} ms, passed {}",
            report.took.as_millis(),
            report.passed()
        );
        if run == RUNS - 1 {
            for phase in &report.phases {
                println!(
                    "  {:<10} {:<22} {:>7.1} ms {:>8.1} s simulated {}",
                    phase.run,
                    phase.step.to_string(),
                    phase.took.as_secs_f64() * 1e3,
                    phase.simulated.as_secs_f64(),
                    if phase.passed { "" } else { "FAILED" }
                );
            }
            for found in &report.findings {
                println!("  {}\n    {}", found.finding, found.finding.cure);
            }
            for level in &report.levels {
                println!("  {:?} {:?} {}", level.level, level.result, level.message);
            }
        }
    }
}
