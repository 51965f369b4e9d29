//! `shipway get`: what the record of a release holds.

use model::ReleaseName;
use release::print::{self, Format};
use release::{Record, values};
use serde::Serialize;
use serde_json::{Value, json};

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

/// Everything, for programs.
#[derive(Serialize)]
struct All<'a, C, H> {
    metadata: Value,
    values: &'a C,
    computed_values: serde_json::Map<String, Value>,
    hooks: &'a H,
    manifest: Vec<Value>,
    notes: &'a str,
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
    let labels = match of.revision {
        Some(_) => record.labels.clone(),
        None => release.all_labels(record.revision),
    };
    let metadata = |format| print::metadata(record, &labels, format, &show::zone());
    let text = match &args.what {
        What::All(_) if format != Format::Table => {
            let all = All {
                metadata: serde_json::from_str(&metadata(Format::Json)).unwrap_or_default(),
                values: &record.config,
                computed_values: values::to_json(&values::all(record)?)?,
                hooks: &record.hooks,
                manifest: manifest(record)?,
                notes: &record.info.notes,
            };
            return console.data(&all, String::new);
        }
        What::Hooks(_) => return console.data(&record.hooks, || print::hooks(record)),
        What::Manifest(_) => return console.data(&manifest(record)?, || print::manifest(record)),
        What::Notes(_) => {
            let notes = json!({"notes": record.info.notes});
            return console.data(&notes, || print::notes(record));
        }
        What::All(_) => print::all(record, &show::zone())?,
        What::Values(given) => print::values(record, given.all, format)?,
        What::Metadata(_) => metadata(format),
    };
    console.text(&text)
}

/// The objects of the manifest, in its order.
fn manifest(record: &Record) -> Result<Vec<Value>, Failure> {
    let objects = manifest::read(&record.manifest)?;
    Ok(objects.into_iter().map(|object| object.value).collect())
}
