//! What a verification leaves, as one document under its digest: for whoever asks later what was seen.
//!
//! ```text
//! Report, what each rehearsal left ──► lines of JSON, within bounds ──► gzip ──► bytes, digest
//! ```
//!
//! The first line is the report, with how much was left out; each other one is an object, an event or a log of one rehearsal.
//! Values of Secrets are masked before they come here. Not here: where it is stored.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use kinds::Level;
use model::Digest;
use serde_json::{Value, json};

use crate::print;
use crate::report::Report;

/// The most JSON in it. A service leaves a tenth of one MiB; the largest public chart, with its definitions, about five.
const MOST_BYTES: usize = 8 << 20;

/// The most that the report may take of it, before its diffs are left out: they can be made again from the commits.
const MOST_REPORT: usize = MOST_BYTES / 2;

/// The evidence of a verification.
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence {
    bytes: Vec<u8>,
    digest: Digest,
    /// How many objects, events and logs it holds, and how many had no place in it.
    pub kept: usize,
    pub left_out: usize,
}

/// What one rehearsal left.
#[derive(Clone, Debug)]
pub(crate) struct Remains {
    pub level: Level,
    pub stage: String,
    pub run: &'static str,
    /// What matters most first, as `("object", value)`.
    pub items: Vec<(&'static str, Value)>,
}

impl Evidence {
    /// Packs a report and what was left.
    pub(crate) fn of(report: &Report, remains: &[Remains]) -> Self {
        let mut told = print::value(report, "");
        let mut length = told.to_string().len();
        let is_long = length > MOST_REPORT;
        if is_long {
            told["changes"] = json!([]);
            length = told.to_string().len();
        }
        // Each rehearsal has the same share, so that a large first one does not hide the second.
        let share = MOST_BYTES.saturating_sub(length) / remains.len().max(1);
        let (mut lines, mut kept, mut left_out) = (String::new(), 0, 0);
        for one in remains {
            let mut room = share;
            for (what, value) in &one.items {
                let Remains {
                    level, stage, run, ..
                } = one;
                let line = json!({"level": level, "stage": stage, "run": run, *what: value}).to_string();
                if line.len() < room {
                    room -= line.len() + 1;
                    kept += 1;
                    lines.push_str(&line);
                    lines.push('\n');
                } else {
                    left_out += 1;
                }
            }
        }
        let head = json!({
            "shipway": env!("CARGO_PKG_VERSION"),
            "report": told,
            "kept": kept,
            "leftOut": {"items": left_out, "changes": is_long},
        });
        let bytes = packed(&format!("{head}\n{lines}"));
        let digest = Digest::of(&bytes);
        Self {
            bytes,
            digest,
            kept,
            left_out,
        }
    }

    /// The document: lines of JSON, packed with gzip.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it is stored under.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Evidence({}, {} bytes)", self.digest, self.bytes.len())
    }
}

fn packed(text: &str) -> Vec<u8> {
    // Without a time or a name in its head, so that the same text is the same bytes.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.expect("a buffer in memory takes all that is written")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::time::Duration;

    use super::*;
    use crate::changes::StageChange;

    fn report(diff: String) -> Report {
        Report {
            chart: "api 1".to_owned(),
            levels: Vec::new(),
            findings: Vec::new(),
            excepted: Vec::new(),
            restricted: String::new(),
            changes: vec![StageChange {
                diff,
                ..StageChange::default()
            }],
            phases: Vec::new(),
            evidence: None,
            took: Duration::ZERO,
        }
    }

    fn remains(run: &'static str, texts: &[usize]) -> Remains {
        Remains {
            level: Level::L2,
            stage: "production".to_owned(),
            run,
            items: texts
                .iter()
                .map(|length| ("object", json!("x".repeat(*length))))
                .collect(),
        }
    }

    fn text(evidence: &Evidence) -> String {
        let mut text = String::new();
        let mut unpacked = flate2::read::GzDecoder::new(evidence.bytes());
        unpacked.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_too_much_is_left_out_and_counted_and_every_rehearsal_has_its_share() {
        let half = MOST_BYTES / 2;
        let all = [
            remains("fresh", &[half - 1_000, half, 10]),
            remains("from live", &[half / 2]),
        ];
        let evidence = Evidence::of(&report(String::new()), &all);
        assert_eq!((evidence.kept, evidence.left_out), (3, 1));
        let text = text(&evidence);
        assert!(text.len() <= MOST_BYTES + 1_000, "{}", text.len());
        let head: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(head["leftOut"], json!({"items": 1, "changes": false}));
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn diffs_that_would_fill_it_are_left_out() {
        let evidence = Evidence::of(&report("x".repeat(MOST_REPORT)), &[]);
        let head: Value = serde_json::from_str(&text(&evidence)).unwrap();
        assert_eq!(head["leftOut"]["changes"], true);
        assert_eq!(head["report"]["changes"], json!([]));
    }

    #[test]
    fn the_same_is_the_same_bytes() {
        let once = || Evidence::of(&report(String::new()), &[remains("fresh", &[10])]);
        assert_eq!(once(), once());
    }
}
