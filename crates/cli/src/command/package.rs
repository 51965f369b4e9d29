//! `shipway package`: a chart as an archive, the same bytes every time.

use std::path::PathBuf;

use chart::package::{Overrides, package};
use model::Digest;
use serde::Serialize;

use crate::Failure;
use crate::console::Console;

/// Pack charts into .tgz archives that are the same bytes every time.
#[derive(Debug, clap::Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  shipway package ./charts/api
  shipway package ./charts/* --destination dist
  shipway package ./charts/api --version 1.4.2 --app-version 2026.11.3
  shipway package ./charts/api -o json      the file and its digest, for a program

The same files give the same archive on every machine, so its digest names the chart's content.
Helm installs it, and `.helmignore` is respected."
)]
pub(crate) struct Args {
    /// The charts: folders with a Chart.yaml.
    #[arg(value_name = "CHART", required = true)]
    charts: Vec<PathBuf>,
    /// The folder to write to.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    destination: PathBuf,
    /// Set the chart's version.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Set the chart's appVersion.
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
}

/// One archive that was written.
#[derive(Debug, Serialize)]
struct Row {
    chart: String,
    file: String,
    digest: String,
    bytes: usize,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let overrides = Overrides {
        version: args.version.clone(),
        app_version: args.app_version.clone(),
    };
    let mut rows = Vec::new();
    for chart in &args.charts {
        let loaded = chart::load::path(chart)?;
        console.warnings(&loaded.warnings);
        let packed = package(&loaded.chart, &overrides)?;
        let file = args.destination.join(&packed.file_name);
        std::fs::create_dir_all(&args.destination)
            .and_then(|()| std::fs::write(&file, &packed.bytes))
            .map_err(|error| Failure::output(&error))?;
        rows.push(Row {
            chart: chart.display().to_string(),
            file: file.display().to_string(),
            digest: Digest::from_sha256(packed.sha256()).to_string(),
            bytes: packed.bytes.len(),
        });
    }
    let text = |row: &Row| format!("{}  {}\n", row.file, row.digest);
    console.data(&rows, || rows.iter().map(text).collect())
}
