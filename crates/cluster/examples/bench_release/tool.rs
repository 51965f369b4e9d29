//! The programs that are run: the mini cluster, and shipway or helm against it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Result, Setting};

/// A mini cluster in a process of its own; dropping it ends it.
pub struct Server {
    child: Child,
    pub kubeconfig: PathBuf,
}

impl Server {
    /// Starts a cluster and waits until it is ready.
    pub fn start(setting: &Setting, nodes: u32) -> Result<Self> {
        let kubeconfig = setting.folder.path().join(format!("kubeconfig-{nodes}"));
        let child = Command::new(&setting.shipway)
            .args(["cluster", "start", "--nodes", &nodes.to_string(), "--kubeconfig"])
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Self { child, kubeconfig };
        let out = server.child.stdout.take().ok_or("the cluster has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        match line.contains("ready") {
            true => Ok(server),
            false => Err(format!("the cluster does not start: {line}").into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs shipway or helm, and says how long that took.
pub fn run(setting: &Setting, (program, kubeconfig): (&Path, &Path), args: &[&str]) -> Result<Duration> {
    let started = Instant::now();
    let output = Command::new(program)
        .args(args)
        .current_dir(setting.folder.path())
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", setting.folder.path())
        .stdin(Stdio::null())
        .output()?;
    let took = started.elapsed();
    match output.status.success() {
        true => Ok(took),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{} {}: {said}", program.display(), args.join(" ")).into())
        }
    }
}
