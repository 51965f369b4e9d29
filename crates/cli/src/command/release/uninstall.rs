//! `shipway uninstall`: a release and its objects go.

use std::time::Duration;

use cluster::run::Options;
use model::ReleaseName;

use super::connect::ClusterArgs;
use super::operate::OperateArgs;
use crate::Failure;
use crate::console::Console;

/// Uninstall releases.
#[derive(Debug, clap::Args)]
#[command(
    visible_aliases = ["delete", "del", "un"],
    after_help = "\
Examples:
  shipway uninstall api --wait
  shipway uninstall api --keep-history      `rollback` brings it back
  shipway uninstall api --dry-run           what would be deleted"
)]
pub(crate) struct Args {
    /// The names of the releases.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Keep the records.
    #[arg(long)]
    keep_history: bool,
    /// Print what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// It is no error when there is no such release.
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    operate: OperateArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let names: Vec<ReleaseName> = args
        .names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?;
    let session = args.cluster.connect()?;
    for name in &names {
        let options = args.operate.options();
        let options = Options {
            wait: options.wait.map(|_| Duration::ZERO),
            ..options
        };
        let mut release = session.open(name, options)?;
        if release.history().last().is_none() && args.ignore_not_found {
            continue;
        }
        if args.dry_run {
            let plan = session.wait(release.preview_uninstall())?;
            for prune in &plan.prune {
                console.text(&format!("delete {}\n", prune.key))?;
            }
            for key in &plan.kept {
                console.text(&format!("keep {key}\n"))?;
            }
            continue;
        }
        let done = session.watch(console, async |watching| {
            release.watched_by(watching);
            release.uninstall(args.keep_history).await
        })?;
        if !done.kept.is_empty() {
            console.text("These resources were kept due to the resource policy:\n")?;
            for key in &done.kept {
                console.text(&format!("[{}] {}\n", key.kind.name, key.name))?;
            }
            console.text("\n")?;
        }
        console.text(&format!("release \"{name}\" uninstalled\n"))?;
    }
    Ok(())
}
