//! One install of a chart with 30 objects until all of it is ready, process against process.
//!
//! The two run in turn against the same cluster, each in a fresh namespace, so that a noisy machine hurts both; what
//! counts is the ratio of the medians.

use std::path::Path;
use std::time::Duration;

use crate::charts::LARGE;
use crate::tool::{self, Server};
use crate::{Result, Setting, line};

/// Runs of each: the median of fewer jumps on a shared machine.
const RUNS: usize = 7;

/// Prints the medians and their ratio.
pub fn measure(setting: &Setting) -> Result<()> {
    let server = Server::start(setting, 3)?;
    let (mut ours, mut helms) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        ours.push(install(
            setting,
            &server,
            (&setting.shipway, &format!("ours-{run}")),
        )?);
        if let Some(helm) = &setting.helm {
            helms.push(install(setting, &server, (helm, &format!("helms-{run}")))?);
        }
    }
    let ours = median(&mut ours);
    line(&format!(
        "install, 30 objects, --wait: shipway {:.0} ms",
        ms(ours)
    ))?;
    if !helms.is_empty() {
        let helms = median(&mut helms);
        let ratio = helms.as_secs_f64() / ours.as_secs_f64();
        line(&format!(
            "install, 30 objects, --wait: helm {helms:.0?}, {ratio:.1}x"
        ))?;
    }
    Ok(())
}

fn install(setting: &Setting, server: &Server, (program, namespace): (&Path, &str)) -> Result<Duration> {
    let tool = (program, server.kubeconfig.as_path());
    let args = [
        "install",
        "rel",
        LARGE,
        "--wait",
        "--create-namespace",
        "-n",
        namespace,
    ];
    let took = tool::run(setting, tool, &args)?;
    // Room for the next one.
    tool::run(setting, tool, &["uninstall", "rel", "-n", namespace])?;
    Ok(took)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(runs: &mut [Duration]) -> Duration {
    runs.sort();
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}
