//! `shipway get`: what the record of a release holds.

use model::ReleaseName;
use release::print;

use super::connect::ClusterArgs;
use super::{connect, show};
use crate::Failure;
use crate::console::Console;

/// Print what the record of a release holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway get values api --all
  shipway get manifest api --revision 3
  shipway get all api")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Everything.
    All(Of),
    /// The hooks.
    Hooks(Of),
    /// The manifests.
    Manifest(Of),
    /// The chart, the revision, the times.
    Metadata(Of),
    /// The notes.
    Notes(Of),
    /// The values.
    Values(Values),
}

/// Which release.
#[derive(Debug, clap::Args)]
struct Of {
    /// The name of the release.
    name: String,
    /// The revision; the last one unless given.
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u32>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Debug, clap::Args)]
struct Values {
    /// The chart's defaults as well.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    of: Of,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let of = match &args.what {
        What::All(of) | What::Hooks(of) | What::Manifest(of) | What::Metadata(of) | What::Notes(of) => of,
        What::Values(values) => &values.of,
    };
    let name: ReleaseName = of.name.parse()?;
    let session = of.cluster.connect()?;
    let release = session.open(&name, connect::options())?;
    let record = release.revision(of.revision)?;
    let format = show::format(console);
    let text = match &args.what {
        What::All(_) => print::all(record, &show::zone())?,
        What::Hooks(_) => print::hooks(record),
        What::Manifest(_) => print::manifest(record),
        What::Notes(_) => print::notes(record),
        What::Values(values) => print::values(record, values.all, format)?,
        What::Metadata(_) => {
            let labels = match of.revision {
                Some(_) => record.labels.clone(),
                None => release.all_labels(record.revision),
            };
            print::metadata(record, &labels, format, &show::zone())
        }
    };
    console.text(&text)
}
