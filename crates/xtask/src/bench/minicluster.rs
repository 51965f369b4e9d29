//! `cargo xtask bench minicluster [--disk DIR] [PART...]`: the figures that the mini cluster has to reach.
//!
//! The store alone and the whole cluster are measured by examples of the crate, built as they are shipped: what
//! drives a cluster as its clients do needs HTTP/2 and TLS, which this crate does not link. What is measured is the
//! binary `shipway`, in a process of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

/// The part that no other process is needed for: the store without a server.
const STORE: &str = "store";

/// Runs the benchmark.
pub fn run(args: &[&str]) -> Result<()> {
    let (disk, parts) = match args {
        ["--disk", disk, parts @ ..] => (Path::new(disk).to_owned(), parts),
        parts => (std::env::temp_dir(), parts),
    };
    if let Some(flag) = parts.iter().find(|part| part.starts_with('-')) {
        bail!("there is no {flag}; usage: cargo xtask bench minicluster [--disk DIR] [PART...]");
    }
    let disk = disk.to_string_lossy();
    if parts.is_empty() || parts.contains(&STORE) {
        example("bench_store", &[&disk])?;
    }
    let others: Vec<&str> = parts.iter().copied().filter(|part| *part != STORE).collect();
    if parts.is_empty() || !others.is_empty() {
        let shipway = tree::build_release("shipway", "shipway")?;
        let shipway = shipway.to_string_lossy();
        example(
            "bench_cluster",
            &[&[&*shipway, &*disk], others.as_slice()].concat(),
        )?;
    }
    Ok(())
}

/// Runs an example of the crate.
fn example(name: &str, args: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "minicluster",
        ])
        .args(["--example", name, "--"])
        .args(args)
        .current_dir(tree::root())
        .status()
        .context("can't run cargo")?;
    ensure!(status.success(), "{name} failed");
    Ok(())
}
