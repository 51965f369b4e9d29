//! Manifests with and without a finding: `cases/CHECK.yaml`, one file for each check.
//!
//! A file is cut at lines that begin with `###`. `### bad | OBJECT | PATH | WORDS` has exactly that finding of the check, on
//! the line that ends in `# here` where one does; `### good | WORDS` has none of it, and no error or warning at all. Words say
//! what is known: `alone` (the namespace has nothing yet), `up`, `digest`, `node`, `minor=N`, `record=BYTES`,
//! `served=KIND.GROUP`; and the severity where it is not an error.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use checks::{Context, ImagePolicy, Known, Record};
use manifest::Severity;
use objects::{Kind, Quantity};

/// A manifest, and what is to be found in it.
pub struct Case {
    /// The id of the check.
    pub check: String,
    pub context: Context,
    pub text: String,
    /// Nothing for a manifest that is fine.
    pub finding: Option<Expected>,
}

pub struct Expected {
    pub object: String,
    pub path: String,
    pub severity: Severity,
    /// 0 when the case does not say.
    pub line: usize,
}

/// Every case, by the check's id.
pub fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: &Path| {
        let check = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let cases: Vec<Case> = text
            .split("### ")
            .skip(1)
            .map(|section| case(check, section))
            .collect();
        cases
    };
    files.iter().flat_map(|path| read(path)).collect()
}

fn case(check: &str, section: &str) -> Case {
    let (head, text) = section.split_once('\n').unwrap();
    let parts: Vec<&str> = head.split('|').map(str::trim).collect();
    let (place, words) = match parts.as_slice() {
        ["bad", object, path] => (Some((object, path)), ""),
        ["bad", object, path, words] => (Some((object, path)), *words),
        ["good"] => (None, ""),
        ["good", words] => (None, *words),
        other => panic!("{check}: {other:?}"),
    };
    let (context, severity) = context(words);
    let line = text.lines().position(|line| line.ends_with("# here"));
    let finding = place.map(|(object, path)| Expected {
        object: (*object).to_owned(),
        path: (*path).to_owned(),
        severity,
        line: line.map_or(0, |line| line + 1),
    });
    Case {
        check: check.to_owned(),
        context,
        text: text.to_owned(),
        finding,
    }
}

fn context(words: &str) -> (Context, Severity) {
    let mut context = Context::new("rel", "ns", 35);
    let mut severity = Severity::Error;
    let alone = || Known {
        namespaces: BTreeSet::from(["ns".to_owned()]),
        custom_kinds: Some(BTreeSet::new()),
        ..Known::default()
    };
    for word in words.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("alone", _) => context.known = Some(alone()),
            ("up", _) => context.always_up = true,
            ("digest", _) => context.images = ImagePolicy::Digest,
            ("node", _) => {
                context.node = BTreeMap::from([("memory".to_owned(), Quantity::parse("16Gi").unwrap())]);
            }
            ("minor", minor) => {
                context.minor = minor.parse().unwrap();
                context.next_minor = context.minor + 1;
            }
            ("record", bytes) => {
                context.record = Some(Record {
                    bytes: bytes.parse().unwrap(),
                    max_bytes: 1 << 20,
                });
            }
            ("served", kind) => {
                let (name, group) = kind.split_once('.').unwrap();
                let kinds = BTreeSet::from([Kind::new(group, name)]);
                context.known = Some(Known {
                    custom_kinds: Some(kinds),
                    ..alone()
                });
            }
            ("error", _) => severity = Severity::Error,
            ("warning", _) => severity = Severity::Warning,
            ("note", _) => severity = Severity::Note,
            other => panic!("{other:?}"),
        }
    }
    (context, severity)
}
