//! Files that the compiler never sees.

use std::collections::BTreeSet;

use super::{Finding, is_rust};
use crate::tree::File;

/// Roots of a crate: cargo compiles them by their name.
const ROOTS: &[&str] = &["lib.rs", "main.rs"];

/// Finds modules in `src` that no `mod` line names.
pub fn modules(files: &[File]) -> Vec<Finding> {
    let sources = files
        .iter()
        .filter(|file| is_rust(file) && file.path.contains("/src/"));
    sources
        .filter_map(|file| undeclared(file, files, "src"))
        .collect()
}

/// Finds test files that belong to no test binary. A crate has one, `tests/it/main.rs`, so that it links once.
pub fn tests(files: &[File]) -> Vec<Finding> {
    let tests = files
        .iter()
        .filter(|file| is_rust(file) && file.path.contains("/tests/"));
    tests
        .filter_map(|file| {
            if file.path.contains("/tests/it/") {
                return undeclared(file, files, "it");
            }
            Some(Finding::of(
                &file.path,
                "a crate has one test binary: move this to tests/it/ and name it in main.rs",
            ))
        })
        .collect()
}

/// A file that its parent module does not declare.
fn undeclared(file: &File, files: &[File], root: &str) -> Option<Finding> {
    let (folder, name) = file.path.rsplit_once('/')?;
    let at_root = folder.rsplit('/').next() == Some(root);
    if at_root && ROOTS.contains(&name) {
        return None;
    }
    let module = name.strip_suffix(".rs")?;
    let parents: BTreeSet<String> = if at_root {
        ROOTS.iter().map(|root| format!("{folder}/{root}")).collect()
    } else {
        BTreeSet::from([format!("{folder}.rs")])
    };
    let declares = |text: &str| {
        text.lines().map(str::trim).any(|line| {
            line.strip_suffix(';')
                .and_then(|line| line.rsplit_once("mod "))
                .is_some_and(|(_, name)| name == module)
        })
    };
    let declared = files
        .iter()
        .filter(|file| parents.contains(&file.path))
        .any(|file| declares(&file.text));
    (!declared).then(|| {
        let parents: Vec<_> = parents.into_iter().collect();
        Finding::of(
            &file.path,
            format!(
                "nothing compiles this: no `mod {module};` in {}",
                parents.join(" or ")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, tree};

    #[test]
    fn every_module_is_declared() {
        let files = tree(&[
            ("crates/a/src/lib.rs", "mod used;\npub(crate) mod open;\n"),
            ("crates/a/src/used.rs", "mod inner;"),
            ("crates/a/src/open.rs", ""),
            ("crates/a/src/used/inner.rs", ""),
            ("crates/a/src/used/lost.rs", ""),
            ("crates/a/src/forgotten.rs", ""),
        ]);
        assert_eq!(
            shown(&modules(&files)),
            [
                "crates/a/src/used/lost.rs: nothing compiles this: no `mod lost;` in crates/a/src/used.rs",
                "crates/a/src/forgotten.rs: nothing compiles this: no `mod forgotten;` in crates/a/src/lib.rs or \
             crates/a/src/main.rs",
            ]
        );
    }

    #[test]
    fn no_test_file_is_forgotten() {
        let files = tree(&[
            ("crates/a/tests/it/main.rs", "mod errors;"),
            ("crates/a/tests/it/errors.rs", ""),
            ("crates/a/tests/it/help.rs", ""),
            ("crates/a/tests/second.rs", ""),
        ]);
        assert_eq!(
            shown(&tests(&files)),
            [
                "crates/a/tests/it/help.rs: nothing compiles this: no `mod help;` in crates/a/tests/it/lib.rs or \
             crates/a/tests/it/main.rs",
                "crates/a/tests/second.rs: a crate has one test binary: move this to tests/it/ and name it in main.rs",
            ]
        );
    }
}
