//! `shipway tenant add`: writes tenants into the hub, after everything that is wrong with them was told.

use std::path::PathBuf;
use std::time::Duration;

use objects::meta;

use super::hub::{Session, is_ready};
use super::{manifest, plan};
use crate::Failure;
use crate::command::release::connect::WayArgs;
use crate::console::{Console, Verbosity};

/// Add the tenants of a file, or change them, and wait until every cluster has what they are given.
///
/// The plan is told first. If anything is wrong with one of them, all mistakes are told and nothing is written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The manifest.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Do not wait for the controller.
    #[arg(long)]
    no_wait: bool,
    /// How long to wait, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    #[command(flatten)]
    way: WayArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let session = Session::open(&args.way)?;
    let tenants = manifest::read(&args.file)?;
    for written in &tenants {
        let plan = plan::foreseen(&session, written)?;
        console.note(Verbosity::Normal, plan.text().trim_end());
    }
    for written in &tenants {
        session.wait(session.hub.write_tenant(written))?;
    }
    let mut names: Vec<&str> = tenants.iter().map(meta::name).collect();
    if !args.no_wait {
        for name in &names {
            let patience = Duration::from_secs(args.timeout);
            session.until(name, ("ready", patience), |tenant| tenant.is_some_and(is_ready))?;
        }
    }
    names.sort_unstable();
    console.data(&names, || {
        let state = if args.no_wait { "written" } else { "ready" };
        names
            .iter()
            .map(|name| format!("tenant {name} is {state}\n"))
            .collect()
    })
}
