//! Error codes, their pages and their tests belong together.

use std::collections::BTreeSet;

use model::code;

use super::{Finding, is_rust};
use crate::tree::File;

const REGISTRY: &str = "crates/model/src/code.rs";

/// Finds codes without a page, pages without a code, and pages whose title is not the registry's.
pub fn pages(files: &[File]) -> Vec<Finding> {
    let codes: Vec<(&str, &str)> = code::ALL.iter().map(|code| (code.id, code.title)).collect();
    pages_of(&codes, files)
}

/// Finds codes that no test mentions.
pub fn tests(files: &[File]) -> Vec<Finding> {
    let codes: Vec<&str> = code::ALL.iter().map(|code| code.id).collect();
    tests_of(&codes, files)
}

fn pages_of(codes: &[(&str, &str)], files: &[File]) -> Vec<Finding> {
    let pages = files.iter().filter_map(|file| Some((page_id(&file.path)?, file)));
    let mut unseen: BTreeSet<&str> = codes.iter().map(|(id, _)| *id).collect();
    let mut findings = Vec::new();
    for (id, file) in pages {
        unseen.remove(id);
        let Some((_, title)) = codes.iter().find(|(known, _)| *known == id) else {
            findings.push(Finding::of(
                &file.path,
                format!("no error has this code; it is not in {REGISTRY}"),
            ));
            continue;
        };
        let expected = format!("# {id}: {title}");
        if file.text.lines().next() != Some(&expected) {
            findings.push(Finding::at(
                &file.path,
                1,
                format!("the title must be `{expected}`"),
            ));
        }
    }
    let missing = |id: &&str| Finding::of(REGISTRY, format!("{id} has no page docs/errors/{id}.md"));
    findings.extend(unseen.iter().map(missing));
    findings
}

fn tests_of(codes: &[&str], files: &[File]) -> Vec<Finding> {
    let tests: Vec<&str> = files.iter().filter_map(test_part).collect();
    let untested = codes
        .iter()
        .filter(|id| !tests.iter().any(|text| text.contains(**id)));
    untested
        .map(|id| Finding::of(REGISTRY, format!("no test produces {id}")))
        .collect()
}

fn page_id(path: &str) -> Option<&str> {
    path.strip_prefix("docs/errors/")?
        .strip_suffix(".md")
        .filter(|id| id.starts_with("SW"))
}

/// The part of a file that runs only in tests; the registry's own tests do not count.
fn test_part(file: &File) -> Option<&str> {
    if file.path == REGISTRY {
        return None;
    }
    // A snapshot shows what was produced, so it counts as much as the test that took it.
    if file.path.contains("/tests/") && (is_rust(file) || file.path.ends_with(".snap")) {
        return Some(&file.text);
    }
    if !is_rust(file) {
        return None;
    }
    file.text
        .find("#[cfg(test)]\nmod tests {")
        .map(|start| &file.text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, tree};

    #[test]
    fn codes_and_pages_are_held_together() {
        let files = tree(&[
            ("docs/errors/SW9001.md", "# SW9001: it broke\n"),
            ("docs/errors/SW9002.md", "# SW9002: old title\n"),
            ("docs/errors/SW9009.md", "# SW9009: nobody's\n"),
            ("docs/errors/README.md", "# Errors\n"),
        ]);
        let codes = [
            ("SW9001", "it broke"),
            ("SW9002", "new title"),
            ("SW9003", "no page"),
        ];
        assert_eq!(
            shown(&pages_of(&codes, &files)),
            [
                "docs/errors/SW9002.md:1: the title must be `# SW9002: new title`",
                "docs/errors/SW9009.md: no error has this code; it is not in crates/model/src/code.rs",
                "crates/model/src/code.rs: SW9003 has no page docs/errors/SW9003.md",
            ]
        );
    }

    #[test]
    fn every_code_is_produced_by_a_test() {
        let files = tree(&[
            (
                "crates/a/src/lib.rs",
                "const X: &str = \"SW9002\";\n#[cfg(test)]\nmod tests { \"SW9001\" }",
            ),
            ("crates/a/tests/it/main.rs", "\"SW9003\""),
        ]);
        assert_eq!(
            shown(&tests_of(&["SW9001", "SW9002", "SW9003"], &files)),
            ["crates/model/src/code.rs: no test produces SW9002"]
        );
    }
}
