//! `shipway reject`: says no to a promotion, until the same person approves it.

use api::Reason;
use control::desk::Done;

use super::ServerArgs;
use super::show::{self, name};
use crate::Failure;
use crate::console::Console;

/// Reject a promotion, until you approve it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway reject payments/api-1.4.2-production --reason 'not before the audit'")]
pub(crate) struct Args {
    /// The promotion.
    #[arg(value_name = "PROMOTION", value_parser = name)]
    promotion: String,
    /// Why, for the record and for whoever waits.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let reason = args.reason.clone();
    let path = format!("/api/v1/promotions/{}/reject", args.promotion);
    let done: Done = client.post(&path, &Reason { reason })?;
    show::done(console, &done)
}
