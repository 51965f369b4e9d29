//! `shipway retry`: asks once more for what did not succeed.

use api::Reason;
use control::desk::Done;

use super::show::name;
use super::{ServerArgs, wait::WaitArgs};
use crate::Failure;
use crate::console::Console;

/// Ask once more for a promotion that did not succeed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway retry payments/api-1.4.2-production
  shipway retry payments/api-1.4.2-production --reason 'the database is back' --wait")]
pub(crate) struct Args {
    /// The promotion.
    #[arg(value_name = "PROMOTION", value_parser = name)]
    promotion: String,
    /// Why, for the record and for whoever waits.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let reason = args.reason.clone().unwrap_or_default();
    let path = format!("/api/v1/promotions/{}/retry", args.promotion);
    let done: Done = client.post(&path, &Reason { reason })?;
    args.wait.follow(&client, &done, console)
}
