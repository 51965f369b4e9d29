//! The lines of a document's parts, for whoever has found something in the value and has to show where it stands.
//!
//! A second pass over the text, made only when there is something to show, so that reading keeps no positions. What an
//! alias or `<<` brings in stands where it is brought in. In a flow collection the line is that of the comma or bracket
//! before the part. Text that is not YAML has the lines of what comes before the fault.

use std::collections::HashMap;

use crate::error::Error;
use crate::parse::{Event, Parser};
use crate::reader::Reader;

/// The lines of a document's parts.
#[derive(Debug)]
pub struct Lines {
    /// The first is the document itself. A part comes after the one that holds it.
    parts: Vec<Part>,
}

#[derive(Debug, Default)]
struct Part {
    /// From zero.
    line: u32,
    /// By key, or index as text. Of equal keys the last counts.
    inner: HashMap<String, usize>,
}

/// A collection that is being read.
#[derive(Debug)]
struct Open {
    part: usize,
    is_mapping: bool,
    /// The part of the key whose value comes next.
    value: Option<usize>,
}

impl Lines {
    /// Finds the lines of a text's first document.
    #[must_use]
    pub fn of(document: &str) -> Self {
        let reader = Reader::new(document.as_bytes());
        let mut parser = Parser::new(&reader.text, reader.bad.clone());
        let mut lines = Self {
            parts: vec![Part::default()],
        };
        // A fault ends it early; what is known until then is right.
        let _ = lines.read(&mut parser);
        lines
    }

    /// The line, from one, of the part that a path leads to, or of the last part on the way that there is. Indices are
    /// written as text.
    #[must_use]
    pub fn line<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> usize {
        let mut part = &self.parts[0];
        for step in path {
            match part.inner.get(step).and_then(|at| self.parts.get(*at)) {
                Some(next) => part = next,
                None => break,
            }
        }
        part.line as usize + 1
    }

    fn read(&mut self, parser: &mut Parser<'_>) -> Result<(), Error> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let line = parser.line()?;
            let event = parser.next_event()?;
            if let (Some(top), Event::Scalar(scalar)) = (open.last_mut(), &event)
                && top.is_mapping
                && top.value.is_none()
            {
                top.value = Some(self.add(top.part, scalar.raw.text().into_owned(), line));
                continue;
            }
            let is_mapping = match event {
                Event::End => return Ok(()),
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(());
                    }
                    continue;
                }
                Event::Scalar(_) | Event::Alias(_) => None,
                Event::SequenceStart { .. } => Some(false),
                Event::MappingStart { .. } => Some(true),
            };
            let part = match open.last_mut() {
                None => 0,
                Some(top) if !top.is_mapping => {
                    let index = self.parts[top.part].inner.len();
                    self.add(top.part, index.to_string(), line)
                }
                Some(top) => match top.value.take() {
                    Some(part) => part,
                    // A key that is no text: JSON has none, so no path leads there.
                    None => return Ok(()),
                },
            };
            match is_mapping {
                Some(is_mapping) => open.push(Open {
                    part,
                    is_mapping,
                    value: None,
                }),
                None if open.is_empty() => return Ok(()),
                None => {}
            }
        }
    }

    fn add(&mut self, to: usize, key: String, line: u32) -> usize {
        let at = self.parts.len();
        self.parts.push(Part {
            line,
            inner: HashMap::new(),
        });
        self.parts[to].inner.insert(key, at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expected: &[(&str, usize)]) {
        let lines = Lines::of(document);
        for (path, line) in expected {
            let path = path.split('.').filter(|step| !step.is_empty());
            assert_eq!(lines.line(path.clone()), *line, "{:?}", path.collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_part_has_the_line_of_its_key_or_dash() {
        check(
            "# a\nkind: Pod\nspec:\n  containers:\n  - name: a\n    ports:\n      - hostPort: 80\n\n  -\n    name: b\n",
            &[
                ("kind", 2),
                ("spec", 3),
                ("spec.containers.0", 5),
                ("spec.containers.0.name", 5),
                ("spec.containers.0.ports.0.hostPort", 7),
                ("spec.containers.1", 9),
                ("spec.containers.1.name", 10),
            ],
        );
    }

    #[test]
    fn what_is_not_there_has_the_line_of_what_holds_it() {
        check(
            "a:\n  b: &x\n    c: 1\nd: *x\n",
            &[("a.b.q.r", 2), ("d.c", 4), ("", 1)],
        );
    }

    #[test]
    fn flow_collections_and_equal_keys_have_lines_too() {
        check(
            "a: {b: [1, 2],\n  c: 3}\na: 1\ne: {x: {y: 1}}",
            &[("a", 3), ("e.x.y", 4)],
        );
    }

    #[test]
    fn a_fault_keeps_the_lines_before_it() {
        check("a: 1\nb: 2\nc: [\n", &[("b", 2), ("c.0", 3)]);
        check("", &[("a", 1)]);
        check("? [a]\n: 1\n", &[("a", 1)]);
    }
}
