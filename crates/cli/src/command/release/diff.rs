//! `shipway diff`: what an upgrade would change against what is live.

use std::path::PathBuf;

use cluster::run::Operation;
use model::{ReleaseName, Revision};
use release::values;

use super::connect::ClusterArgs;
use super::rendering::{self, For, RenderArgs};
use super::upgrade::ReuseArgs;
use super::{connect, show};
use crate::command::loading::load;
use crate::console::Console;
use crate::{Failure, Outcome};

/// Print what an install or an upgrade would change against what is live, field by field.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway diff api ./charts/api -f production.yaml
  shipway diff api ./charts/api -o json --exit-code     3 when something would change

The API server computes what would come of each object (a server-side dry run); values of Secrets are masked.")]
pub(crate) struct Args {
    /// The name of the release.
    name: String,
    /// The chart: a folder or a .tgz archive.
    chart: PathBuf,
    /// Exit with 3 when something would change.
    #[arg(long)]
    exit_code: bool,
    /// Show what taking over objects of others would change.
    #[arg(long)]
    take_ownership: bool,
    #[command(flatten)]
    reuse: ReuseArgs,
    #[command(flatten)]
    render: RenderArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let name: ReleaseName = args.name.parse()?;
    let session = args.cluster.connect()?;
    let loaded = load(&args.chart, console)?;
    let options = cluster::run::Options {
        take_ownership: args.take_ownership,
        ..connect::options()
    };
    let release = session.open(&name, options)?;
    let given = args.render.values.compose()?;
    let (operation, chosen) = match release.is_gone() || release.is_unborn() {
        true => (Operation::Install, given.into()),
        false => {
            let current = release.current()?;
            (
                Operation::Upgrade,
                values::choose(args.reuse.how(), current, given)?,
            )
        }
    };
    let target = For {
        name: &name,
        revision: match operation {
            Operation::Install => Revision::FIRST,
            _ => release.history().next_revision()?,
        },
        is_upgrade: operation == Operation::Upgrade,
    };
    let made = rendering::render(&session, &args.render, &loaded, (chosen, &target), console)?;
    let mut wanted = release.wanted(operation, made.contents)?;
    // As in helm, an upgrade leaves them alone.
    if operation == Operation::Install {
        wanted.crds = made.crds;
    }
    let preview = session.look(console, release.preview(&wanted))?;
    show::preview((operation.as_str(), &wanted), &preview, console)?;
    Ok(match args.exit_code && !preview.objects.is_empty() {
        true => Outcome::Findings,
        false => Outcome::Done,
    })
}
