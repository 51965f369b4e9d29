//! Versions and lints stand in the root Cargo.toml, nowhere else.

use super::Finding;
use crate::tree::File;

/// What every crate takes over from the workspace.
const INHERITED: &[&str] = &[
    "version.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
    "publish.workspace = true",
    "[lints]\nworkspace = true",
];

/// Finds crates that set for themselves what the workspace sets for all.
pub fn inherit(files: &[File]) -> Vec<Finding> {
    let manifests = files.iter().filter(|file| is_crate_manifest(&file.path));
    manifests
        .flat_map(|file| missing(file).into_iter().chain(own_versions(file)))
        .collect()
}

fn is_crate_manifest(path: &str) -> bool {
    path.strip_prefix("crates/")
        .and_then(|path| path.strip_suffix("/Cargo.toml"))
        .is_some_and(|name| !name.contains('/'))
}

fn missing(file: &File) -> Vec<Finding> {
    let missing = INHERITED.iter().filter(|line| !file.text.contains(**line));
    missing
        .map(|line| Finding::of(&file.path, format!("`{}` is missing", line.replace('\n', " "))))
        .collect()
}

fn own_versions(file: &File) -> Vec<Finding> {
    let mut in_dependencies = false;
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            let message =
                "a dependency's version stands in the root Cargo.toml: write `workspace = true` here";
            findings.push(Finding::at(&file.path, index + 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, tree};

    fn manifest(dependencies: &str) -> String {
        format!(
            "[package]\n{}\n\n[dependencies]\n{dependencies}\n",
            INHERITED.join("\n")
        )
    }

    #[test]
    fn dependencies_have_their_version_in_the_root() {
        let text =
            manifest("serde.workspace = true\nclap = \"4\"\nx = { workspace = true, features = [\"y\"] }");
        let findings = inherit(&tree(&[
            ("crates/cli/Cargo.toml", &text),
            ("Cargo.toml", "[workspace]"),
        ]));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].message.starts_with("a dependency's version"),
            "{findings:?}"
        );
    }

    #[test]
    fn lints_are_inherited() {
        let text = manifest("").replace("[lints]\nworkspace = true", "");
        let findings = inherit(&tree(&[("crates/cli/Cargo.toml", &text)]));
        assert_eq!(
            shown(&findings),
            ["crates/cli/Cargo.toml: `[lints] workspace = true` is missing"]
        );
    }
}
