//! What the checks look at: the files git tracks, and the packages cargo knows. Read once, then plain data.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A tracked text file, its path relative to the root with `/`.
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// The answer of `cargo metadata`, as far as it is used.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub workspace_members: Vec<String>,
    pub resolve: Resolve,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub source: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Resolve {
    pub nodes: Vec<Node>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    pub id: String,
    pub deps: Vec<Dependency>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    pub pkg: String,
    pub dep_kinds: Vec<DependencyKind>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct DependencyKind {
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

impl Metadata {
    /// Asks cargo, for the whole locked graph.
    pub fn read() -> Result<Self> {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root())
            .output()
            .context("can't run cargo metadata")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("can't read what cargo metadata said")
    }

    pub fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }

    /// The packages a package needs to run: its normal dependencies.
    pub fn runs_on(&self, id: &str) -> Vec<&Package> {
        let node = self.resolve.nodes.iter().find(|node| node.id == id);
        let normal = |dep: &&Dependency| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
        node.into_iter()
            .flat_map(|node| &node.deps)
            .filter(normal)
            .filter_map(|dep| self.package(&dep.pkg))
            .collect()
    }

    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.workspace_members.iter().filter_map(|id| self.package(id))
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(PathBuf::from).unwrap_or(here)
}

/// Builds a release binary of the workspace and says where it is.
pub fn build_release(package: &str, binary: &str) -> Result<PathBuf> {
    build_as("release", package, binary)
}

/// Builds a binary as the tests do, which have then built most of it, and says where it is.
pub fn build(package: &str, binary: &str) -> Result<PathBuf> {
    build_as("dev", package, binary)
}

fn build_as(profile: &str, package: &str, binary: &str) -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            profile,
            "--package",
            package,
        ])
        .current_dir(root());
    ensure!(
        cargo.status().context("can't run cargo")?.success(),
        "{package} does not build"
    );
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target.join(folder).join(binary))
}

/// Every file git tracks or would track, that is text.
pub fn files() -> Result<Vec<File>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("can't run git ls-files")?;
    ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let paths = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let read = |path: &str| {
        // A file that was deleted but not yet staged is listed and can't be read; a binary file is not text.
        let text = std::fs::read_to_string(root().join(path)).ok()?;
        Some(File {
            path: path.to_owned(),
            text,
        })
    };
    Ok(paths.split_terminator('\0').filter_map(read).collect())
}
