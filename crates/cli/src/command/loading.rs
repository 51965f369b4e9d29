//! The chart and the release's name as a command line gives them: `NAME CHART`, or a name that is made.

use std::path::{Path, PathBuf};

use chart::Chart;
use chart::functions::Host;
use chart::render;
use model::{Code, Diagnose};

use crate::Failure;
use crate::console::{Console, Verbosity};

/// The name of a release, and its chart.
#[derive(Debug, clap::Args)]
pub(crate) struct NameArgs {
    /// The name of the release, then the chart: a folder or a .tgz archive. The name may be left out where it is made, and
    /// where nothing is installed.
    #[arg(value_name = "NAME> <CHART", num_args = 1..=2, required = true)]
    name_and_chart: Vec<String>,
    /// Make the name from the chart's name and the time.
    #[arg(short, long, conflicts_with = "name_template")]
    generate_name: bool,
    /// Make the name from a template, such as 'api-{{ randAlphaNum 5 | lower }}'.
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
}

/// A name is given, and one is to be made as well.
#[derive(Debug, thiserror::Error)]
#[error("a name is given, and one is to be made as well")]
struct TwoNames;

impl Diagnose for TwoNames {
    fn code(&self) -> Code {
        Code::USAGE
    }

    fn hint(&self) -> Option<String> {
        Some("leave out the name, or --generate-name and --name-template".to_owned())
    }
}

impl NameArgs {
    /// The name as given or made, if there is one, and where the chart is.
    pub(crate) fn name_and_chart(&self, host: &Host) -> Result<(Option<String>, PathBuf), Failure> {
        let (given, chart) = match self.name_and_chart.as_slice() {
            [chart] => (None, PathBuf::from(chart)),
            [name, chart, ..] => (Some(name.clone()), PathBuf::from(chart)),
            [] => unreachable!("clap asks for at least one"),
        };
        let made = match &self.name_template {
            Some(template) => Some(render::name_from_template(template, host)?),
            None if self.generate_name => Some(render::generated_name(&chart, host)),
            None => None,
        };
        match (given, made) {
            (Some(_), Some(_)) => Err(TwoNames.into()),
            (given, made) => Ok((given.or(made), chart)),
        }
    }
}

/// Loads a chart from a folder or an archive, one that may be installed, and says what is to be said of it.
pub(crate) fn load(path: &Path, console: &mut Console) -> Result<Chart, Failure> {
    let loaded = chart::load::path(path)?;
    console.warnings(&loaded.warnings);
    render::check_installable(&loaded.chart)?;
    if loaded.chart.metadata().deprecated {
        console.note(Verbosity::Normal, "level=WARN msg=\"this chart is deprecated\"");
    }
    chart::dependencies::check(&loaded.chart)?;
    Ok(loaded.chart)
}
