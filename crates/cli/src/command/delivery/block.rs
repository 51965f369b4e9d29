//! `shipway block`: a version goes nowhere any more, or is never gone back past.

use api::OnOff;
use control::desk::Done;

use super::ServerArgs;
use super::show::{self, name};
use crate::Failure;
use crate::console::Console;

/// Block a version everywhere, or mark it as one that no stage goes back past; or take that back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway block payments/api --version 1.4.2 --reason 'it loses orders'
  shipway block payments/api --version 1.4.2 --off
  shipway block payments/api --version 1.5.0 --irreversible --reason 'it drops a column'
                                  stages that had it go back to no older version")]
pub(crate) struct Args {
    /// The application.
    #[arg(value_name = "APPLICATION", value_parser = name)]
    application: String,
    /// The version.
    #[arg(long)]
    version: String,
    /// It may go anywhere, but nothing goes back past it.
    #[arg(long)]
    irreversible: bool,
    /// Take it back.
    #[arg(long)]
    off: bool,
    /// Why, as it is told to whoever waits.
    #[arg(long, value_name = "TEXT", required_unless_present = "off")]
    reason: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let asked = OnOff {
        off: args.off,
        reason: args.reason.clone().unwrap_or_default(),
    };
    let what = if args.irreversible {
        "irreversible"
    } else {
        "block"
    };
    let Args {
        application, version, ..
    } = args;
    let path = format!("/api/v1/applications/{application}/versions/{version}/{what}");
    let done: Done = client.post(&path, &asked)?;
    show::done(console, &done)
}
