//! All of CI: the gates in the order in which they fail fastest, each timed.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

/// A gate and the cargo arguments that are it.
struct Gate {
    name: &'static str,
    cargo: &'static [&'static str],
    /// For the compiler of documentation, which takes its strictness from the environment.
    rustdocflags: &'static str,
}

const GATES: &[Gate] = &[
    Gate::new("fmt", &["fmt", "--all", "--check"]),
    Gate::new("tidy", &["xtask", "tidy"]),
    Gate::new("audit", &["xtask", "audit"]),
    Gate::new(
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    ),
    Gate::new("test", &["test", "--workspace", "--locked"]),
    Gate {
        rustdocflags: "-D warnings",
        ..Gate::new("doc", &["doc", "--workspace", "--no-deps", "--locked"])
    },
    Gate::new("docs", &["xtask", "docs", "--check"]),
    Gate::new("parity", &["xtask", "parity"]),
    Gate::new("clients", &["xtask", "clients"]),
    Gate::new("stores", &["xtask", "stores"]),
    Gate::new("fuzz", &["xtask", "fuzz"]),
];

/// Runs every gate but those skipped, to the end even when one fails, and prints a table of times.
pub fn run(args: &[&str]) -> Result<()> {
    let skipped = skipped(args)?;
    let mut rows = Vec::new();
    for gate in GATES {
        if skipped.contains(&gate.name) {
            rows.push(format!("{:8} skipped", gate.name));
            continue;
        }
        println!("== {}: cargo {}", gate.name, gate.cargo.join(" "));
        let started = Instant::now();
        let passed = gate.passes()?;
        let seconds = started.elapsed().as_secs_f64();
        rows.push(format!(
            "{:8} {} {seconds:6.1} s",
            gate.name,
            if passed { "ok    " } else { "FAILED" }
        ));
    }
    println!("\n{}", rows.join("\n"));
    let failed = rows.iter().filter(|row| row.contains("FAILED")).count();
    ensure!(failed == 0, "{failed} gates failed");
    Ok(())
}

impl Gate {
    const fn new(name: &'static str, cargo: &'static [&'static str]) -> Self {
        Self {
            name,
            cargo,
            rustdocflags: "",
        }
    }

    fn passes(&self) -> Result<bool> {
        let mut command = Command::new(env!("CARGO"));
        command.args(self.cargo).current_dir(tree::root());
        if !self.rustdocflags.is_empty() {
            command.env("RUSTDOCFLAGS", self.rustdocflags);
        }
        let status = command
            .status()
            .with_context(|| format!("can't run cargo for {}", self.name))?;
        Ok(status.success())
    }
}

fn skipped<'a>(args: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut skipped = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match (*arg, rest.next()) {
            ("--skip", Some(name)) if GATES.iter().any(|gate| gate.name == *name) => skipped.push(*name),
            _ => {
                let names: Vec<_> = GATES.iter().map(|gate| gate.name).collect();
                bail!(
                    "usage: cargo xtask ci [--skip GATE]..., where GATE is one of {}",
                    names.join(", ")
                );
            }
        }
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_gates_are_skipped() {
        assert_eq!(skipped(&["--skip", "test"]).expect("test is a gate"), ["test"]);
        assert!(skipped(&["--skip", "tests"]).is_err());
        assert!(skipped(&["--skip"]).is_err());
        assert!(skipped(&["test"]).is_err());
    }
}
