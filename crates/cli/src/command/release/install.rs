//! `shipway install`: a chart becomes a release.

use std::collections::BTreeMap;

use chart::Chart;
use cluster::run::{Operation, Options, Wanted};
use model::{Code, Diagnose, ReleaseName, Revision};

use super::connect::ClusterArgs;
use super::operate::{DeployArgs, OperateArgs};
use super::rendering::{self, For, RenderArgs};
use super::{Session, show};
use crate::Failure;
use crate::command::host::host;
use crate::command::loading::{NameArgs, load};
use crate::console::Console;

/// Install a chart.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "shipway install [OPTIONS] <NAME> <CHART>\n       shipway install [OPTIONS] --generate-name <CHART>",
    after_help = "\
Examples:
  shipway install api ./charts/api --wait
  shipway install api ./charts/api -n payments --create-namespace -f staging.yaml
  shipway install api ./charts/api --atomic --timeout 2m
  shipway install api ./charts/api --dry-run            what would be created, field by field

The record is Helm's: helm list, history, upgrade, rollback and uninstall go on with it, and shipway with theirs."
)]
pub(crate) struct Args {
    #[command(flatten)]
    name: NameArgs,
    /// Take the name of a release that failed or was uninstalled with its history kept.
    #[arg(long)]
    replace: bool,
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

/// What a revision that is made from a chart may have, installed or upgraded.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Make the namespace if it is not there.
    #[arg(long)]
    pub(crate) create_namespace: bool,
    /// Adopt objects that exist and are not the release's.
    #[arg(long)]
    pub(crate) take_ownership: bool,
    /// Labels of the record, which `list --selector` selects by.
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
    /// What `history` says of the revision.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Print what would change, field by field, and change nothing.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "WHERE",
        hide_possible_values = true, value_parser = ["server", "true", "none", "false"])]
    pub(crate) dry_run: Option<String>,
    /// Do not print the notes.
    #[arg(long)]
    pub(crate) hide_notes: bool,
}

/// What the command line asks for can't be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("a name is needed")]
    NoName,
    #[error("--labels {0:?} is not KEY=VALUE")]
    Label(String),
}

impl Diagnose for Wrong {
    fn code(&self) -> Code {
        Code::USAGE
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoName => "shipway install NAME CHART, or --generate-name",
            Self::Label(_) => "write team=payments,tier=web",
        };
        Some(hint.to_owned())
    }
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let (name, path) = args.name.name_and_chart(&host(None))?;
    let name: ReleaseName = name.ok_or(Wrong::NoName)?.parse()?;
    let session = args.cluster.connect()?;
    let loaded = load(&path, console)?;
    let options = Options {
        replace: args.replace,
        ..args.new.add_to(args.deploy.add_to(args.operate.options()))
    };
    install(
        &session,
        (&name, &loaded),
        options,
        (&args.render, &args.new),
        console,
    )
}

/// Installs a chart that was loaded, under this name.
pub(crate) fn install(
    session: &Session,
    (name, loaded): (&ReleaseName, &Chart),
    options: Options,
    (render, new): (&RenderArgs, &NewArgs),
    console: &mut Console,
) -> Result<(), Failure> {
    let given = render.values.compose()?;
    let labels = new.labels()?;
    release::storage::check_labels(name.as_str(), &labels)?;
    let mut release = session.open(name, options)?;
    let target = For {
        name,
        // As Helm renders it, also when the history of an earlier one goes on.
        revision: Revision::FIRST,
        is_upgrade: false,
    };
    let made = rendering::render(session, render, loaded, (given.into(), &target), console)?;
    let mut wanted = release.wanted(Operation::Install, made.contents)?;
    wanted.crds = made.crds;
    new.name(&mut wanted, labels);
    deploy(session, &mut release, ("install", wanted, new), console)
}

/// Deploys what is wanted, or shows what that would change.
pub(crate) fn deploy(
    session: &Session,
    release: &mut cluster::run::Release,
    (operation, wanted, new): (&'static str, Wanted, &NewArgs),
    console: &mut Console,
) -> Result<(), Failure> {
    if new.is_dry_run() {
        let preview = session.look(console, release.preview(&wanted))?;
        return show::preview((operation, &wanted), &preview, console);
    }
    let record = session.perform(console, (operation, release), async |release| {
        release.deploy(wanted).await
    })?;
    show::status(&record, "", new.hide_notes, console)
}

impl NewArgs {
    pub(crate) fn add_to(&self, options: Options) -> Options {
        Options {
            create_namespace: self.create_namespace,
            take_ownership: self.take_ownership,
            ..options
        }
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
            .as_deref()
            .is_some_and(|how| matches!(how, "server" | "true"))
    }

    pub(crate) fn labels(&self) -> Result<BTreeMap<String, String>, Wrong> {
        let pairs = self.labels.iter().map(|text| {
            let (key, value) = text.split_once('=').ok_or_else(|| Wrong::Label(text.clone()))?;
            Ok((key.to_owned(), value.to_owned()))
        });
        pairs.collect()
    }

    /// Adds labels and a description to what is wanted.
    pub(crate) fn name(&self, wanted: &mut Wanted, labels: BTreeMap<String, String>) {
        wanted.record.labels = labels;
        wanted.description.clone_from(&self.description);
    }
}
