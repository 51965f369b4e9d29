//! `shipway promote`: a version into a stage, or a promotion through a freeze.

use api::{AskPromotion, Reason};
use control::desk::Done;

use super::show::{self, name};
use super::{ServerArgs, wait::WaitArgs};
use crate::Failure;
use crate::console::Console;

/// Ask for a version of an application in a stage, or let a promotion through a freeze.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway promote payments/api --to production
                                  the newest version that was in the stage before
  shipway promote payments/api --version 1.4.2 --to production --wait
  shipway promote payments/api-1.4.2-production --override-freeze --reason 'a hole in the wall'")]
pub(crate) struct Args {
    /// The application, as `payments/api`; with --override-freeze alone, the promotion.
    #[arg(value_name = "APPLICATION|PROMOTION", value_parser = name)]
    what: String,
    /// The stage.
    #[arg(
        long = "to",
        value_name = "STAGE",
        required_unless_present = "override_freeze"
    )]
    stage: Option<String>,
    /// The version; the newest that may come unless given.
    #[arg(long, requires = "stage")]
    version: Option<String>,
    /// Let it through the freezes that are on.
    #[arg(long, requires = "reason")]
    override_freeze: bool,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let what = &args.what;
    let reason = args.reason.clone().unwrap_or_default();
    let done: Done = match &args.stage {
        Some(stage) => {
            let asked = AskPromotion {
                stage: stage.clone(),
                version: args.version.clone(),
                override_freeze: args.override_freeze,
                reason,
            };
            client.post(&format!("/api/v1/applications/{what}/promote"), &asked)?
        }
        None => client.post(&format!("/api/v1/promotions/{what}/override"), &Reason { reason })?,
    };
    match args.stage {
        Some(_) => args.wait.follow(&client, &done, console),
        None => show::done(console, &done),
    }
}
