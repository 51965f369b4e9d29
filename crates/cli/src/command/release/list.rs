//! `shipway list`: the releases of a namespace, or of all.

use chart::regex::Regex;
use cluster::run::Releases;
use model::{Code, Diagnose};
use release::Status;
use release::print::{self, ListStyle, Order, Selection};

use super::connect::ClusterArgs;
use super::{connect, show};
use crate::Failure;
use crate::console::{Console, Verbosity};

/// List releases.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "ls",
    after_help = "\
Examples:
  shipway list -A
  shipway list --failed --pending
  shipway list -n payments --filter '^api'"
)]
pub(crate) struct Args {
    /// All namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// A regular expression that names must match.
    #[arg(short, long, value_name = "REGEX")]
    filter: Option<String>,
    /// A selector of the records' labels.
    #[arg(short = 'l', long, value_name = "SELECTOR", default_value = "")]
    selector: String,
    #[command(flatten)]
    statuses: Statuses,
    /// Sort by the time of the last revision.
    #[arg(short = 'd', long)]
    date: bool,
    /// Sort the other way round.
    #[arg(short, long)]
    reverse: bool,
    /// The most releases that are printed; 0 for all.
    #[arg(short, long, value_name = "NUMBER", default_value_t = 256)]
    max: usize,
    /// How many releases are left out before.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    offset: usize,
    /// Print names only.
    #[arg(long, visible_alias = "short-names")]
    short: bool,
    /// Print no header.
    #[arg(long)]
    no_headers: bool,
    /// How times are printed, as a Go layout.
    #[arg(long, value_name = "LAYOUT")]
    time_format: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Which statuses; every one of them unless one is named.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Statuses")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of helm's")]
struct Statuses {
    /// Every status, which is what is shown unless one is named.
    #[arg(short, long)]
    all: bool,
    /// Deployed ones.
    #[arg(long)]
    deployed: bool,
    /// Failed ones.
    #[arg(long)]
    failed: bool,
    /// Those with an operation under way, or interrupted.
    #[arg(long)]
    pending: bool,
    /// Superseded ones.
    #[arg(long)]
    superseded: bool,
    /// Uninstalled ones whose history was kept.
    #[arg(long)]
    uninstalled: bool,
    /// Those that are being uninstalled.
    #[arg(long)]
    uninstalling: bool,
}

impl Statuses {
    fn wanted(self) -> Vec<Status> {
        let Self {
            all,
            deployed,
            failed,
            pending,
            superseded,
            uninstalled,
            uninstalling,
        } = self;
        if all {
            return Vec::new();
        }
        let pendings = [
            Status::PendingInstall,
            Status::PendingUpgrade,
            Status::PendingRollback,
        ];
        let groups: [(bool, &[Status]); 6] = [
            (deployed, &[Status::Deployed]),
            (failed, &[Status::Failed]),
            (pending, &pendings),
            (superseded, &[Status::Superseded]),
            (uninstalled, &[Status::Uninstalled]),
            (uninstalling, &[Status::Uninstalling]),
        ];
        let named = groups.into_iter().filter(|(is_named, _)| *is_named);
        named.flat_map(|(_, statuses)| statuses.to_vec()).collect()
    }
}

/// A filter that is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("--filter {text:?} is no regular expression: {problem}")]
struct NoPattern {
    text: String,
    problem: String,
}

impl Diagnose for NoPattern {
    fn code(&self) -> Code {
        Code::USAGE
    }
}

fn pattern(text: &str) -> Result<Regex, NoPattern> {
    Regex::new(text.as_bytes()).map_err(|error| NoPattern {
        text: text.to_owned(),
        problem: error.to_string(),
    })
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let pattern = args.filter.as_deref().map(pattern).transpose()?;
    let session = args.cluster.connect()?;
    let place = (!args.all_namespaces).then_some(session.namespace.as_str());
    let driver = connect::options().driver;
    let mut releases = session.wait(Releases::read(&session.cluster, place, driver, &args.selector))?;
    for unreadable in &releases.unreadable {
        console.note(Verbosity::Normal, unreadable);
    }
    if let Some(pattern) = &pattern {
        releases
            .records
            .retain(|record| pattern.is_match(record.name.as_bytes()));
    }
    let selection = Selection {
        statuses: args.statuses.wanted(),
        order: if args.date { Order::Date } else { Order::Name },
        reverse: args.reverse,
        offset: args.offset,
        max: args.max,
    };
    let chosen = print::select(&releases.records, &selection);
    let format = show::format(console);
    let text = match args.short {
        true => print::names(&chosen, format),
        false => print::list(
            &chosen,
            &ListStyle {
                format,
                no_headers: args.no_headers,
                time_format: args.time_format.as_deref(),
                zone: &show::zone(),
            },
        ),
    };
    console.text(&text)
}
