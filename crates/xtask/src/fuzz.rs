//! `cargo xtask fuzz [SECONDS]`: hostile inputs for every reader of what comes from outside.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tree;

/// What is fuzzed and where its seeds are; `testkit::target` says how.
const TARGETS: &[(&str, &str)] = &[
    ("template", CHARTS),
    ("yaml", CHARTS),
    ("set", CHARTS),
    ("archive", CHARTS),
    ("record", RECORDS),
    ("cel", REQUESTS),
    ("patch", REQUESTS),
    ("apply", REQUESTS),
    ("selector", REQUESTS),
    ("body", REQUESTS),
    ("protobuf", REQUESTS),
];

const CHARTS: &str = "crates/chart/tests/corpus";
const RECORDS: &str = "crates/release/tests/recorded/kept";
const REQUESTS: &str = "crates/minicluster/tests/fuzz";

/// Long enough to find what is shallow in every CI run, two minutes for all; give more by hand.
const SECONDS: u64 = 10;

/// Address space of the fuzzer in KiB: an input of at most 64 KiB that needs more than 4 GiB is a bomb that worked.
const MEMORY_KIB: u64 = 4 << 20;

/// Runs every target in turn.
pub fn run(args: &[&str]) -> Result<()> {
    let seconds = match args {
        [] => SECONDS,
        [seconds] => seconds.parse().context("usage: cargo xtask fuzz [SECONDS]")?,
        _ => anyhow::bail!("usage: cargo xtask fuzz [SECONDS]"),
    };
    // How long an input may take is said for a build that users have.
    let fuzzer = tree::build_release("testkit", "fuzz")?;
    for (target, seeds) in TARGETS {
        let limited = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"");
        let status = Command::new("sh")
            .args(["-c", &limited])
            .arg(&fuzzer)
            .args([*target, seconds.to_string().as_str(), *seeds])
            .current_dir(tree::root())
            .status()
            .context("can't run the fuzzer")?;
        ensure!(status.success(), "the {target} reader broke");
    }
    Ok(())
}
