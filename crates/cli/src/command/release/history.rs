//! `shipway history`: the revisions of a release.

use model::ReleaseName;
use release::print;

use super::connect::ClusterArgs;
use super::{connect, show};
use crate::Failure;
use crate::console::Console;

/// Print the revisions of a release.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "hist",
    after_help = "\
Examples:
  shipway history api
  shipway history api --max 3 -o json"
)]
pub(crate) struct Args {
    /// The name of the release.
    name: String,
    /// The most revisions that are printed.
    #[arg(long, value_name = "NUMBER", default_value_t = 256)]
    max: usize,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let name: ReleaseName = args.name.parse()?;
    let session = args.cluster.connect()?;
    let release = session.open(&name, connect::options())?;
    release.revision(None)?;
    let text = print::history(release.history(), args.max, show::format(console), &show::zone());
    console.text(&text)
}
