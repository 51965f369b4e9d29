//! `shipway rollback`: a release becomes what an earlier revision was; or an application goes back in a stage.

use model::ReleaseName;

use super::connect::ClusterArgs;
use super::operate::{DeployArgs, OperateArgs};
use super::show;
use crate::Failure;
use crate::command::delivery::rollback as application;
use crate::console::Console;

/// Roll a release back to an earlier revision; with --stage, an application to what the stage had before.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway rollback api            to the revision before the last one
  shipway rollback api 3 --wait
  shipway rollback api 3 --dry-run
  shipway rollback payments/api --stage production --reason 'it loses orders'")]
pub(crate) struct Args {
    /// The name of the release; with --stage, the application, as `payments/api`.
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
    application: application::BackArgs,
    #[command(flatten)]
    operate: OperateArgs,
    #[command(flatten)]
    deploy: DeployArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    if args.application.stage.is_some() {
        return application::run(&args.name, &args.application, &args.operate.follows(), console);
    }
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
