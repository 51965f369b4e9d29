//! `shipway artifact get`: a package, if what is said of it holds.

use std::path::PathBuf;

use artifact::Name;
use serde_json::json;

use super::store::{self, Problem, StoreArgs, write};
use crate::Failure;
use crate::console::Console;

/// Fetch a version, and hold it against its statement.
///
/// The statement has to be signed by one of the keys, and the package has to have the digest that it states.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact get api-1.4.2 --store ./published --trust signing.pub
  shipway artifact get api-1.4.2 --store ./published --trust signing.pub -d dist -o json
                                       the whole statement: commit, author, verification")]
pub(crate) struct Args {
    /// NAME-VERSION, as `list` prints both.
    #[arg(value_name = "VERSION")]
    name: String,
    #[command(flatten)]
    store: StoreArgs,
    /// A public key whose statements count; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<PathBuf>,
    /// The folder to write the package to.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    destination: PathBuf,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let name = Name::parse(&args.name).ok_or_else(|| Problem::Name {
        text: args.name.clone(),
    })?;
    let store = args.store.open()?;
    let trusted = store::trust(&args.trust)?;
    let (statement, package) = store::wait(async {
        let statement = store.statement(&name, &trusted).await?;
        let package = store.package(&statement).await?;
        Ok((statement, package))
    })?;
    let file = args.destination.join(name.file());
    std::fs::create_dir_all(&args.destination)
        .and_then(|()| std::fs::write(&file, &package.bytes))
        .map_err(|source| write(&file, source))?;
    let source = &statement.source;
    let verification = statement.verification.as_ref().map(|verified| {
        let evidence = verified.evidence.map(|digest| digest.to_string());
        json!({"name": verified.name, "levels": verified.levels, "evidence": evidence})
    });
    let row = json!({
        "file": file,
        "digest": statement.digest.to_string(),
        "publisher": statement.publisher,
        "published": statement.time.to_string(),
        "source": {
            "name": source.name,
            "repository": source.repository,
            "commit": source.commit,
            "path": source.path,
            "author": source.author,
        },
        "verification": verification,
    });
    console.data(&row, || format!("{}  {}\n", file.display(), statement.digest))
}
