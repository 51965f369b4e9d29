//! `shipway approve`: shows the plan of a promotion, and agrees to what was shown.

use api::Approve;
use control::desk::{Done, PromotionShown};

use super::show::{self, name};
use super::{ServerArgs, wait::WaitArgs};
use crate::Failure;
use crate::console::{Console, Verbosity};

/// Agree to the plan of a promotion.
///
/// The plan is printed, with its digest, and that digest is agreed to. If it is another one meanwhile, nothing is agreed to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway approve payments/api-1.4.2-production
  shipway approve payments/api-1.4.2-production --show
                                  prints the plan, and agrees to nothing
  shipway approve payments/api-1.4.2-production --plan sha256:4f0c… --wait
                                  agrees to the plan that was looked at before, or to none")]
pub(crate) struct Args {
    /// The promotion.
    #[arg(value_name = "PROMOTION", value_parser = name)]
    promotion: String,
    /// The digest of the plan that you have seen; the one that is shown unless given.
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// Print the plan, and agree to nothing.
    #[arg(long, conflicts_with = "plan")]
    show: bool,
    /// Agree to what it deletes, too.
    #[arg(long)]
    confirm_deletions: bool,
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
    let path = format!("/api/v1/promotions/{}", args.promotion);
    let seen: PromotionShown = client.get(&path)?;
    if args.show {
        return console.data(&seen, || show::promotion(&seen));
    }
    console.note(Verbosity::Normal, show::promotion(&seen).trim_end());
    let approval = Approve {
        plan_digest: args.plan.clone().unwrap_or(seen.plan_digest),
        confirm_deletions: args.confirm_deletions,
        reason: args.reason.clone().unwrap_or_default(),
    };
    let done: Done = client.post(&format!("{path}/approve"), &approval)?;
    args.wait.follow(&client, &done, console)
}
