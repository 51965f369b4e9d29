//! Objects that a tenant may and may not write, for the guard here and for a cluster elsewhere.
//!
//! A case is a document of `cases/*.yaml`. Its first line is `# allowed`, `# CHECK PATH`, or `# warned CHECK PATH`; the
//! finding is on the line that ends in `# here`. `QUIET` and `GOOD` stand for what a good pod and container have.

const FILES: [&str; 2] = [
    include_str!("cases/pods.yaml"),
    include_str!("cases/objects.yaml"),
];

const QUIET: &str = "automountServiceAccountToken: false";
const GOOD: &str = "securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, \
                    capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}";

/// An object, and what is to be found in it.
pub struct Case {
    /// The manifest.
    pub text: String,
    /// Nothing for an object that is fine.
    pub finding: Option<Expected>,
}

pub struct Expected {
    pub check: String,
    pub path: String,
    pub line: usize,
    pub is_warning: bool,
}

pub fn all() -> Vec<Case> {
    let documents = FILES.iter().flat_map(|file| file.split("---\n"));
    documents.map(case).collect()
}

fn case(document: &str) -> Case {
    let text = document.replace("QUIET", QUIET).replace("GOOD", GOOD);
    let first = text.lines().next().unwrap().strip_prefix("# ").unwrap();
    let words: Vec<&str> = first.split(' ').collect();
    let here = text.lines().position(|line| line.ends_with("# here"));
    let finding = match words.as_slice() {
        ["allowed"] => None,
        ["warned", check, path] => Some((check, path, true)),
        [check, path] => Some((check, path, false)),
        other => panic!("{other:?}"),
    };
    let finding = finding.map(|(check, path, is_warning)| Expected {
        check: (*check).to_owned(),
        path: (*path).to_owned(),
        line: here.unwrap_or_else(|| panic!("no line: {first}")) + 1,
        is_warning,
    });
    Case { text, finding }
}
