//! Rules about the text of files: headers, length, words that may not stand there.

use super::{Finding, is_rust};
use crate::tree::{self, File};

/// The end of a file's growth. Look hard at 600.
const LINES_MAX: usize = 1000;

/// Written in two pieces, or this file would break its own rule.
const NOTE: &str = concat!("TO", "DO");

/// Names that say nothing of what is inside.
const VAGUE: &[&str] = &[
    "common", "data", "helpers", "info", "manager", "misc", "process", "utils",
];

/// Folders where people's homes and this kind of machine's work are, and texts that only mean such a folder.
const HOMES: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
];

/// Input taken from elsewhere, or given to programs as it is: the rules for our own text do not hold there.
const GIVEN: &[&str] = &["crates/chart/tests/corpus/", "Cargo.lock"];

/// Finds Rust files that do not begin by saying what they are for.
pub fn headers(files: &[File]) -> Vec<Finding> {
    let silent = files
        .iter()
        .filter(|file| is_rust(file) && !file.text.starts_with("//! "));
    silent
        .map(|file| Finding::at(&file.path, 1, "a file begins with a `//!` header: what it is for"))
        .collect()
}

/// Finds Rust files that are too long to read.
pub fn lengths(files: &[File]) -> Vec<Finding> {
    let counted = files
        .iter()
        .filter(|file| is_rust(file))
        .map(|file| (file, file.text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| {
        Finding::of(
            &file.path,
            format!("{lines} lines; {LINES_MAX} is the end: split it"),
        )
    })
    .collect()
}

/// Finds vague file names, `mod.rs`, glob re-exports and tests that never run.
pub fn forbidden(files: &[File]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| is_rust(file))
        .flat_map(|file| [name(file), lines(file)].concat())
        .collect()
}

/// Finds paths of a developer's machine. `places` are this machine's own, such as the checkout's folder.
pub fn machine_paths(files: &[File], places: &[String]) -> Vec<Finding> {
    let ours = files
        .iter()
        .filter(|file| !GIVEN.iter().any(|given| file.path.starts_with(given)));
    let texts: Vec<&str> = HOMES
        .iter()
        .copied()
        .chain(places.iter().map(String::as_str))
        .collect();
    find(ours, |line| {
        let text = texts.iter().find(|text| line.contains(**text))?;
        Some(format!("a path of a machine: `{text}` exists nowhere else"))
    })
}

/// Finds notes about work left undone that do not name the version that does it.
pub fn unversioned_notes(files: &[File]) -> Vec<Finding> {
    let ours = files
        .iter()
        .filter(|file| !GIVEN.iter().any(|given| file.path.starts_with(given)));
    find(ours, |line| {
        let (_, rest) = line.split_once(NOTE)?;
        let version = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map(|(version, _)| version);
        let is_version = |text: &str| text.split('.').count() >= 2 && text.split('.').all(is_number);
        (!version.is_some_and(is_version))
            .then(|| format!("write `{NOTE}(0.2)`: the version that removes it"))
    })
}

/// Finds what a merge left that nobody finished.
pub fn unmerged(files: &[File]) -> Vec<Finding> {
    let ours = files
        .iter()
        .filter(|file| !GIVEN.iter().any(|given| file.path.starts_with(given)));
    // As git names the side that one stands on; with other names it is an example.
    let marks = ["HEAD", "Updated upstream"].map(|side| format!("{} {side}", "<".repeat(7)));
    find(ours, |line| {
        let mark = marks.iter().find(|mark| line.starts_with(mark.as_str()))?;
        Some(format!("`{mark}`: a merge was not finished here"))
    })
}

/// The folders of this machine that no file may name.
pub fn machine_places() -> Vec<String> {
    let homes = ["HOME", "CARGO_HOME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let root = tree::root().to_string_lossy().into_owned();
    // A container's home may be `/`, and a checkout may stand in `/app`: too short to mean a place.
    homes
        .chain([root])
        .map(|place| place + "/")
        .filter(|place| place.matches('/').count() > 2)
        .collect()
}

fn name(file: &File) -> Vec<Finding> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let module = name.strip_suffix(".rs").unwrap_or(name);
    let mut findings = Vec::new();
    if module == "mod" {
        findings.push(Finding::of(
            &file.path,
            "no mod.rs: a module's file stands beside its folder",
        ));
    }
    if VAGUE.contains(&module) {
        findings.push(Finding::of(
            &file.path,
            format!("`{module}` says nothing of what is inside: name it"),
        ));
    }
    findings
}

fn lines(file: &File) -> Vec<Finding> {
    find([file], |line| {
        let line = line.trim();
        if line.starts_with("pub use") && line.ends_with("::*;") {
            return Some("no glob re-exports: name what is exported".to_owned());
        }
        let ignored = concat!("#[", "ignore");
        line.starts_with(ignored)
            .then(|| "a test that never runs is not a test".to_owned())
    })
}

fn find<'a>(
    files: impl IntoIterator<Item = &'a File>,
    wrong: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let lines = file.text.lines().enumerate();
        findings
            .extend(lines.filter_map(|(index, line)| Some(Finding::at(&file.path, index + 1, wrong(line)?))));
    }
    findings
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, tree};

    #[test]
    fn files_begin_with_a_header() {
        let files = tree(&[
            ("a.rs", "//! Says it.\n"),
            ("b.rs", "use x;\n"),
            ("c.md", "# Any\n"),
        ]);
        assert_eq!(
            shown(&headers(&files)),
            ["b.rs:1: a file begins with a `//!` header: what it is for"]
        );
    }

    #[test]
    fn files_end_at_a_thousand_lines() {
        let long = "//! x\n".repeat(1001);
        let files = tree(&[("a.rs", &long[..6000]), ("b.rs", &long)]);
        assert_eq!(
            shown(&lengths(&files)),
            ["b.rs: 1001 lines; 1000 is the end: split it"]
        );
    }

    #[test]
    fn names_say_something() {
        let files = tree(&[("a/mod.rs", ""), ("a/utils.rs", ""), ("a/drain.rs", "")]);
        assert_eq!(
            shown(&forbidden(&files)),
            [
                "a/mod.rs: no mod.rs: a module's file stands beside its folder",
                "a/utils.rs: `utils` says nothing of what is inside: name it",
            ]
        );
    }

    #[test]
    fn globs_and_sleeping_tests_are_refused() {
        let text = concat!("pub use inner::*;\n    #[", "ignore = \"slow\"]\nuse super::*;\n");
        assert_eq!(
            shown(&forbidden(&tree(&[("a.rs", text)]))),
            [
                "a.rs:1: no glob re-exports: name what is exported",
                "a.rs:2: a test that never runs is not a test",
            ]
        );
    }

    #[test]
    fn machine_paths_stay_on_their_machine() {
        let text = format!("see {}jo/x\nsee /opt/checkout/x\nsee /etc/x\n", HOMES[0]);
        let places = ["/opt/checkout/".to_owned()];
        let findings = machine_paths(
            &tree(&[("a.md", &text), ("crates/chart/tests/corpus/x", &text)]),
            &places,
        );
        assert_eq!(
            findings.iter().map(|finding| finding.line).collect::<Vec<_>>(),
            [Some(1), Some(2)]
        );
    }

    #[test]
    fn merges_are_finished() {
        let marks = [
            "<".repeat(7) + " HEAD\n",
            "<".repeat(7) + " yours\n",
            "a\n".to_owned(),
        ];
        let findings = unmerged(&tree(&[("docs/a.md", &marks.concat())]));
        let lines = findings.iter().map(|finding| finding.line);
        assert_eq!(lines.collect::<Vec<_>>(), [Some(1)]);
    }

    #[test]
    fn notes_name_their_version() {
        let lines = ["(0.2): later", ": someday", "(me): x", "(1)", "(1.0.3)"]
            .map(|rest| format!("// {NOTE}{rest}\n"));
        let findings = unversioned_notes(&tree(&[("a.rs", &lines.concat())]));
        assert_eq!(
            findings.iter().map(|finding| finding.line).collect::<Vec<_>>(),
            [Some(2), Some(3), Some(4)]
        );
    }
}
