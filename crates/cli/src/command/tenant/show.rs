//! `shipway tenant show`: how a tenant stands.

use kinds::{TenantSpec, TenantStatus};
use serde::Serialize;

use super::hub::{Session, said};
use crate::Failure;
use crate::command::release::connect::WayArgs;
use crate::console::{Column, Console, Table};

/// Show what a tenant is, what it has, and what is the matter.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The tenant.
    name: String,
    #[command(flatten)]
    way: WayArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    leaving: bool,
    spec: &'a TenantSpec,
    status: &'a TenantStatus,
}

struct Row {
    cluster: String,
    ready: bool,
    objects: u32,
    message: String,
}

const CLUSTERS: &[Column<Row>] = &[
    Column::new("CLUSTER", |row| row.cluster.clone()),
    Column::new("READY", |row| if row.ready { "yes" } else { "no" }.to_owned()),
    Column::new("OBJECTS", |row| row.objects.to_string()),
    Column::new("MESSAGE", |row| row.message.replace('\n', "; ")),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let session = Session::open(&args.way)?;
    let tenant = session.tenant(&args.name)?;
    let shown = Shown {
        name: &tenant.metadata.name,
        leaving: tenant.is_leaving(),
        spec: &tenant.spec,
        status: &tenant.status,
    };
    console.data(&shown, || {
        let mut text = format!("tenant {}: {}\n", args.name, said(&tenant));
        for condition in tenant
            .status
            .conditions
            .iter()
            .filter(|condition| condition.kind != "Ready")
        {
            let message = condition.message.replace('\n', "\n  ");
            text.push_str(&format!(
                "{}={} {}: {message}\n",
                condition.kind, condition.status, condition.reason
            ));
        }
        let rows = tenant.status.clusters.iter().map(|cluster| Row {
            cluster: cluster.name.clone(),
            ready: cluster.ready,
            objects: cluster.objects,
            message: cluster.message.clone(),
        });
        let rows: Vec<Row> = rows.collect();
        if !rows.is_empty() {
            text.push('\n');
            text.push_str(&Table::of(&rows, CLUSTERS).to_string());
        }
        text
    })
}
