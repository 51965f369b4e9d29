//! `shipway new`: a service on the golden path, and one made earlier brought up to the present template.
//!
//! What is made and merged is decided by the crate `golden`; here are the arguments, the report, and in `new/folder.rs`
//! the files.

mod folder;
mod service;
mod update;

use std::path::PathBuf;

use clap::Subcommand;

use crate::console::Console;
use crate::{Failure, Outcome};

/// Make a service with everything that production asks for, or bring one up to the present template.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  shipway new service api --tenant payments
  shipway new --update                the diff to the present template, for this folder
  shipway new --update ./api --write  the same, applied

An update replaces what you did not touch and merges the rest. Where you and the template changed
the same lines, your file stays and the outcome is put beside it, in a file that ends in .rej."
)]
pub(crate) struct Args {
    /// Print what the present template would change in the service in DIR, or in this folder.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    update: Option<PathBuf>,
    /// Apply it. The exit code is 3 when there are conflicts.
    #[arg(long, requires = "update")]
    write: bool,
    /// Exit with 3 when something would change.
    #[arg(long, requires = "update", conflicts_with = "write")]
    exit_code: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    Service(service::Args),
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    match (&args.what, &args.update) {
        (Some(What::Service(args)), _) => service::run(args, console).map(|()| Outcome::Done),
        (None, Some(folder)) => {
            let changes = update::run(folder, args.write, console)?;
            let is_finding = match args.write {
                true => changes.conflicts,
                false => args.exit_code && changes.any,
            };
            Ok(match is_finding {
                true => Outcome::Findings,
                false => Outcome::Done,
            })
        }
        (None, None) => {
            unreachable!("help is printed when there are no arguments, and the others need `--update`")
        }
    }
}
