//! `shipway artifact list`: what is published.

use serde::Serialize;

use super::store::{self, StoreArgs};
use crate::Failure;
use crate::console::{Column, Console, Table, Verbosity};

/// List the published versions, as their statements say it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact list --store ./published
  shipway artifact list --store s3://acme-charts/stable -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

/// A version, for a program.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    version: String,
    digest: String,
    published: String,
    publisher: String,
    source: String,
    commit: String,
    levels: Vec<String>,
}

const COLUMNS: &[Column<Row>] = &[
    Column::new("NAME", |row| row.name.clone()),
    Column::new("VERSION", |row| row.version.clone()),
    Column::new("PUBLISHED", |row| row.published.clone()),
    Column::new("PASSED", |row| row.levels.join(" ")),
    Column::new("COMMIT", |row| {
        row.commit.get(..12).unwrap_or(&row.commit).to_owned()
    }),
    Column::new("DIGEST", |row| row.digest.clone()),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let store = args.store.open()?;
    let listed = store::wait(async {
        let names = store.names().await?;
        Ok(store.list(names).await?)
    })?;
    let mut rows = Vec::new();
    for (name, statement) in listed {
        match statement {
            Ok(statement) => rows.push(Row {
                name: statement.chart.to_string(),
                version: statement.version.to_string(),
                digest: statement.digest.to_string(),
                published: statement.time.to_string(),
                publisher: statement.publisher,
                source: statement.source.name,
                commit: statement.source.commit,
                levels: statement
                    .verification
                    .map(|verified| verified.levels)
                    .unwrap_or_default(),
            }),
            Err(error) => console.note(Verbosity::Normal, &format!("{name} can't be read: {error}")),
        }
    }
    rows.sort_by(|a, b| (&a.name, &a.published).cmp(&(&b.name, &b.published)));
    console.data(&rows, || Table::of(&rows, COLUMNS).to_string())
}
