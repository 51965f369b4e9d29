//! `shipway abort`: stops a promotion, and puts back what was there before.

use api::Reason;
use control::desk::Done;

use super::ServerArgs;
use super::show::{self, name};
use crate::Failure;
use crate::console::Console;

/// Stop a promotion; what was there before is put back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway abort payments/api-1.4.2-production --reason 'the wrong version'")]
pub(crate) struct Args {
    /// The promotion.
    #[arg(value_name = "PROMOTION", value_parser = name)]
    promotion: String,
    /// Why, for the record and for whoever waits.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    // A person in a hurry is asked for nothing.
    let reason = args
        .reason
        .clone()
        .unwrap_or_else(|| "stopped by hand".to_owned());
    let path = format!("/api/v1/promotions/{}/abort", args.promotion);
    let done: Done = client.post(&path, &Reason { reason })?;
    show::done(console, &done)
}
