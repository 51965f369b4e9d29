//! `shipway approve`: shows the plan of a promotion, and agrees to what was shown.

use api::Approve;
use control::desk::{Done, PromotionShown};
use model::{Code, Diagnose};

use super::show::{self, name};
use super::{ServerArgs, wait::WaitArgs};
use crate::Failure;
use crate::console::{Console, Verbosity};

/// Agree to the plan of a promotion.
///
/// The plan is printed, with its digest, and on a terminal it is asked whether to agree to it. Elsewhere the digest of a
/// plan that was looked at before is given. If the plan is another one meanwhile, nothing is agreed to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway approve payments/api-1.4.2-production
  shipway approve payments/api-1.4.2-production --show
                                  prints the plan, and agrees to nothing
  shipway approve payments/api-1.4.2-production --plan sha256:4f0c… --wait
                                  agrees to the plan that was looked at before, or to none
  shipway approve payments/api-1.4.2-production --yes
                                  agrees to whatever it is now")]
pub(crate) struct Args {
    /// The promotion.
    #[arg(value_name = "PROMOTION", value_parser = name)]
    promotion: String,
    /// The digest of the plan that you have seen: nothing is asked then.
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// Agree to the plan as it is now, unseen.
    #[arg(long, conflicts_with_all = ["plan", "show"])]
    yes: bool,
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

/// A plan that nobody can have seen.
#[derive(Debug, thiserror::Error)]
#[error("a plan is agreed to by whoever has seen it, and nobody can be asked here")]
struct Unseen {
    name: String,
    digest: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let path = format!("/api/v1/promotions/{}", args.promotion);
    let seen: PromotionShown = client.get(&path)?;
    if args.show {
        return console.data(&seen, || show::promotion(&seen));
    }
    if args.plan.is_none() {
        console.note(Verbosity::Normal, show::promotion(&seen).trim_end());
    }
    // Without a plan there is nothing to see, and the server says why.
    if args.plan.is_none() && !args.yes && !seen.plan_digest.is_empty() {
        match console.ask("Agree to this plan?") {
            Some(true) => {}
            Some(false) => {
                console.note(Verbosity::Normal, "nothing was agreed to");
                return Ok(());
            }
            None => {
                let (name, digest) = (seen.name, seen.plan_digest);
                return Err(Unseen { name, digest }.into());
            }
        }
    }
    let approval = Approve {
        plan_digest: args.plan.clone().unwrap_or(seen.plan_digest),
        confirm_deletions: args.confirm_deletions,
        reason: args.reason.clone().unwrap_or_default(),
    };
    let done: Done = client.post(&format!("{path}/approve"), &approval)?;
    args.wait.follow(&client, &done, console)
}

impl Diagnose for Unseen {
    fn code(&self) -> Code {
        Code::USAGE
    }

    fn hint(&self) -> Option<String> {
        let Self { name, digest } = self;
        Some(format!(
            "look at it with `shipway approve {name} --show`, then `shipway approve {name} --plan {digest}`"
        ))
    }
}
