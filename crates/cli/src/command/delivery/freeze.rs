//! `shipway freeze`: a time in which nothing moves.

use api::MakeFreeze;
use control::desk::{Done, FreezeShown};
use model::TenantName;

use super::ServerArgs;
use super::show::{self, name};
use crate::Failure;
use crate::console::{Column, Console, Table};

/// List the freezes, make one for a tenant or for everybody, or end one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway freeze                  what is frozen, and when
  shipway freeze --tenant payments --until 2026-12-27T08:00:00+01:00 --reason 'holidays'
  shipway freeze --all --until 2026-12-27T08:00:00+01:00 --stage production --reason 'holidays'
  shipway freeze payments/freeze-1766300000 --off --reason 'the fair is over'")]
pub(crate) struct Args {
    /// The freeze to end.
    #[arg(value_name = "FREEZE", value_parser = name, requires = "off")]
    freeze: Option<String>,
    /// End it.
    #[arg(long, requires = "freeze", requires = "reason")]
    off: bool,
    /// Freeze a tenant.
    #[arg(long, value_name = "TENANT", conflicts_with = "freeze", requires = "until")]
    tenant: Option<TenantName>,
    /// Freeze everybody.
    #[arg(long, conflicts_with_all = ["tenant", "freeze"], requires = "until")]
    all: bool,
    /// When it begins; now unless given.
    #[arg(long, value_name = "TIME", requires = "until")]
    from: Option<String>,
    /// When it ends, as `2026-12-27T08:00:00+01:00`.
    #[arg(long, value_name = "TIME", requires = "reason")]
    until: Option<String>,
    /// Only this stage; may be given several times.
    #[arg(long = "stage", value_name = "STAGE", requires = "until")]
    stages: Vec<String>,
    /// Only this application of the tenant; may be given several times.
    #[arg(long = "application", value_name = "NAME", requires = "tenant")]
    applications: Vec<String>,
    /// Rollbacks wait too.
    #[arg(long, requires = "until")]
    rollbacks: bool,
    /// Its name; one from the time unless given.
    #[arg(long, requires = "until")]
    name: Option<String>,
    /// Why, as it is told to whoever waits.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

const COLUMNS: &[Column<FreezeShown>] = &[
    Column::new("FREEZE", |row| row.name.clone()),
    Column::new("ON", |row| if row.on { "yes" } else { "no" }.to_owned()),
    Column::new("FROM", |row| row.from.clone().unwrap_or_default()),
    Column::new("TO", |row| row.to.clone().unwrap_or_default()),
    Column::new("STAGES", |row| match row.stages.as_slice() {
        [] => "all".to_owned(),
        stages => stages.join(","),
    }),
    Column::new("WHY", |row| row.reason.clone()),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    if let Some(freeze) = &args.freeze {
        let reason = encoded(args.reason.as_deref().unwrap_or_default());
        let done: Done = client.delete(&format!("/api/v1/freezes/{freeze}?reason={reason}"))?;
        return show::done(console, &done);
    }
    let path = match (&args.tenant, args.all) {
        (Some(tenant), _) => format!("/api/v1/tenants/{tenant}/freezes"),
        (None, true) => "/api/v1/freezes".to_owned(),
        (None, false) => {
            let rows: Vec<FreezeShown> = client.get("/api/v1/freezes")?;
            return console.data(&rows, || Table::of(&rows, COLUMNS).to_string());
        }
    };
    let asked = MakeFreeze {
        name: args.name.clone(),
        from: args.from.clone(),
        to: args.until.clone().unwrap_or_default(),
        stages: args.stages.clone(),
        applications: args.applications.clone(),
        rollbacks: args.rollbacks,
        reason: args.reason.clone().unwrap_or_default(),
    };
    let done: Done = client.post(&path, &asked)?;
    show::done(console, &done)
}

/// A text as a query has it: every byte that is more than a letter or digit by its number.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_goes_into_a_query_whole() {
        assert_eq!(encoded("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
