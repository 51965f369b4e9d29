//! The flags that give values to a chart, the same on every command that takes a chart.

use std::io::Read;
use std::path::{Path, PathBuf};

use chart::values::{Map, user::Sources};
use model::{Code, Diagnose};

use crate::Failure;

/// Values from files and from the command line.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Values")]
pub(crate) struct ValueArgs {
    /// A YAML file of values, or `-` for standard input; a later file overrides an earlier one.
    #[arg(short = 'f', long = "values", value_name = "FILE", value_delimiter = ',')]
    files: Vec<PathBuf>,
    /// Values by path, `a.b=1,c[0]=x`; the type of each is guessed as Helm guesses it.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// As --set, but every value stays text.
    #[arg(long, value_name = "PATH=VALUE")]
    set_string: Vec<String>,
    /// As --set, but each value is the content of the file it names.
    #[arg(long, value_name = "PATH=FILE")]
    set_file: Vec<String>,
    /// Values as JSON: `path=JSON`, or one JSON object.
    #[arg(long, value_name = "PATH=JSON")]
    set_json: Vec<String>,
    /// One value exactly as written, with no escapes and no commas.
    #[arg(long, value_name = "PATH=TEXT")]
    set_literal: Vec<String>,
}

/// A file of values that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("can't read values from {}", path.display())]
struct Unreadable {
    path: PathBuf,
    source: std::io::Error,
}

impl ValueArgs {
    /// Reads the files and composes all of it, in Helm's order of precedence.
    pub(crate) fn compose(&self) -> Result<Map, Failure> {
        let Self {
            files,
            set,
            set_string,
            set_file,
            set_json,
            set_literal,
        } = self;
        let read_all = |path: &PathBuf| Ok((path.display().to_string(), read(path)?));
        let sources = Sources {
            files: files.iter().map(read_all).collect::<Result<_, Unreadable>>()?,
            set_json: set_json.clone(),
            set: set.clone(),
            set_string: set_string.clone(),
            set_file: set_file.clone(),
            set_literal: set_literal.clone(),
        };
        Ok(sources.values(&mut |path: &str| {
            std::fs::read_to_string(path).map_err(|error| format!("can't read {path}: {error}"))
        })?)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|source| Unreadable {
        path: path.to_owned(),
        source,
    })
}

impl Diagnose for Unreadable {
    fn code(&self) -> Code {
        Code::VALUES
    }

    fn hint(&self) -> Option<String> {
        Some("`-f` takes the path of a YAML file on this machine, or `-` for standard input".into())
    }
}
