//! `shipway status`: where a release is; or, without its name, the board of applications by stages.

use cluster::run::Shown;
use model::ReleaseName;
use release::print::{self, Format};
use serde_json::Value;

use super::connect::ClusterArgs;
use super::{connect, show};
use crate::Failure;
use crate::command::delivery::status as board;
use crate::console::Console;

/// Print the board: applications by stages, and why something is not there yet. With a release's name, where that is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway status                  what is where, of what you may see
  shipway status --watch
  shipway status payments/api     one application
  shipway status api              a release in a cluster
  shipway status api --revision 3 -o json")]
pub(crate) struct Args {
    /// An application, as `payments/api`, or a release in a cluster; without it, the whole board.
    name: Option<String>,
    /// The revision; the last one unless given.
    #[arg(long, value_name = "NUMBER", requires = "name")]
    revision: Option<u32>,
    #[command(flatten)]
    board: board::BoardArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    if board::is_asked(args.name.as_deref()) {
        return board::run(args.name.as_deref(), &args.board, console);
    }
    let name: ReleaseName = args.name.as_deref().unwrap_or_default().parse()?;
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
