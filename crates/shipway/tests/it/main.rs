//! The binary as a user meets it: what stands on stdout, on stderr, and the exit code.

mod artifacts;
mod chart_errors;
mod charts;
mod crds;
mod errors;
mod folder;
mod help;
mod killed;
mod lint;
mod mini;
mod new;
mod output;
mod package;
mod people;
mod previews;
mod releases;
mod road;
mod start;
mod template;
mod tenants;
mod tour;
mod up;
mod verdicts;
mod verify;
mod verify_real;

use std::process::{Command, Output};

/// Runs `shipway` with a line of arguments, in an environment without colour settings of its own.
fn shipway(line: &str) -> Output {
    command(line)
        .output()
        .expect("the binary of this package can be run")
}

fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shipway"));
    command
        .args(line.split_whitespace())
        .env_remove("NO_COLOR")
        .env("TERM", "xterm");
    command
}

/// What a user sees, as one text for a snapshot.
fn seen(line: &str) -> String {
    seen_of(&mut command(line))
}

fn seen_of(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the binary of this package can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}--- stderr\n{}--- exit {}",
        text(&stdout),
        text(&stderr),
        status.code().unwrap_or(-1)
    )
}
