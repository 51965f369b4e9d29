//! `shipway rollback`: a release becomes what an earlier revision was.

use model::ReleaseName;

use super::connect::ClusterArgs;
use super::operate::{DeployArgs, OperateArgs};
use super::show;
use crate::Failure;
use crate::console::Console;

/// Roll a release back to an earlier revision.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway rollback api            to the revision before the last one
  shipway rollback api 3 --wait
  shipway rollback api 3 --dry-run")]
pub(crate) struct Args {
    /// The name of the release.
    name: String,
    /// The revision; the one before the last if it is left out or 0.
    revision: Option<u32>,
    /// Print what would change, field by field, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not print the notes.
    #[arg(long)]
    hide_notes: bool,
    #[command(flatten)]
    operate: OperateArgs,
    #[command(flatten)]
    deploy: DeployArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let name: ReleaseName = args.name.parse()?;
    let session = args.cluster.connect()?;
    let mut release = session.open(&name, args.deploy.add_to(args.operate.options()))?;
    if !args.dry_run {
        // The revision before the last is another one when a run that is at work has ended.
        session.perform(console, ("rollback", &mut release), async |release| {
            release.until_free().await
        })?;
    }
    let wanted = release.wanted_back(args.revision.filter(|revision| *revision > 0))?;
    if args.dry_run {
        let preview = session.look(console, release.preview(&wanted))?;
        return show::preview(("rollback", &wanted), &preview, console);
    }
    let record = session.perform(console, ("rollback", &mut release), async |release| {
        release.deploy(wanted).await
    })?;
    show::status(&record, "", args.hide_notes, console)
}
