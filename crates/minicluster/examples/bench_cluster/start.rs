//! From nothing to ready, and what an empty cluster holds.

use std::time::{Duration, Instant};

use minicluster::server::{Cluster, Options};

use crate::Setting;
use crate::report::{Goal, Report, Result, median, ms};
use crate::server::{self, Server};

const RUNS: usize = 9;

/// After this, an empty cluster has done what it does at a start.
const QUIET: Duration = Duration::from_secs(2);

pub fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let before = server::own()?;
    let mut inside = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let cluster = runtime.block_on(Cluster::start(Options::default()))?;
        inside.push(ms(started.elapsed()));
        drop(cluster);
    }
    let cpu = server::own()?.since(before).cpu / u32::try_from(RUNS)?;
    let cost = format!("{:.0} CPU ms each", ms(cpu));
    let goal = Goal::AtMost(50.0, "ms");
    report.figure("start to ready, in this process", median(inside), goal, &cost)?;
    drop(runtime);

    let (mut ready, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = Server::start(&setting.shipway, &[])?;
        ready.push(ms(server.ready_after));
        cpu.push(ms(server.spent()?.cpu));
    }
    let cost = format!("{:.0} CPU ms each", median(cpu));
    let goal = Goal::AtMost(100.0, "ms");
    report.figure("start to ready, a process", median(ready), goal, &cost)?;

    let server = Server::start(&setting.shipway, &[])?;
    std::thread::sleep(QUIET);
    let (held, most) = server.memory()?;
    let cost = format!("at most {most:.0} MB");
    report.figure(
        "memory of an empty cluster",
        held,
        Goal::AtMost(60.0, "MB"),
        &cost,
    )
}
