//! The cluster that is measured: a process, what it says, and what it takes.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;

use crate::report::Result;

/// The administrator's token of every cluster here.
pub const TOKEN: &str = "bench";

/// Ticks of a CPU in a second, as /proc counts them on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// A running cluster; dropping it ends it.
pub struct Server {
    child: Child,
    kubeconfig: PathBuf,
    /// From the start of the process until it said that it is ready.
    pub ready_after: Duration,
    /// `127.0.0.1:34567`
    pub address: String,
    /// The certificate of its CA, as PEM.
    pub authority: Vec<u8>,
}

/// The CPU time that a process has used.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    pub cpu: Duration,
}

impl Server {
    /// Starts a cluster and waits until it is ready.
    pub fn start(shipway: &Path, flags: &[&str]) -> Result<Self> {
        let name = format!("bench-cluster-{}.kubeconfig", std::process::id());
        let kubeconfig = std::env::temp_dir().join(name);
        let started = Instant::now();
        let mut child = Command::new(shipway)
            .args(["cluster", "start", "--token", TOKEN, "--kubeconfig"])
            .arg(&kubeconfig)
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the cluster has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let ready_after = started.elapsed();
        let url = line.split_whitespace().nth(1).unwrap_or_default();
        let address = url
            .strip_prefix("https://")
            .ok_or("the cluster did not say that it is ready")?;
        let config: Value = serde_json::from_slice(&std::fs::read(&kubeconfig)?)?;
        let authority = config["clusters"][0]["cluster"]["certificate-authority-data"].as_str();
        let authority = base64::prelude::BASE64_STANDARD.decode(authority.unwrap_or_default())?;
        Ok(Self {
            child,
            kubeconfig,
            ready_after,
            address: address.to_owned(),
            authority,
        })
    }

    /// What it has used so far.
    pub fn spent(&self) -> Result<Spent> {
        spent(&self.child.id().to_string())
    }

    /// The memory that it holds now and the most it ever held, in MB.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            number.unwrap_or_default() / 1024.0
        };
        Ok((field("VmRSS:"), field("VmHWM:")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

impl Spent {
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
        }
    }
}

/// What this process has used so far.
pub fn own() -> Result<Spent> {
    spent("self")
}

fn spent(process: &str) -> Result<Spent> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th field after it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|one| one.parse::<f64>().ok())
        .sum();
    Ok(Spent {
        cpu: Duration::from_secs_f64(ticks / TICKS),
    })
}
