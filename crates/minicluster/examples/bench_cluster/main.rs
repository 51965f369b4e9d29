//! Measures a whole cluster as its clients feel it: `cargo run --release -p minicluster --example bench_cluster --
//! SHIPWAY [FOLDER] [PART...]`.
//!
//! SHIPWAY is the binary whose `cluster start` is measured, in a process of its own; FOLDER is where its durable store
//! is made, on the disk that is to be measured. This process is the client, so both share the machine: the CPU time of
//! each stands beside the wall time, and on a machine that others use only the former can be repeated. The figures are
//! for people; nothing fails for being slow. `cargo xtask bench minicluster` builds both and runs this.

mod client;
mod fleet;
mod report;
mod requests;
mod server;
mod start;
mod watches;

use std::path::PathBuf;

use report::{Report, Result};

/// A part of the table and what measures it.
type Part = (&'static str, fn(&Setting, &mut Report) -> Result<()>);

const PARTS: [Part; 5] = [
    ("start", start::measure),
    ("requests", requests::measure),
    ("watches", watches::measure),
    ("deployment", fleet::deployment),
    ("fleet", fleet::fleet),
];

/// What is measured.
struct Setting {
    shipway: PathBuf,
    folder: PathBuf,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [shipway, rest @ ..] = args.as_slice() else {
        return Err("usage: bench_cluster SHIPWAY [FOLDER] [PART...]".into());
    };
    let (folder, parts) = match rest {
        [folder, parts @ ..] if !PARTS.iter().any(|(name, _)| name == folder) => {
            (PathBuf::from(folder), parts)
        }
        parts => (std::env::temp_dir(), parts),
    };
    let setting = Setting {
        shipway: PathBuf::from(shipway),
        folder,
    };
    let mut report = Report::new()?;
    for (name, measure) in PARTS {
        if parts.is_empty() || parts.iter().any(|part| part == name) {
            measure(&setting, &mut report)?;
        }
    }
    Ok(())
}

/// A runtime as the client of a busy program has: one thread sends, the other belongs to the server.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}
