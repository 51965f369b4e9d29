//! `shipway hold`: an application stays as it is in a stage, until somebody lets go.

use api::OnOff;
use control::desk::Done;

use super::ServerArgs;
use super::show::{self, name};
use crate::Failure;
use crate::console::Console;

/// Hold an application as it is in a stage, or let it go.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway hold payments/api --stage production --reason 'an incident'
  shipway hold payments/api --stage production --off")]
pub(crate) struct Args {
    /// The application.
    #[arg(value_name = "APPLICATION", value_parser = name)]
    application: String,
    /// The stage.
    #[arg(long)]
    stage: String,
    /// Let it go.
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
    let path = format!(
        "/api/v1/applications/{}/stages/{}/hold",
        args.application, args.stage
    );
    let done: Done = client.post(&path, &asked)?;
    show::done(console, &done)
}
