//! `shipway status`: where a release is.

use cluster::run::Shown;
use model::ReleaseName;
use release::print::{self, Format};
use serde_json::Value;

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
    let mut record = release.revision(args.revision)?.clone();
    let how = match show::format(console) {
        Format::Table => Shown::Tables,
        Format::Json | Format::Yaml => Shown::Objects,
    };
    let live = session.wait(release.shown(&record, how))?;
    let tables = match how {
        Shown::Tables => print::resources(&live),
        Shown::Objects => {
            let live = live
                .into_iter()
                .map(|(title, objects)| (title, Value::Array(objects)));
            record.info.resources = live.collect();
            String::new()
        }
    };
    show::status(&record, &tables, false, console)
}
