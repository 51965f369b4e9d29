//! Measures releases: `cargo run --release -p cluster --example bench_release -- SHIPWAY [HELM] [PART...]`.
//!
//! SHIPWAY is the binary that is measured and whose mini cluster, a process of its own, all of it runs against; HELM is
//! what it is compared with. The parts are `install` (process against process), `requests` (what each of them asks of
//! the API server, counted by a proxy that passes everything on) and `many` (1,000 installs by this process, through
//! the library). The figures are for people; nothing fails for being slow. `cargo xtask bench release` runs this.

mod charts;
mod install;
mod many;
mod requests;
mod tool;

use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A part and what measures it.
type Part = (&'static str, fn(&Setting) -> Result<()>);

const PARTS: [Part; 3] = [
    ("install", install::measure),
    ("requests", requests::measure),
    ("many", many::measure),
];

/// What is measured.
struct Setting {
    shipway: PathBuf,
    helm: Option<PathBuf>,
    /// Charts, kubeconfigs and the home of both tools.
    folder: TempDir,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [shipway, rest @ ..] = args.as_slice() else {
        return Err("usage: bench_release SHIPWAY [HELM] [PART...]".into());
    };
    let (helm, parts) = match rest {
        [helm, parts @ ..] if !PARTS.iter().any(|(name, _)| name == helm) => {
            (Some(PathBuf::from(helm)), parts)
        }
        parts => (None, parts),
    };
    let setting = Setting {
        shipway: PathBuf::from(shipway),
        helm,
        folder: TempDir::new()?,
    };
    charts::write(setting.folder.path())?;
    for (name, measure) in PARTS {
        if parts.is_empty() || parts.iter().any(|part| part == name) {
            measure(&setting)?;
        }
    }
    Ok(())
}

/// Prints a line, as soon as it is known.
fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
