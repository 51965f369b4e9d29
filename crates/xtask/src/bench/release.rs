//! `cargo xtask bench release [--helm PATH] [--shipway PATH] [PART...]`: installs, against helm's, and a thousand of them.
//!
//! All of it is measured by an example of the crate `cluster`, built as it is shipped: this crate links nothing that
//! speaks to a cluster. `--shipway` measures a binary that is there instead of building one.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

/// Runs the benchmark.
pub fn run(args: &[&str]) -> Result<()> {
    let (mut helm, mut shipway, mut parts) = (None, None, Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "--helm" => helm = rest.next().copied(),
            "--shipway" => shipway = rest.next().map(PathBuf::from),
            flag if flag.starts_with('-') => bail!(
                "there is no {flag}; usage: cargo xtask bench release [--helm PATH] [--shipway PATH] [PART...]"
            ),
            part => parts.push(part),
        }
    }
    let shipway = match shipway {
        Some(path) => path,
        None => tree::build_release("shipway", "shipway")?,
    };
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--locked", "--package", "cluster"])
        .args(["--example", "bench_release", "--"])
        .arg(shipway)
        .args(helm)
        .args(parts)
        .current_dir(tree::root())
        .status()
        .context("can't run cargo")?;
    ensure!(status.success(), "bench_release failed");
    Ok(())
}
