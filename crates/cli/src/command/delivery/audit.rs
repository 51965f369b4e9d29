//! `shipway audit`: who did what, and whether the log is what was written.

use api::{AuditShown, Verified};
use model::{Code, Diagnose};
use serde_json::Value;

use super::ServerArgs;
use crate::Failure;
use crate::console::{Column, Console, Table};

/// Print the audit log, or verify it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway audit                   the last lines
  shipway audit --from 1 --limit 1000 -o json
                                  as they were written, to be kept elsewhere
  shipway audit verify            whether nothing was changed, left out or moved")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The number of the first line; without it, the last lines.
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// How many lines, 1000 at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read the whole log, and say whether it is what was written.
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// A log that is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

const COLUMNS: &[Column<Value>] = &[
    Column::new("LINE", |row| row["number"].to_string()),
    Column::new("TIME", |row| text(row, "time")),
    Column::new("WHO", |row| text(row, "who")),
    Column::new("WHAT", |row| text(row, "what")),
    Column::new("WHY", |row| text(row, "why")),
    Column::new("OUTCOME", |row| text(row, "outcome")),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    if let Some(Command::Verify(args)) = &args.command {
        return verify(args, console);
    }
    let client = args.server.client()?;
    let from = args.from.map(|from| format!("&from={from}")).unwrap_or_default();
    let shown: AuditShown = client.get(&format!("/api/v1/audit?limit={}{from}", args.limit))?;
    console.data(&shown, || {
        let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.clone()));
        let rows: Vec<Value> = shown.lines.iter().map(read).collect();
        Table::of(&rows, COLUMNS).to_string()
    })
}

fn verify(args: &VerifyArgs, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let verified: Verified = client.get("/api/v1/audit/verify")?;
    if !verified.whole {
        return Err(Broken(verified.problem).into());
    }
    console.data(&verified, || {
        format!(
            "{} lines are whole; the last is {}\n",
            verified.lines, verified.hash
        )
    })
}

fn text(row: &Value, field: &str) -> String {
    let text = row[field].as_str().unwrap_or_default();
    // A reason may have several lines.
    text.replace('\n', " ")
}

impl Diagnose for Broken {
    fn code(&self) -> Code {
        Code::AUDIT_LOG
    }

    fn hint(&self) -> Option<String> {
        Some("hold the log against a copy that was kept elsewhere, from this line on".to_owned())
    }
}
