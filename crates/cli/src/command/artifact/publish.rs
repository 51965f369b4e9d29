//! `shipway artifact publish`: a chart becomes a version that never changes.

use std::path::PathBuf;

use artifact::{Envelope, Package, Source, Statement};
use serde::Serialize;

use super::store::{self, Problem, StoreArgs};
use crate::Failure;
use crate::command::release::connect::now;
use crate::console::{Console, Verbosity};

/// Publish a chart with a signed statement of where it comes from.
///
/// The same chart again is fine; other content under a version that is published is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact publish ./charts/api --store ./published --key signing.pem
  shipway artifact publish api-1.4.2.tgz --store s3://acme-charts/stable --key signing.pem \\
    --source charts --commit \"$COMMIT\" --path charts/api --author \"$AUTHOR\"
                                     a hub then makes Artifacts of it, for the Applications of that chart")]
pub(crate) struct Args {
    /// The chart: a folder, or an archive that `shipway package` made.
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    /// The private key to sign with.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Who publishes it. Default: the user that runs this.
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// The ChartSource of the hub that it comes from.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    source: String,
    /// The repository's address.
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    repository: String,
    /// The commit.
    #[arg(long, value_name = "COMMIT", default_value = "", hide_default_value = true)]
    commit: String,
    /// The chart's folder in the repository.
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    path: String,
    /// Who wrote the commit.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    author: String,
    /// When the commit was made, as `git log -1 --format=%cI` prints it.
    #[arg(long, value_name = "TIME")]
    committed: Option<jiff::Timestamp>,
}

/// What was published, for a program.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    digest: String,
    location: String,
    already: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let package = package(args, console)?;
    let store = args.store.open()?;
    let key = store::key(&args.key)?;
    let publisher = match &args.publisher {
        Some(name) => name.clone(),
        None => std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned()),
    };
    let mut statement = Statement::about(&package, publisher, now());
    statement.source = Source {
        name: args.source.clone(),
        repository: args.repository.clone(),
        commit: args.commit.clone(),
        path: args.path.trim_matches('/').to_owned(),
        author: args.author.clone(),
        authors: Vec::new(),
        others: false,
        committed: args.committed,
    };
    let envelope = Envelope::sign(&statement, &key);
    let published = store::wait(async { Ok(store.publish(&package, &envelope, now()).await?) })?;
    if let Err(error) = &published.index {
        console.note(
            Verbosity::Normal,
            &format!("published, and not in the index yet: {error}"),
        );
    }
    let row = Row {
        name: package.name().to_string(),
        digest: package.digest.to_string(),
        location: store.location(&package.name()),
        already: published.already,
    };
    console.data(&row, || format!("{}  {}\n", row.name, row.digest))
}

fn package(args: &Args, console: &mut Console) -> Result<Package, Failure> {
    if args.chart.is_file() {
        let bytes = std::fs::read(&args.chart).map_err(|source| Problem::Read {
            path: args.chart.clone(),
            source,
        })?;
        return Ok(Package::read(bytes)?);
    }
    let loaded = chart::load::path(&args.chart)?;
    console.warnings(&loaded.warnings);
    let packed = chart::package::package(&loaded.chart, &chart::package::Overrides::default())?;
    Ok(Package::read(packed.bytes)?)
}
