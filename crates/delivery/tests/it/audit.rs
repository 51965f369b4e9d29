//! The audit chain: whatever is done to a log is found.

use delivery::audit::{Broken, Entry, Head, How, Record, append, hash, verify};
use model::{Diagnose, Digest};
use proptest::prelude::*;

fn record(number: u64) -> Record {
    let second = i64::try_from(number).unwrap();
    Record {
        time: jiff::Timestamp::from_second(1_770_000_000 + second).unwrap(),
        who: format!("user-{}@example.com", number % 3),
        what: format!("approve promotion payments/api-1.{number}.0-production"),
        plan: number.is_multiple_of(2).then(|| Digest::from_sha256([7; 32])),
        why: "\"quoted\"\nand <more>".to_owned(),
        outcome: "done".to_owned(),
    }
}

fn chain(length: u64) -> (Vec<String>, Head) {
    let mut head = Head::empty();
    let mut lines = Vec::new();
    for number in 1..=length {
        let entry = append(&head, record(number));
        head = entry.head();
        lines.push(entry.line());
    }
    (lines, head)
}

fn looked_at(lines: &[String], known: Option<&Head>) -> Result<Head, Broken> {
    verify(lines.iter().map(String::as_str), known)
}

#[track_caller]
fn check(lines: &[String], known: Option<&Head>, line: u64, how: How) {
    assert_eq!(looked_at(lines, known), Err(Broken { line, how }));
}

#[test]
fn a_line_is_one_text() {
    let entry = append(&Head::empty(), record(2));
    let line = entry.line();
    assert!(line.starts_with(r#"{"hash":"sha256:"#), "{line}");
    assert!(!line.contains('\n'), "{line}");
    assert_eq!(hash(&entry), entry.head().hash);
    // The hash never changes: logs are kept for years.
    assert_eq!(
        hash(&entry).to_string(),
        "sha256:6f71bbf7b48593be8de8f42cccfa539591a0ee1bb0a18441b0039e154b2b4dca"
    );
}

#[test]
fn a_whole_log_has_a_head() {
    let (lines, head) = chain(5);
    assert_eq!(looked_at(&lines, None), Ok(head));
    assert_eq!(looked_at(&lines, Some(&head)), Ok(head));
    let (_, earlier) = chain(3);
    assert_eq!(looked_at(&lines, Some(&earlier)), Ok(head));
    assert_eq!(looked_at(&lines, Some(&Head::empty())), Ok(head));
    assert_eq!(looked_at(&[], None), Ok(Head::empty()));
}

#[test]
fn what_was_done_to_a_log_is_named() {
    let (lines, head) = chain(5);
    let mut changed = lines.clone();
    changed[2] = changed[2].replace("approve", "reject!");
    check(&changed, None, 3, How::Changed);

    let mut gone = lines.clone();
    gone.remove(2);
    check(&gone, None, 3, How::Missing);

    let mut first_gone = lines.clone();
    first_gone.remove(0);
    check(&first_gone, None, 1, How::Missing);

    let mut swapped = lines.clone();
    swapped.swap(1, 3);
    check(&swapped, None, 2, How::Reordered);

    let mut twice = lines.clone();
    twice.insert(3, lines[2].clone());
    check(&twice, None, 4, How::Reordered);

    check(&lines[..4], Some(&head), 5, How::Missing);
    check(&[], Some(&head), 1, How::Missing);

    // A line that was made anew as a whole does not fit to the next one.
    let (before, _) = chain(2);
    let other = Record {
        outcome: "refused".into(),
        ..record(3)
    };
    let of_two = looked_at(&before, None).unwrap();
    let mut forged = lines.clone();
    forged[2] = append(&of_two, other.clone()).line();
    check(&forged, None, 3, How::Changed);

    // A whole other end is found by the head alone.
    let mut end = before.clone();
    let mut last = of_two;
    for number in 3..=5 {
        let record = if number == 3 {
            other.clone()
        } else {
            record(number)
        };
        let entry = append(&last, record);
        last = entry.head();
        end.push(entry.line());
    }
    assert_eq!(looked_at(&end, None), Ok(last));
    check(&end, Some(&head), 5, How::Changed);
    let broken = Broken {
        line: 3,
        how: How::Missing,
    };
    assert_eq!(broken.to_string(), "line 3 of the audit log is missing");
    assert_eq!(broken.code().id, "SW1001");
    assert!(broken.hint().is_some());
}

#[test]
fn what_is_no_entry_is_changed() {
    let (lines, _) = chain(2);
    let spaced = lines[0].replace("\":", "\": ");
    let more = lines[0].replacen('{', "{\"more\":1,", 1);
    let long = format!("{}{}", lines[0], " ".repeat(70_000));
    for line in [
        "",
        "{}",
        "null",
        "[1]",
        spaced.as_str(),
        more.as_str(),
        long.as_str(),
    ] {
        let lines = vec![line.to_owned(), lines[1].clone()];
        check(&lines, None, 1, How::Changed);
    }
}

/// What is done to a log.
#[derive(Clone, Debug)]
enum Attack {
    Byte {
        line: usize,
        at: usize,
        with: u8,
    },
    Remove {
        line: usize,
    },
    Swap {
        one: usize,
        other: usize,
    },
    Repeat {
        line: usize,
        at: usize,
    },
    Cut {
        lines: usize,
    },
    /// A line made anew, with its own hash right.
    Forge {
        line: usize,
    },
}

fn attack() -> impl Strategy<Value = Attack> {
    let line = 0..12_usize;
    prop_oneof![
        (line.clone(), 0..400_usize, 32..127_u8).prop_map(|(line, at, with)| Attack::Byte { line, at, with }),
        line.clone().prop_map(|line| Attack::Remove { line }),
        (line.clone(), line.clone()).prop_map(|(one, other)| Attack::Swap { one, other }),
        (line.clone(), line.clone()).prop_map(|(line, at)| Attack::Repeat { line, at }),
        (1..12_usize).prop_map(|lines| Attack::Cut { lines }),
        line.prop_map(|line| Attack::Forge { line }),
    ]
}

fn attacked(lines: &[String], attack: &Attack) -> Vec<String> {
    let mut lines = lines.to_vec();
    let length = lines.len();
    match attack {
        Attack::Byte { line, at, with } => {
            let mut bytes = std::mem::take(&mut lines[line % length]).into_bytes();
            let at = at % bytes.len();
            bytes[at] = *with;
            lines[line % length] = String::from_utf8_lossy(&bytes).into_owned();
        }
        Attack::Remove { line } => {
            lines.remove(line % length);
        }
        Attack::Swap { one, other } => lines.swap(one % length, other % length),
        Attack::Repeat { line, at } => {
            let copy = lines[line % length].clone();
            lines.insert(at % (length + 1), copy);
        }
        Attack::Cut { lines: cut } => lines.truncate(length.saturating_sub(*cut)),
        Attack::Forge { line } => {
            let at = line % length;
            let before = verify(lines[..at].iter().map(String::as_str), None).unwrap();
            let record = Record {
                outcome: "forged".into(),
                ..record(before.number + 1)
            };
            let forged: Entry = append(&before, record);
            lines[at] = forged.line();
        }
    }
    lines
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_log_is_found(length in 1..12_u64, attack in attack()) {
        let (lines, head) = chain(length);
        let after = attacked(&lines, &attack);
        let found = looked_at(&after, Some(&head));
        prop_assert_eq!(found.is_ok(), after == lines, "{:?}: {:?}", attack, found);
        if let Err(Broken { line, .. }) = found {
            prop_assert!(line >= 1 && line <= length + 1, "{line}");
        }
    }
}
