//! A record that fits into a line, whatever it says: each text is cut where it becomes too long.
//!
//! A line that can't be written would be an action that nobody finds afterwards.

use delivery::audit::Record;

/// The most bytes of each text as they stand in the line, where a control character takes six. Together with numbers and
/// digests they are below the longest line. People's own words are checked before, and are shorter.
const WHO: usize = 2 * 1024;
const WHAT: usize = 8 * 1024;
const WHY: usize = 16 * 1024;
const OUTCOME: usize = 16 * 1024;

/// Cuts what is too long.
pub(super) fn fit(record: Record) -> Record {
    Record {
        who: cut(record.who, WHO),
        what: cut(record.what, WHAT),
        why: cut(record.why, WHY),
        outcome: cut(record.outcome, OUTCOME),
        ..record
    }
}

fn cut(text: String, most: usize) -> String {
    let mut written = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        written += size(character);
        (written > most).then_some(at)
    });
    match end {
        None => text,
        Some(end) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

/// How much a character takes in JSON, at most.
fn size(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        character if character.is_control() => 6,
        character => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use delivery::audit::{Head, MAX_LINE, append};
    use jiff::Timestamp;
    use model::Digest;

    use super::*;

    fn record(text: &str) -> Record {
        Record {
            time: Timestamp::MAX,
            who: text.to_owned(),
            what: text.to_owned(),
            plan: Some(Digest::of(b"x")),
            why: text.to_owned(),
            outcome: text.to_owned(),
        }
    }

    #[test]
    fn whatever_is_said_a_line_has_room_for_it() {
        let last = Head {
            number: u64::MAX - 1,
            ..Head::empty()
        };
        for text in ["x", "\u{1}", "\"", "\\", "ä", "🚢", "\u{7f}", "\u{2028}"] {
            let line = append(&last, fit(record(&text.repeat(100_000)))).line();
            assert!(line.len() <= MAX_LINE, "{text:?}: {}", line.len());
            assert!(Head::after(&line).is_some(), "{text:?} is read");
        }
        let short = record("what people say");
        assert_eq!(fit(short.clone()), short);
        let long = fit(record(&"y".repeat(100_000)));
        assert!(
            long.outcome.ends_with("y… (100000 bytes)"),
            "that it was cut is said"
        );
    }
}
