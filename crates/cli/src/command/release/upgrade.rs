//! `shipway upgrade`: a release gets another chart, or other values.

use std::path::PathBuf;

use cluster::run::{Operation, Options};
use model::ReleaseName;
use release::storage;
use release::values::{self, Reuse};

use super::connect::ClusterArgs;
use super::install::{self, NewArgs};
use super::operate::{DeployArgs, OperateArgs};
use super::rendering::{self, For, RenderArgs};
use crate::Failure;
use crate::command::loading::load;
use crate::console::Console;

/// Upgrade a release to another chart or other values.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway upgrade api ./charts/api --set image.tag=1.4.3 --wait
  shipway upgrade --install api ./charts/api --atomic
  shipway upgrade api ./charts/api --reuse-values --set replicas=5
  shipway diff api ./charts/api -f production.yaml      what it would change

An operation that was killed is gone on with by the same command, or replaced by another one.")]
pub(crate) struct Args {
    /// The name of the release.
    name: String,
    /// The chart: a folder or a .tgz archive.
    chart: PathBuf,
    /// Install it if there is no such release.
    #[arg(short, long)]
    install: bool,
    #[command(flatten)]
    reuse: ReuseArgs,
    #[command(flatten)]
    new: NewArgs,
    #[command(flatten)]
    operate: OperateArgs,
    #[command(flatten)]
    deploy: DeployArgs,
    #[command(flatten)]
    render: RenderArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What becomes of the values of the revision that serves.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ReuseArgs {
    /// Begin with the chart's values, whatever was given before.
    #[arg(long, conflicts_with_all = ["reuse_values", "reset_then_reuse_values"])]
    reset_values: bool,
    /// Begin with the values of the last revision, the old chart's defaults among them.
    #[arg(long, conflicts_with = "reset_then_reuse_values")]
    reuse_values: bool,
    /// Begin with the chart's values, then those that were given before.
    #[arg(long)]
    reset_then_reuse_values: bool,
}

impl ReuseArgs {
    pub(crate) fn how(self) -> Reuse {
        match self {
            Self {
                reset_values: true, ..
            } => Reuse::Reset,
            Self {
                reuse_values: true, ..
            } => Reuse::Keep,
            Self {
                reset_then_reuse_values: true,
                ..
            } => Reuse::ResetThenKeep,
            _ => Reuse::WhenNoneAreGiven,
        }
    }
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let name: ReleaseName = args.name.parse()?;
    let session = args.cluster.connect()?;
    let loaded = load(&args.chart, console)?;
    let options = args.new.add_to(args.deploy.add_to(args.operate.options()));
    let mut release = session.open(&name, options.clone())?;
    if !args.new.is_dry_run() {
        // The values that are kept are those of the revision that the other run makes, not those from before it.
        session.perform(console, ("upgrade", &mut release), async |release| {
            release.until_free().await
        })?;
    }
    if args.install && (release.is_gone() || release.is_unborn()) {
        let options = Options {
            replace: true,
            ..options
        };
        return install::install(
            &session,
            (&name, &loaded),
            options,
            (&args.render, &args.new),
            console,
        );
    }
    let current = release.current()?;
    let chosen = values::choose(args.reuse.how(), current, args.render.values.compose()?)?;
    let labels = storage::merge_labels(current, &args.new.labels()?)?;
    let target = For {
        name: &name,
        revision: release.history().next_revision()?,
        is_upgrade: true,
    };
    let made = rendering::render(&session, &args.render, &loaded, (chosen, &target), console)?;
    let mut wanted = release.wanted(Operation::Upgrade, made.contents)?;
    args.new.name(&mut wanted, labels);
    install::deploy(&session, &mut release, ("upgrade", wanted, &args.new), console)
}
