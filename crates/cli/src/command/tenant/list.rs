//! `shipway tenant list`: the tenants of the hub.

use kinds::condition::READY;
use kinds::{Object, Tenant};
use serde::Serialize;

use super::hub::Session;
use crate::Failure;
use crate::command::release::connect::WayArgs;
use crate::console::{Column, Console, Table};

/// List the tenants.
#[derive(Debug, clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Args {
    #[command(flatten)]
    way: WayArgs,
}

#[derive(Serialize)]
struct Row {
    name: String,
    ready: bool,
    reason: String,
    clusters: usize,
    namespaces: usize,
    members: usize,
    cpu: String,
    memory: String,
}

const COLUMNS: &[Column<Row>] = &[
    Column::new("TENANT", |row| row.name.clone()),
    Column::new("READY", |row| if row.ready { "yes" } else { "no" }.to_owned()),
    Column::new("REASON", |row| row.reason.clone()),
    Column::new("CLUSTERS", |row| row.clusters.to_string()),
    Column::new("NAMESPACES", |row| row.namespaces.to_string()),
    Column::new("MEMBERS", |row| row.members.to_string()),
    Column::new("CPU", |row| row.cpu.clone()),
    Column::new("MEMORY", |row| row.memory.clone()),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let session = Session::open(&args.way)?;
    let tenants = session.wait(session.hub.list::<Tenant>())?;
    let rows: Vec<Row> = tenants.iter().map(row).collect();
    console.data(&rows, || Table::of(&rows, COLUMNS).to_string())
}

fn row(tenant: &Object<Tenant>) -> Row {
    let ready = tenant
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == READY);
    Row {
        name: tenant.metadata.name.clone(),
        ready: super::hub::is_ready(tenant),
        reason: ready.map(|ready| ready.reason.clone()).unwrap_or_default(),
        clusters: tenant
            .status
            .clusters
            .iter()
            .filter(|cluster| cluster.ready)
            .count(),
        namespaces: tenant.spec.namespaces.len().max(1),
        members: tenant.spec.members.len(),
        cpu: tenant.spec.quota.cpu.clone(),
        memory: tenant.spec.quota.memory.clone(),
    }
}
