//! `shipway status`: the board, applications by stages.

use std::time::{Duration, Instant};

use control::desk::{BoardShown, CellShown};

use super::client::Client;
use super::{ServerArgs, show};
use crate::Failure;
use crate::console::{Console, Verbosity};

/// A server that is away for longer is not being restarted.
const AWAY: Duration = Duration::from_mins(5);

/// The arguments of `shipway status` that are the board's.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Board")]
pub(crate) struct BoardArgs {
    /// Print the board again whenever it changes.
    #[arg(long, conflicts_with_all = ["revision", "namespace"])]
    watch: bool,
    /// Only the applications of this tenant.
    #[arg(long = "of", value_name = "TENANT", conflicts_with_all = ["revision", "namespace", "name"])]
    of: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Whether the board is asked for: by an application's name, or by none.
pub(crate) fn is_asked(name: Option<&str>) -> bool {
    name.is_none_or(|name| name.contains('/'))
}

pub(crate) fn run(name: Option<&str>, args: &BoardArgs, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let name = name.map(show::name).transpose().map_err(show::not_a_name)?;
    let mut path = "/api/v1/board?".to_owned();
    if let Some(name) = name {
        path += &format!("application={name}&");
    }
    if let Some(tenant) = &args.of {
        path += &format!("tenant={tenant}&");
    }
    let board: BoardShown = client.get(&path)?;
    if args.watch {
        return watch(&client, &path, board, console);
    }
    console.data(&board, || text(&board))?;
    let mut cells = board.rows.iter().flat_map(|row| &row.cells);
    if cells.any(|cell| cell.closed.is_some()) {
        console.note(
            Verbosity::Normal,
            "`shipway explain application NAME` says why, and what to do",
        );
    }
    Ok(())
}

/// Shows the board whenever it is another one, in its place on a terminal; ends only with an error.
fn watch(client: &Client, path: &str, mut board: BoardShown, console: &mut Console) -> Result<(), Failure> {
    console.screen(&board, || text(&board))?;
    loop {
        let watch = format!("{path}watch={}", board.version);
        let next: BoardShown = client.get_until(&watch, Instant::now() + AWAY)?;
        if next.version != board.version {
            console.screen(&next, || format!("\n{}", text(&next)))?;
            board = next;
        }
    }
}

/// A table whose columns are the stages.
fn text(board: &BoardShown) -> String {
    let mut titles = vec!["APPLICATION".to_owned(), "LATEST".to_owned()];
    titles.extend(board.stages.iter().map(|stage| stage.to_uppercase()));
    let mut rows = vec![titles];
    for row in &board.rows {
        let mut cells = vec![row.application.clone(), row.latest.clone()];
        cells.extend(row.cells.iter().map(cell));
        rows.push(cells);
    }
    crate::console::Table::of_cells(rows).to_string()
}

/// One cell in few words: what is there, and what comes.
fn cell(cell: &CellShown) -> String {
    let there = match cell.version.as_str() {
        "" => "-",
        version => version,
    };
    let next = &cell.next;
    let gate = cell
        .closed
        .as_ref()
        .map(|closed| closed.reason.as_str())
        .unwrap_or_default();
    match cell.state.as_str() {
        "Current" | "Empty" => there.to_owned(),
        "Running" => format!("{there} > {next}"),
        "Waiting" => format!("{there} ({next} waits: {gate})"),
        "Refused" => format!("{there} ({next} is stopped: {gate})"),
        "Failed" => format!("{there} ({next} failed)"),
        "Behind" => format!("{there} ({next} could come)"),
        "Held" => format!("{there} (held)"),
        "Drifted" => format!("{there} (changed)"),
        "NotReady" => format!("{there} (not ready)"),
        state => format!("{there} ({state})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_says_what_is_there_and_what_comes() {
        let shown = |state: &str, version: &str, next: &str| {
            let closed =
                serde_json::json!({"reason": "NeedsApproval", "message": "", "who": "", "command": ""});
            let shown = serde_json::json!({
                "stage": "x", "state": state, "version": version, "next": next, "promotion": "", "more": 0,
                "closed": closed,
            });
            serde_json::from_value::<CellShown>(shown).expect("a cell")
        };
        let row = serde_json::json!({"application": "payments/api", "tenant": "payments", "latest": "1.2.0", "cells": []});
        let mut row: control::desk::RowShown = serde_json::from_value(row).expect("a row");
        row.cells = vec![
            shown("Current", "1.2.0", ""),
            shown("Waiting", "1.1.0", "1.2.0"),
            shown("Empty", "", ""),
        ];
        let board = BoardShown {
            stages: ["staging", "production", "moon"].map(str::to_owned).to_vec(),
            rows: vec![row],
            version: String::new(),
        };
        insta::assert_snapshot!(text(&board), @r"
        APPLICATION   LATEST  STAGING  PRODUCTION                          MOON
        payments/api  1.2.0   1.2.0    1.1.0 (1.2.0 waits: NeedsApproval)  -
        ");
    }
}
