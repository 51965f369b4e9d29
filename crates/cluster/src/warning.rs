//! Warnings that an API server sends beside its answers: versions that are going, fields that do nothing, policies.
//!
//! They are kept, each once, until somebody takes them to show them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::WARNING;

/// The most different warnings that are kept: a chart in which more are wrong has the same few mistakes in it.
const MOST: usize = 100;

/// The code of a warning that is for people.
const FOR_PEOPLE: &str = "299";

/// What a cluster has warned of.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    all: HashSet<String>,
    /// Those that nobody has taken yet, in the order in which they came.
    fresh: Vec<String>,
}

impl Warnings {
    /// Keeps those of an answer that are new.
    pub(crate) fn note(&self, headers: &HeaderMap) {
        for value in headers.get_all(WARNING) {
            for text in value.to_str().map(texts).unwrap_or_default() {
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.all.len() < MOST && kept.all.insert(text.clone()) {
                    kept.fresh.push(text);
                }
            }
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept.fresh)
    }
}

/// The texts of a header as RFC 7234 has it: `299 - "text"`, with a date after it or none, several with commas between.
fn texts(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = header;
    while let Some((head, quoted)) = rest.split_once('"') {
        let (text, after) = unquoted(quoted);
        let is_for_people = head
            .trim_start_matches([',', ' '])
            .split(' ')
            .next()
            .is_some_and(|code| code == FOR_PEOPLE);
        if is_for_people && !text.is_empty() {
            texts.push(text);
        }
        // A date is quoted too, and nothing but a space is before it; it has no code, so it is passed over.
        rest = after;
    }
    texts
}

/// What stands before the quote that ends a text, and what comes behind it.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            // A terminal is none of the server's.
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn warnings_for_people_are_read() {
        for (header, expected) in [
            (r#"299 - "old is going""#, &["old is going"][..]),
            (r#"299 - "say \"a\\b\"""#, &[r#"say "a\b""#]),
            (r#"299 k8s "one" "Mon, 02 Jan 2006 15:04:05 GMT""#, &["one"]),
            (r#"299 - "one", 299 - "two""#, &["one", "two"]),
            (r#"199 - "not for people", 299 - "two""#, &["two"]),
            (r#"299 - "#, &[]),
            (r#"299 - "cut"#, &["cut"]),
            ("", &[]),
        ] {
            assert_eq!(texts(header), expected, "{header}");
        }
    }

    #[test]
    fn each_is_told_once_and_no_more_than_a_person_reads() {
        let warnings = Warnings::default();
        let note = |text: &str| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(&format!("299 - \"{text}\"")).unwrap();
            headers.append(WARNING, value);
            warnings.note(&headers);
        };
        note("a");
        note("b");
        note("a");
        assert_eq!(warnings.take(), ["a", "b"]);
        note("a");
        assert_eq!(warnings.take(), Vec::<String>::new());
        for number in 0..2 * MOST {
            note(&number.to_string());
        }
        assert_eq!(warnings.take().len(), MOST - 2);
    }
}
