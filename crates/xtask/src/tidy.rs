//! The rules of the tree that neither the compiler nor clippy knows.
//!
//! Each rule is a function from plain data to findings, listed once in [`findings`] and tested in its file by a
//! tree that breaks it. A rule without such a test is a wish.

mod codes;
mod layers;
mod manifests;
mod orphans;
mod text;

use std::fmt;

use anyhow::{Result, bail};

use crate::tree::{self, File, Metadata};

/// One broken rule: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: Option<usize>,
    pub message: String,
}

/// Checks the tree and prints what is wrong with it.
pub fn run() -> Result<()> {
    let findings = findings(&tree::files()?, &Metadata::read()?);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} broken rules"),
    }
}

fn findings(files: &[File], metadata: &Metadata) -> Vec<Finding> {
    let places = text::machine_places();
    [
        layers::edges(metadata),
        layers::purity(metadata),
        manifests::inherit(files),
        orphans::modules(files),
        orphans::tests(files),
        codes::pages(files),
        codes::tests(files),
        text::headers(files),
        text::lengths(files),
        text::forbidden(files),
        text::machine_paths(files, &places),
        text::unversioned_notes(files),
        text::unmerged(files),
    ]
    .concat()
}

impl Finding {
    pub fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: Some(line),
            message: message.into(),
        }
    }

    pub fn of(path: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// Whether a file is Rust that people write.
fn is_rust(file: &File) -> bool {
    file.path.ends_with(".rs")
}

#[cfg(test)]
fn tree(files: &[(&str, &str)]) -> Vec<File> {
    files
        .iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect()
}

/// Shows the findings of a rule as lines, for the tests of the rules.
#[cfg(test)]
fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}
