//! Keys that a table gives twice. Helm takes the last of them and its linter speaks of every other.
//!
//! Lines are looked for in the text, not taken from the reader: they serve to find the place.

use std::borrow::Cow;
use std::collections::BTreeSet;

use yaml::Builder;

use super::chartfile::line_of;
use crate::go_text::quote;

/// What a strict reader says of a document with keys that are given twice, and the line of the first.
pub(super) fn problem(document: &[u8]) -> Option<(Option<u32>, String)> {
    let mut keys = Keys::default();
    yaml::build(document, &mut keys).ok()?;
    let lines: Vec<_> = keys.again.iter().map(|key| line_of(document, key, 1)).collect();
    let first = *lines.first()?;
    let mut message = String::from("error converting YAML to JSON: yaml: unmarshal errors:");
    for (key, line) in keys.again.iter().zip(lines) {
        let line = line.map_or(String::new(), |line| format!("line {line}: "));
        message.push_str(&format!("\n  {line}key {} already set in map", quote(key)));
    }
    Some((first, message))
}

/// Builds nothing and remembers the keys it has seen before.
#[derive(Debug, Default)]
struct Keys {
    again: Vec<String>,
}

impl Builder for Keys {
    type Node = ();

    fn null(&mut self) {}

    fn bool(&mut self, _: bool) {}

    fn int(&mut self, _: i64) {}

    fn uint(&mut self, _: u64) {}

    fn float(&mut self, _: f64) {}

    fn string(&mut self, _: Cow<'_, str>) {}

    fn sequence(&mut self, _: impl ExactSizeIterator<Item = ()>) {}

    fn mapping<'k>(&mut self, entries: impl ExactSizeIterator<Item = (Cow<'k, str>, ())>) {
        let mut seen = BTreeSet::new();
        for (key, ()) in entries {
            if seen.contains(&*key) {
                self.again.push(key.into_owned());
            } else {
                seen.insert(key.into_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_given_again_is_named_with_its_line() {
        let check = |document: &str, expected: Option<&str>| {
            let found = problem(document.as_bytes()).map(|(_, message)| message);
            let head = "error converting YAML to JSON: yaml: unmarshal errors:";
            assert_eq!(
                found,
                expected.map(|lines| format!("{head}{lines}")),
                "{document}"
            );
        };
        check("a: 1\nb: 2\n", None);
        check("a: [\n", None);
        check(
            "a: 1\nb: 2\na: 3\n",
            Some("\n  line 3: key \"a\" already set in map"),
        );
        check(
            "a: 1\na: 2\nl:\n- {b: 1, b: 2}\n",
            Some("\n  key \"b\" already set in map\n  line 2: key \"a\" already set in map"),
        );
    }
}
