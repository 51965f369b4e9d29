//! `shipway tenant remove`: a tenant leaves, in stages.

use std::time::Duration;

use cluster::Delete;
use kinds::Tenant;
use model::{Code, Diagnose};

use super::hub::Session;
use super::plan::Shown;
use crate::Failure;
use crate::command::release::connect::{WayArgs, now};
use crate::console::{Console, Verbosity};

/// Remove a tenant: its members lose their rights and its network is closed at once, its namespaces are deleted when its
/// retention is over.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The tenant.
    name: String,
    /// Do it; without this only the plan is shown.
    #[arg(long)]
    yes: bool,
    /// Wait until nothing of it is left, for so many seconds.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    #[command(flatten)]
    way: WayArgs,
}

/// A removal that nobody has confirmed.
#[derive(Debug, thiserror::Error)]
#[error("tenant {name} was not removed: that deletes everything it has")]
struct Unconfirmed {
    name: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let session = Session::open(&args.way)?;
    let tenant = session.tenant(&args.name)?;
    let mut leaving = tenant.clone();
    leaving.metadata.deletion_timestamp = objects::time::seconds(now());
    let preview = session.wait(session.hub.foresee(&leaving, now()))?;
    console.note(
        Verbosity::Normal,
        Shown::of(&args.name, preview).text().trim_end(),
    );
    if !args.yes {
        return Err(Unconfirmed {
            name: args.name.clone(),
        }
        .into());
    }
    let deleted = async {
        let kind = session.hub.kind::<Tenant>().await?;
        let how = Delete {
            uid: &tenant.metadata.uid,
            ..Delete::default()
        };
        session.hub.cluster().delete(kind.at("", &args.name), how).await?;
        Ok::<_, control::Error>(())
    };
    session.wait(deleted)?;
    if let Some(seconds) = args.wait {
        session.until(&args.name, ("gone", Duration::from_secs(seconds)), |tenant| {
            tenant.is_none()
        })?;
    }
    let retention = &tenant.spec.leaving.retention;
    let text = match args.wait {
        Some(_) => format!("tenant {} is gone\n", args.name),
        None => format!(
            "tenant {} is closed; it is deleted after {retention}\n",
            args.name
        ),
    };
    console.data(&args.name, || text)
}

impl Diagnose for Unconfirmed {
    fn code(&self) -> Code {
        Code::TENANT
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "run `shipway tenant remove {} --yes` if that is what you want",
            self.name
        ))
    }
}
