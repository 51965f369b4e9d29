//! The benchmarks. They print figures for people and never fail for being slow: machines are shared and noisy.

mod delivery;
mod minicluster;
mod release;
mod template;
mod tenants;
mod verify;

use anyhow::{Result, bail};

/// A measurement and what runs it.
struct Benchmark {
    name: &'static str,
    measures: &'static str,
    run: fn(&[&str]) -> Result<()>,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "minicluster",
        measures: "the mini cluster: start, requests, watches, pods by the ten thousand",
        run: minicluster::run,
    },
    Benchmark {
        name: "release",
        measures: "installs, requests and a thousand releases, against helm with --helm PATH",
        run: release::run,
    },
    Benchmark {
        name: "delivery",
        measures: "1,000 applications delivered, alone and beside a tenant and a cluster that fail",
        run: delivery::run,
    },
    Benchmark {
        name: "template",
        measures: "rendering charts, against helm with --helm PATH",
        run: template::run,
    },
    Benchmark {
        name: "tenants",
        measures: "200 tenants on three clusters: time, memory, and what one change touches",
        run: tenants::run,
    },
    Benchmark {
        name: "verify",
        measures: "verifying a service, and large charts of the corpus: time of each step, memory",
        run: verify::run,
    },
];

/// Runs the named benchmark, or lists them all.
pub fn run(args: &[&str]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else {
        for Benchmark { name, measures, .. } in BENCHMARKS {
            println!("{name:12} {measures}");
        }
        return Ok(());
    };
    match BENCHMARKS.iter().find(|benchmark| benchmark.name == *name) {
        Some(benchmark) => (benchmark.run)(rest),
        None => bail!("there is no benchmark {name:?}; `cargo xtask bench` lists them"),
    }
}
