//! `cargo xtask bench tenants [TENANTS]`: what tenants cost, with the binary as it is shipped.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tree;

/// Runs the benchmark.
pub fn run(args: &[&str]) -> Result<()> {
    ensure!(args.len() <= 1, "usage: cargo xtask bench tenants [TENANTS]");
    example("bench_tenants", args)
}

/// Runs an example of `control` that starts clusters in processes of their own.
pub(super) fn example(name: &str, args: &[&str]) -> Result<()> {
    let shipway = tree::build_release("shipway", "shipway")?;
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--locked", "--package", "control"])
        .args(["--example", name, "--"])
        .arg(shipway)
        .arg(std::env::temp_dir())
        .args(args)
        .current_dir(tree::root())
        .status()
        .context("can't run cargo")?;
    ensure!(status.success(), "{name} failed");
    Ok(())
}
