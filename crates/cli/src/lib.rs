//! The command line: the only crate that prints.
//!
//! ```text
//! arguments ──clap──► args::Command ──► command/NAME.rs ──► Outcome or Failure
//!                                            │                      │
//!                                            ▼                      ▼
//!                                       Console (stdout)     report (stderr), exit code
//! ```
//!
//! A command is one file in `command/` with its arguments, its help and one function `run`. It gives data to
//! the [`Console`], which knows whether a person or a program is reading. No command prints, exits or looks at
//! the environment by itself.

mod args;
mod command;
mod console;
mod failure;
mod reference;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use console::Verbosity;

pub use console::Console;
pub use failure::Failure;

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for was done.
    Done,
    /// The command worked and found something wrong with what it looked at.
    Findings,
    /// The process that was kept ended with this code.
    Ended(u8),
}

/// Exit codes, the same for every command; `docs/reference/exit-codes.md` explains them.
mod exit {
    pub(crate) const DONE: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const FINDINGS: u8 = 3;
    pub(crate) const BUG: u8 = 101;
}

/// Runs the process: arguments in, exit code out.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    failure::install_panic_report();
    ExitCode::from(run(args, &mut Console::of_process()))
}

/// Runs one command line against a console and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, console: &mut Console) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = match args::parse(&args, console) {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    console.configure(&parsed.output);
    let started = Instant::now();
    let result = command::run(parsed.command, console);
    console.note(Verbosity::Verbose, &format!("done in {:.1?}", started.elapsed()));
    match result {
        Ok(Outcome::Done) => exit::DONE,
        Ok(Outcome::Findings) => exit::FINDINGS,
        Ok(Outcome::Ended(code)) => code,
        Err(failure) if failure.is_broken_pipe() => exit::DONE,
        Err(failure) => {
            console.report(&failure);
            failure.exit_code()
        }
    }
}
