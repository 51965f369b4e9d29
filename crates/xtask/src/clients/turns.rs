//! One history by two tools: what helm says of it must be what it says after it did all of it alone.
//!
//! ```text
//!                        ┌─ by-helm: helm, helm, helm, … ───────┐
//! crates/xtask/histories ┼─ by-even: shipway, helm, shipway, … ─┼─► what helm says is compared after some steps,
//!                        └─ by-turn: helm, shipway, helm, … ────┘   and with it what shipway says
//! ```
//!
//! One thing differs on purpose and is taken out: the words for why something failed (`docs/operating/releases.md`).

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::normalise::Normaliser;
use super::story::{Bench, Place};
use crate::tree;

const HISTORIES: &str = "crates/xtask/histories";

/// Beside what differs between two clusters.
const ON_PURPOSE: &[(&str, &str)] = &[
    // In JSON, up to the quote that ends it; elsewhere to the end of the line.
    (r#"(\\" failed: )(?:\\.|[^"\\])*""#, "$1<reason>"),
    // helm 3 lists several causes on lines of their own.
    (
        r#"([^\\]" failed: )[^\n]*(\n[ \t]*\*[^\n]*|\n[ \t]+\n|\n\n)*"#,
        "$1<reason>",
    ),
    (r#"(modifiedAt[=":]+)[0-9]+"#, "$1<time>"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    #[serde(rename = "doc")]
    _doc: String,
    files: BTreeMap<String, String>,
    /// What is compared: arguments of both tools.
    views: Vec<String>,
    operations: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    run: String,
    /// Whether the views are compared after it.
    #[serde(default)]
    look: bool,
}

/// Who does what in a namespace.
struct Turns {
    namespace: &'static str,
    /// Whether shipway does the operation of this number.
    is_ours: fn(usize) -> bool,
}

/// Names of one length, so that no column differs.
const TURNS: [Turns; 3] = [
    Turns {
        namespace: "by-helm",
        is_ours: |_| false,
    },
    Turns {
        namespace: "by-even",
        is_ours: |at| at % 2 == 0,
    },
    Turns {
        namespace: "by-turn",
        is_ours: |at| at % 2 == 1,
    },
];

/// What was seen in a namespace after an operation: of which view, what it is, and what was said on stderr.
type Seen = Vec<(String, String, String)>;

/// Plays the history with the clients of a layer, and says what differs.
pub fn run(layer: u32, place: &Place<'_>) -> Result<Vec<String>> {
    let history = read()?;
    let played: Vec<Result<(Seen, Vec<String>)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = TURNS
            .iter()
            .map(|turns| {
                let place = place.called(&format!("{}-{}", place.name, turns.namespace));
                let history = &history;
                scope.spawn(move || play(layer, history, turns, &place))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| {
            let done = thread.join();
            done.unwrap_or_else(|_| Err(anyhow::anyhow!("a history was not played to its end")))
        });
        joined.collect()
    });
    let mut faults = Vec::new();
    let mut alone: Option<Seen> = None;
    for (turns, played) in TURNS.iter().zip(played) {
        let (seen, own) = played?;
        faults.extend(own);
        let Some(alone) = &alone else {
            alone = Some(seen);
            continue;
        };
        for ((what, wanted, _), (_, got, err)) in alone.iter().zip(&seen) {
            if wanted != got {
                let difference = first_difference(wanted, got);
                faults.push(format!("{}: {what}\n{difference}\n{err}", turns.namespace));
            }
        }
    }
    Ok(faults)
}

fn read() -> Result<History> {
    let path = tree::root().join(HISTORIES).join("life.json");
    let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no history", path.display()))
}

/// Does the operations of a history in a namespace: what helm says of it then, and where shipway says something else.
fn play(layer: u32, history: &History, turns: &Turns, place: &Place<'_>) -> Result<(Seen, Vec<String>)> {
    let Turns { namespace, is_ours } = *turns;
    let bench = Bench::at(place, &[namespace], &history.files)?;
    let normaliser = bench.normaliser().also(ON_PURPOSE)?;
    let text = |text: &str| same(&normaliser, namespace, text);
    let (mut seen, mut faults) = (Seen::new(), Vec::new());
    for (at, operation) in history.operations.iter().enumerate() {
        let tool = if is_ours(at) { "shipway" } else { "helm" };
        let what = format!("{at} {}", operation.run);
        let done = bench.sh(&[&format!("{tool} {} -n {namespace}", operation.run)])?;
        let err = done.err.unwrap_or_default();
        seen.push((format!("{what}: exit"), format!("{:?}", done.rc), err));
        for view in history.views.iter().filter(|_| operation.look) {
            // What helm 3 leaves out without it.
            let all = if layer < 35 && view.starts_with("list") {
                "--all"
            } else {
                ""
            };
            let said = bench.sh(&[&format!("helm {view} {all} -n {namespace}")])?;
            let said = text(&said.out.unwrap_or_default());
            // Helm 3 prints other words; ours are those of 4.
            if layer >= 35 && namespace != TURNS[0].namespace {
                let ours = bench.sh(&[&format!("shipway {view} -n {namespace}")])?;
                let ours = text(&ours.out.unwrap_or_default());
                if ours != said {
                    let difference = first_difference(&said, &ours);
                    faults.push(format!("{namespace}: {what}: shipway {view}\n{difference}"));
                }
            }
            seen.push((format!("{what}: {view}"), said, String::new()));
        }
    }
    Ok((seen, faults))
}

/// A text without what differs; helm takes the kinds of live objects in any order.
fn same(normaliser: &Normaliser, namespace: &str, text: &str) -> String {
    let text = normaliser.text(&text.replace(namespace, "<namespace>"));
    if !text.contains("RESOURCES:") {
        return text;
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn first_difference(wanted: &str, got: &str) -> String {
    let (wanted, got): (Vec<&str>, Vec<&str>) = (wanted.lines().collect(), got.lines().collect());
    let differs = |at: &usize| wanted.get(*at) != got.get(*at);
    let at = (0..wanted.len().max(got.len())).find(differs).unwrap_or_default();
    let show = |lines: &[&str]| {
        lines
            .get(at)
            .map_or("(end)".to_owned(), |line| format!("{line:?}"))
    };
    format!(
        "    line {}: helm {}\n    got {}",
        at + 1,
        show(&wanted),
        show(&got)
    )
}
