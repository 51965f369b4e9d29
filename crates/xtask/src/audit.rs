//! What we accept from others: licences, where a crate comes from, and crates that would break the build rule
//! (nothing but cargo and a C compiler).
//!
//! Known vulnerabilities are not looked up here: that needs a network. `cargo deny check` does it on a machine
//! that has one; `CONTRIBUTING.md` says when.

use anyhow::{Result, bail};

use crate::tree::{Metadata, Package};

/// Licences that may be linked into an Apache-2.0 binary.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that need a system package, another toolchain or a second crypto library.
const REFUSED: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "bindgen",
    "cmake",
    "native-tls",
    "openssl",
    "openssl-sys",
];

/// Checks every crate of the locked graph.
pub fn run() -> Result<()> {
    let metadata = Metadata::read()?;
    let problems: Vec<String> = metadata.packages.iter().flat_map(problems).collect();
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        count => bail!("{count} problems in {} dependencies", metadata.packages.len()),
    }
}

fn problems(package: &Package) -> Vec<String> {
    let Package {
        name,
        version,
        license,
        source,
        ..
    } = package;
    let mut problems = Vec::new();
    if !license.as_deref().is_some_and(is_accepted) {
        problems.push(format!(
            "{name} {version}: licence {:?} is not accepted",
            license.as_deref().unwrap_or("")
        ));
    }
    if source
        .as_deref()
        .is_some_and(|source| !source.starts_with("registry+"))
    {
        problems.push(format!(
            "{name} {version}: does not come from a registry, so it can vanish"
        ));
    }
    if REFUSED.contains(&name.as_str()) {
        problems.push(format!(
            "{name} {version}: needs more than cargo and a C compiler"
        ));
    }
    problems
}

/// Whether an SPDX expression can be satisfied: every `AND` part has an accepted `OR` choice.
fn is_accepted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let accepted = |licence: &str| LICENCES.contains(&licence.trim());
    // Without brackets AND binds closer than OR; each OR choice must be wholly accepted. Bracketed ORs inside an
    // AND read as looser than they are only if one side holds a licence that is not accepted anyway.
    let whole = expression
        .split(" OR ")
        .any(|choice| choice.split(" AND ").all(accepted));
    whole
        || expression
            .split(" AND ")
            .all(|part| part.split(" OR ").any(accepted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(licence: &str, source: Option<&str>, name: &str) -> usize {
        let package = Package {
            id: name.into(),
            name: name.into(),
            version: "1.0.0".into(),
            license: Some(licence.into()),
            source: source.map(Into::into),
        };
        problems(&package).len()
    }

    #[test]
    fn licences_are_read_as_expressions() {
        for (expression, accepted) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
        ] {
            assert_eq!(is_accepted(expression), accepted, "{expression}");
        }
    }

    #[test]
    fn each_problem_is_found() {
        assert_eq!(check("MIT", Some("registry+https://example.org"), "serde"), 0);
        assert_eq!(check("MIT", None, "model"), 0);
        assert_eq!(check("AGPL-3.0", None, "x"), 1);
        assert_eq!(check("MIT", Some("git+https://example.org/x"), "x"), 1);
        assert_eq!(check("MIT", None, "openssl-sys"), 1);
    }
}
