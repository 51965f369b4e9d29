//! `shipway status`: where a release is.

use model::ReleaseName;

use super::connect::ClusterArgs;
use super::{connect, show};
use crate::Failure;
use crate::console::Console;

/// Print where a release is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway status api
  shipway status api --revision 3 -o json")]
pub(crate) struct Args {
    /// The name of the release.
    name: String,
    /// The revision; the last one unless given.
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u32>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let name: ReleaseName = args.name.parse()?;
    let session = args.cluster.connect()?;
    let release = session.open(&name, connect::options())?;
    show::status(release.revision(args.revision)?, false, console)
}
