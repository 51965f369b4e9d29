//! `cargo xtask bench delivery [APPLICATIONS] [TENANTS]`: what delivery costs, with the binary as it is shipped.

use anyhow::{Result, ensure};

use super::tenants::example;

/// Runs the benchmark.
pub fn run(args: &[&str]) -> Result<()> {
    ensure!(
        args.len() <= 2,
        "usage: cargo xtask bench delivery [APPLICATIONS] [TENANTS]"
    );
    example("bench_delivery", args)
}
