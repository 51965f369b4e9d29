//! `shipway artifact`: published versions of charts, in a folder or a bucket, by hand and in any CI.
//!
//! A controller publishes by itself what passed; these commands are for stores without one, and for looking.

mod dead;
mod get;
mod key;
mod list;
mod prune;
mod publish;
pub(crate) mod store;

use crate::Failure;
use crate::console::Console;

/// Publish versions of charts, and look at what is published.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact key signing.pem               a key to sign with
  shipway artifact publish ./charts/api --store s3://acme-charts/stable --key signing.pem
  shipway artifact list --store s3://acme-charts/stable
  shipway artifact get api-1.4.2 --store s3://acme-charts/stable --trust signing.pub
                                                 the package, if its statement is signed by that key
  helm repo add acme https://HOST/stable         stock helm reads the same folder or bucket over http
  shipway artifact dead list --queue URL         events that could not be worked on

A STORE is a folder, or s3://BUCKET/PREFIX with the region and keys that AWS tools find in the environment
(AWS_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL for anything that speaks like S3, …).")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Key(key::Args),
    Publish(publish::Args),
    List(list::Args),
    Get(get::Args),
    Prune(prune::Args),
    Dead(dead::Args),
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    match &args.command {
        Command::Key(args) => key::run(args, console),
        Command::Publish(args) => publish::run(args, console),
        Command::List(args) => list::run(args, console),
        Command::Get(args) => get::run(args, console),
        Command::Prune(args) => prune::run(args, console),
        Command::Dead(args) => dead::run(args, console),
    }
}
