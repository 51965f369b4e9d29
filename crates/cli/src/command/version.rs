//! `shipway version`: which shipway this is.

use serde::Serialize;

use crate::Failure;
use crate::console::Console;

/// Print the version, also for programs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway version
  shipway version -o json")]
pub(crate) struct Args {}

#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
    platform: String,
}

pub(crate) fn run(Args {}: &Args, console: &mut Console) -> Result<(), Failure> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
    };
    console.data(&version, || {
        format!("shipway {} {}\n", version.version, version.platform)
    })
}
