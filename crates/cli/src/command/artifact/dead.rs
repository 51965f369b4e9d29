//! `shipway artifact dead`: events that could not be worked on, why, and another chance for them.

use std::collections::BTreeSet;

use artifact::queue::{Sqs, dead};
use serde::Serialize;

use super::store;
use crate::Failure;
use crate::console::{Console, Verbosity};

/// List the events that could not be worked on, or work on them again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact dead list --queue https://sqs.eu-central-1.amazonaws.com/123456789012/charts-dead
  shipway artifact dead replay --queue URL-OF-DEAD --to URL
  shipway artifact dead replay --queue URL-OF-DEAD --to URL --id 0f3c…")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List them with their reasons, and leave them where they are.
    List(ListArgs),
    /// Send them back to where they came from.
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The address of the queue of dead letters.
    #[arg(long, value_name = "URL")]
    queue: String,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// The address of the queue of dead letters.
    #[arg(long, value_name = "URL")]
    queue: String,
    /// The queue that they go back to.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Only this one; may be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
}

/// A dead letter, for a program.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    sent: Option<String>,
    reason: Option<String>,
    body: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    match &args.command {
        Command::List(args) => list(args, console),
        Command::Replay(args) => replay(args, console),
    }
}

fn list(args: &ListArgs, console: &mut Console) -> Result<(), Failure> {
    let queue = Sqs::open(&args.queue, &store::settings())?;
    let letters = store::wait(async { Ok(dead::list(&queue).await?) })?;
    let row = |letter: artifact::queue::Message| Row {
        id: letter.id,
        sent: letter.sent.map(|sent| sent.to_string()),
        reason: letter.reason,
        body: letter.body,
    };
    let rows: Vec<Row> = letters.into_iter().map(row).collect();
    console.data(&rows, || {
        let line = |row: &Row| {
            let sent = row.sent.as_deref().unwrap_or("-");
            let reason = row.reason.as_deref().unwrap_or("the queue gave it up");
            format!(
                "{}  {sent}  {reason}\n  {}\n",
                row.id,
                row.body.replace('\n', " ")
            )
        };
        rows.iter().map(line).collect()
    })
}

fn replay(args: &ReplayArgs, console: &mut Console) -> Result<(), Failure> {
    let queue = Sqs::open(&args.queue, &store::settings())?;
    let to = Sqs::open(&args.to, &store::settings())?;
    let only: BTreeSet<String> = args.id.iter().cloned().collect();
    let only = Some(&only).filter(|only| !only.is_empty());
    let done = store::wait(async { Ok(dead::replay(&queue, &to, only).await?) })?;
    for problem in &done.problems {
        console.note(Verbosity::Quiet, problem);
    }
    for id in &done.missing {
        console.note(Verbosity::Normal, &format!("{id} is not among them any more"));
    }
    console.text(&format!("{} sent back\n", done.replayed))
}
