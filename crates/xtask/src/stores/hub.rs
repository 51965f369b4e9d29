//! The last part of the way with the binary itself: versions that somebody publishes into a bucket become Artifacts of a hub,
//! by events and the sweep, while the controller is killed with -9 again and again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Running;
use crate::tree;

/// Versions that are published. Each is a process, an upload of four objects and an event.
const VERSIONS: usize = 40;

/// How long each controller lives: some die while they start, some while they make Artifacts.
const LIVES: &[u64] = &[300, 900, 150, 1500];

/// The last controller finds what is left with its sweep, every 5 s.
const LIMIT: Duration = Duration::from_secs(120);

const OBJECTS: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {shipway.dev/tenant: shop}}
---
apiVersion: shipway.dev/v1alpha1
kind: Application
metadata: {name: web, namespace: shop}
spec: {chart: {source: charts, path: charts/web}}
---
apiVersion: shipway.dev/v1alpha1
kind: Application
metadata: {name: other, namespace: shop}
spec: {chart: {source: charts, path: charts/other}}
";

/// Where everything is, and how the store is reached.
struct Ground<'a> {
    shipway: PathBuf,
    kubectl: PathBuf,
    folder: PathBuf,
    queue: &'a str,
    aws: &'a dyn Fn(&mut Command),
}

/// Runs it in a folder of its own.
pub fn run(kubectl: &Path, folder: &Path, queue: &str, aws: &dyn Fn(&mut Command)) -> Result<()> {
    let ground = Ground {
        shipway: tree::build("shipway", "shipway")?,
        kubectl: kubectl.to_owned(),
        folder: folder.join("road"),
        queue,
        aws,
    };
    fs::create_dir_all(ground.folder.join("web/templates")).context("can't make a folder")?;
    let began = Instant::now();
    let _hub = ground.hub()?;
    ensure!(ground.run("artifact key signing.pem")?.status.success(), "no key");
    let mut controller = ground.controller()?;
    let mut lives = LIVES.iter().cycle();
    let mut dies = Instant::now() + life(lives.next());
    let mut killed = 0;
    for version in 0..VERSIONS {
        if Instant::now() >= dies {
            // On Unix this is kill -9.
            controller.0.kill().context("can't kill the controller")?;
            controller = ground.controller()?;
            killed += 1;
            dies = Instant::now() + life(lives.next());
        }
        ground.publish(version)?;
    }
    let published = began.elapsed();
    let wanted: Vec<String> = (0..VERSIONS)
        .map(|version| format!("web-1.0.{version}"))
        .collect();
    let until = Instant::now() + LIMIT;
    loop {
        let mut there = ground.artifacts()?;
        there.sort_by_key(|name| {
            name.rsplit('.')
                .next()
                .and_then(|patch| patch.parse::<usize>().ok())
        });
        if there == wanted {
            break;
        }
        ensure!(Instant::now() < until, "the hub has the Artifacts {there:?}");
        sleep(Duration::from_millis(200));
    }
    println!(
        "-- hub: {VERSIONS} versions published in {:.1} s with {killed} controllers killed, each an Artifact once, {:.1} s in all",
        published.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn life(millis: Option<&u64>) -> Duration {
    Duration::from_millis(millis.copied().unwrap_or_default())
}

impl Ground<'_> {
    /// A hub with the kinds and two applications, of which one gets nothing.
    fn hub(&self) -> Result<Running> {
        let hub = self
            .command("cluster start --kubeconfig hub.yaml --nodes 0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut hub = Running(hub.context("can't start a hub")?);
        let out = hub.0.stdout.take().context("the hub has no output")?;
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line)
            .context("can't read what the hub says")?;
        fs::write(self.folder.join("crds.yaml"), self.run("crds")?.stdout)
            .context("can't write the kinds")?;
        fs::write(self.folder.join("objects.yaml"), OBJECTS).context("can't write the objects")?;
        self.kubectl(&["apply", "--server-side", "-f", "crds.yaml"])?;
        self.kubectl(&["wait", "--for=condition=Established", "crd", "--all"])?;
        self.kubectl(&["apply", "-f", "objects.yaml"])?;
        Ok(hub)
    }

    fn controller(&self) -> Result<Running> {
        let flags = format!(
            "controller --kubeconfig hub.yaml --store s3://charts/hub --cache cache --key signing.pem --sweep 5s --queue {}",
            self.queue
        );
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("controller.log"))
            .context("can't write a log")?;
        let started = self.command(&flags).stdout(Stdio::null()).stderr(log).spawn();
        Ok(Running(started.context("can't start a controller")?))
    }

    fn publish(&self, version: usize) -> Result<()> {
        let chart = format!("{{apiVersion: v2, name: web, version: 1.0.{version}}}\n");
        fs::write(self.folder.join("web/Chart.yaml"), chart).context("can't write a chart")?;
        let commit = format!("{version:040x}");
        let line = format!(
            "artifact publish web --store s3://charts/hub --key signing.pem --source charts --path charts/web --commit {commit}"
        );
        let done = self.run(&line)?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    fn artifacts(&self) -> Result<Vec<String>> {
        let names = self.kubectl(&["get", "artifacts", "-n", "shop", "-o", "name"])?;
        let name = |line: &str| line.rsplit('/').next().map(str::to_owned);
        Ok(names.lines().filter_map(name).collect())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.shipway);
        command.args(line.split(' ')).current_dir(&self.folder);
        (self.aws)(&mut command);
        command
    }

    fn run(&self, line: &str) -> Result<std::process::Output> {
        self.command(line)
            .output()
            .with_context(|| format!("can't run {line}"))
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.kubectl);
        command
            .args(["--kubeconfig", "hub.yaml"])
            .args(arguments)
            .current_dir(&self.folder);
        let output = command.output().context("can't run kubectl")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {arguments:?}: {said}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
