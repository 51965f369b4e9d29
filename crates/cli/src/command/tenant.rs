//! `shipway tenant`: teams, what they are given, and the proof that they are kept apart.
//!
//! Every command reads and writes the hub; what is done about it in the clusters, the controller does.

mod add;
mod check;
mod guard;
mod hub;
mod list;
pub(crate) mod manifest;
mod plan;
mod remove;
mod show;

use crate::console::Console;
use crate::{Failure, Outcome};

/// Give teams their share of the clusters.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway tenant plan -f payments.yaml        what would be done, and nothing is
  shipway tenant add -f payments.yaml         do it, and wait until it is done
  shipway tenant list
  shipway tenant show payments                how it stands, cluster by cluster
  shipway tenant guard ./charts/api -t payments.yaml
                                              what a chart may not do as this tenant's
  shipway tenant remove payments --yes        close it now, delete it when its retention is over
  shipway tenant check                        the proof that tenants are kept apart

A manifest of ten lines:
  apiVersion: shipway.dev/v1alpha1
  kind: Tenant
  metadata:
    name: payments
  spec:
    members:
    - {group: payments-team, role: Deploy}
    quota: {cpu: \"8\", memory: 16Gi}
    hosts: [pay.example.com]
    network: {ingress: true}")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Args),
    Guard(Box<guard::Args>),
    List(list::Args),
    Show(show::Args),
    Plan(plan::Args),
    Remove(remove::Args),
    Check(check::Args),
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Add(args) => add::run(args, console),
        Command::Guard(args) => return guard::run(args, console),
        Command::List(args) => list::run(args, console),
        Command::Show(args) => show::run(args, console),
        Command::Plan(args) => return plan::run(args, console),
        Command::Check(args) => return check::run(args, console),
        Command::Remove(args) => remove::run(args, console),
    }
    .map(|()| Outcome::Done)
}
