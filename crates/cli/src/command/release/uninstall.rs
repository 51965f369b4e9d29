//! `shipway uninstall`: a release and its objects go.

use std::time::Duration;

use cluster::run::Options;
use model::ReleaseName;
use serde::Serialize;

use super::connect::ClusterArgs;
use super::operate::OperateArgs;
use super::show::ObjectName;
use crate::Failure;
use crate::args::Format;
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

/// A release that went, for programs.
#[derive(Debug, Serialize)]
struct Removed {
    name: String,
    namespace: String,
    dry_run: bool,
    deleted: Vec<ObjectName>,
    kept: Vec<ObjectName>,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let names: Vec<ReleaseName> = args
        .names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?;
    let session = args.cluster.connect()?;
    let mut removed = Vec::with_capacity(names.len());
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
        let (gone, kept) = match args.dry_run {
            true => {
                let plan = session.wait(release.preview_uninstall())?;
                (plan.prune.into_iter().map(|prune| prune.key).collect(), plan.kept)
            }
            false => {
                let done = session.perform(console, ("uninstall", &mut release), async |release| {
                    release.uninstall(args.keep_history).await
                })?;
                (done.gone, done.kept)
            }
        };
        let one = Removed {
            name: name.as_str().to_owned(),
            namespace: session.namespace.clone(),
            dry_run: args.dry_run,
            deleted: gone.iter().map(ObjectName::of).collect(),
            kept: kept.iter().map(ObjectName::of).collect(),
        };
        // What is done is said before the next one is begun, which may fail.
        if console.format() == Format::Table {
            console.text(&one.text())?;
        }
        removed.push(one);
    }
    console.data(&removed, String::new)
}

impl Removed {
    fn text(&self) -> String {
        let mut text = String::new();
        if self.dry_run {
            for object in &self.deleted {
                text.push_str(&format!("delete {object}\n"));
            }
            for object in &self.kept {
                text.push_str(&format!("keep {object}\n"));
            }
            return text;
        }
        for object in &self.kept {
            text.push_str(&format!("kept {object}\n"));
        }
        text.push_str(&format!("release \"{}\" uninstalled\n", self.name));
        text
    }
}
