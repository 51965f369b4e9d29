//! `shipway rollback APPLICATION --stage STAGE`: what a stage had before, and holds it there.

use api::Rollback;
use control::desk::Done;

use super::{ServerArgs, show, wait::WaitArgs};
use crate::Failure;
use crate::console::Console;

/// The arguments of `shipway rollback` that make it one of an application.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rollback of an application")]
pub(crate) struct BackArgs {
    /// Roll an application back in this stage, instead of a release in a cluster; it is held there until somebody lets go.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["revision", "dry_run", "namespace", "tenant"])]
    pub(crate) stage: Option<String>,
    /// To this version; to what was there before unless given.
    #[arg(long, value_name = "VERSION", requires = "stage")]
    to: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", requires = "stage")]
    reason: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(
    name: &str,
    args: &BackArgs,
    wait: &WaitArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let client = args.server.client()?;
    let name = show::name(name).map_err(show::not_a_name)?;
    let asked = Rollback {
        stage: args.stage.clone().unwrap_or_default(),
        version: args.to.clone(),
        reason: args.reason.clone().unwrap_or_default(),
    };
    let done: Done = client.post(&format!("/api/v1/applications/{name}/rollback"), &asked)?;
    wait.follow(&client, &done, console)
}
