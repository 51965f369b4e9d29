//! What a process of a pod is started with: hidden commands of our own program, for `shipway cluster --pods process`.
//!
//! They are the cluster's other half, not for people: `minicluster::node` says what they do.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use minicluster::node::{echo, keeper};
use model::{Code, Diagnose};

use crate::{Failure, Outcome};

/// Keep the process of a container.
#[derive(Debug, clap::Args)]
pub(crate) struct Keeper {
    /// The named pipe that is open as long as the cluster lives.
    #[arg(long, value_name = "FILE")]
    lifeline: PathBuf,
    /// The terminal that is to be the process's own.
    #[arg(long, value_name = "FILE")]
    terminal: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    words: Vec<OsString>,
}

/// Why there is no process.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("can't start {program:?}")]
    Start { program: OsString, source: io::Error },
    #[error("can't serve as shipway.dev/echo")]
    Echo(#[source] io::Error),
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        Code::CLUSTER
    }
}

/// Keeps a process and ends as it did.
pub(crate) fn keep(args: &Keeper) -> Result<Outcome, Failure> {
    let kept = keeper::keep(&args.lifeline, args.terminal.as_deref(), &args.words);
    let code = kept.map_err(|source| Problem::Start {
        program: args.words.first().cloned().unwrap_or_default(),
        source,
    })?;
    Ok(Outcome::Ended(code))
}

/// Serves until it is told to stop.
pub(crate) fn echo() -> Result<(), Failure> {
    // What has no text is no setting of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(echo::serve(&environment.collect()).map_err(Problem::Echo)?)
}
