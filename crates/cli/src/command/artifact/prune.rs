//! `shipway artifact prune`: old versions go, for stores that no controller looks after.

use std::num::NonZeroUsize;

use artifact::retain::{self, Needed, Rules};
use jiff::SignedDuration;
use model::Digest;
use serde::Serialize;

use super::store::{self, StoreArgs};
use crate::Failure;
use crate::command::release::connect::now;
use crate::console::{Console, Verbosity};

/// Delete old versions. The newest of each chart and what is young always stay.
///
/// The name of a version that was deleted is never given to other content.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact prune --store ./published              what would go, and nothing does
  shipway artifact prune --store ./published --yes
  shipway artifact prune --store ./published --needed sha256:… --newest 30")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// How many of each chart stay, by the time they were published.
    #[arg(long, value_name = "COUNT", default_value = "10")]
    newest: NonZeroUsize,
    /// What is younger stays, in days.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    younger_than: u32,
    /// The digest of a package that somebody needs; may be repeated.
    #[arg(long, value_name = "DIGEST")]
    needed: Vec<Digest>,
    /// Delete them.
    #[arg(long)]
    yes: bool,
}

/// What goes, for a program.
#[derive(Debug, Serialize)]
struct Gone {
    versions: Vec<String>,
    evidence: usize,
    halves: usize,
    deleted: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let store = args.store.open()?;
    let rules = Rules {
        newest: args.newest,
        younger_than: SignedDuration::from_hours(i64::from(args.younger_than) * 24),
    };
    let needed = Needed {
        packages: args.needed.iter().copied().collect(),
        ..Needed::default()
    };
    let plan = store::wait(async {
        let swept = store.sweep().await?;
        let plan = retain::plan(&swept.stored, &needed, &rules, now());
        if args.yes {
            store.remove(&plan).await?;
        }
        Ok(plan)
    })?;
    let gone = Gone {
        versions: plan.versions.iter().map(ToString::to_string).collect(),
        evidence: plan.evidence.len(),
        halves: plan.halves.len(),
        deleted: args.yes,
    };
    console.data(&gone, || {
        gone.versions.iter().map(|name| format!("{name}\n")).collect()
    })?;
    let what = if args.yes {
        "deleted"
    } else {
        "would go; --yes deletes them"
    };
    let counted = format!(
        "{} versions, {} pieces of evidence and {} halves {what}",
        gone.versions.len(),
        gone.evidence,
        gone.halves
    );
    console.note(Verbosity::Normal, &counted);
    Ok(())
}
