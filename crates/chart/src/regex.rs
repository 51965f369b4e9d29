//! Regular expressions with Go's syntax and meaning, on the automata of the `regex` crates.
//!
//! ```text
//! pattern ──syntax──► Hir ──regex-automata──► Regex ──► find, find_all, replace, split
//! ```
//!
//! Both engines prefer the leftmost match and among those the first alternative, so only the syntax has to be
//! read anew and the loops over matches have to step as Go's do. Compiled patterns are kept per thread, since a
//! chart asks for the same few patterns again and again.
//!
//! It differs from Go in one way: a byte that is no UTF-8 is matched by nothing here, and by `.` in Go.

mod class;
mod syntax;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

pub use syntax::SyntaxError;

/// Go allows 128 MB; a template's patterns need a few kilobytes, and a hostile one shall not cost more.
const MAX_PROGRAM_BYTES: usize = 10 << 20;

/// More patterns than any chart has; when it is reached the cache starts anew.
const MAX_CACHED: usize = 512;

thread_local! {
    static CACHE: RefCell<HashMap<Box<[u8]>, Rc<Regex>>> = RefCell::default();
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Regex {
    program: meta::Regex,
    /// The names of the groups, from group 1 on; a name may occur twice.
    names: Vec<Option<Box<str>>>,
}

/// What a match is replaced with.
#[derive(Clone, Copy, Debug)]
pub enum Replacement<'a> {
    Literal(&'a [u8]),
    /// Text in which `$1` and `${name}` stand for what a group matched.
    Template(&'a [u8]),
}

impl Regex {
    /// The compiled form of a pattern, from this thread's cache if it is there.
    ///
    /// # Errors
    /// A pattern that Go refuses, in Go's words, or one that is too large.
    pub fn cached(pattern: &[u8]) -> Result<Rc<Self>, SyntaxError> {
        CACHE.with_borrow_mut(|cache| {
            if let Some(regex) = cache.get(pattern) {
                return Ok(Rc::clone(regex));
            }
            let regex = Rc::new(Self::new(pattern)?);
            if cache.len() >= MAX_CACHED {
                cache.clear();
            }
            cache.insert(pattern.into(), Rc::clone(&regex));
            Ok(regex)
        })
    }

    /// Compiles a pattern.
    ///
    /// # Errors
    /// As [`Regex::cached`].
    pub fn new(pattern: &[u8]) -> Result<Self, SyntaxError> {
        let parsed = syntax::parse(pattern)?;
        let program = meta::Builder::new()
            .configure(
                meta::Config::new()
                    .nfa_size_limit(Some(MAX_PROGRAM_BYTES))
                    .hybrid_cache_capacity(MAX_PROGRAM_BYTES)
                    // Most patterns meet a handful of short texts, which does not repay building these.
                    .dfa(false)
                    .onepass(false),
            )
            .build_from_hir(&parsed.hir)
            .map_err(|_| SyntaxError::too_large(pattern))?;
        Ok(Self {
            program,
            names: parsed.names,
        })
    }

    pub fn is_match(&self, text: &[u8]) -> bool {
        self.program.is_match(text)
    }

    /// The leftmost match.
    pub fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        self.find_from(text, 0)
    }

    /// The matches from left to right, at most `limit` of them. An empty match right behind another is none.
    pub fn find_all(&self, text: &[u8], limit: usize) -> Vec<Range<usize>> {
        let mut matches = Vec::new();
        let mut position = 0;
        let mut previous_end = None;
        while matches.len() < limit && position <= text.len() {
            let Some(found) = self.find_from(text, position) else {
                break;
            };
            let mut accepted = true;
            if found.end == position {
                accepted = previous_end != Some(found.start);
                position += width_at(text, position);
            } else {
                position = found.end;
            }
            previous_end = Some(found.end);
            if accepted {
                matches.push(found);
            }
        }
        matches
    }

    /// Replaces every match.
    pub fn replace_all(&self, text: &[u8], replacement: Replacement<'_>) -> Vec<u8> {
        let template = match replacement {
            Replacement::Literal(literal) => return self.replace_literally(text, literal),
            Replacement::Template(template) if !template.contains(&b'$') => {
                return self.replace_literally(text, template);
            }
            Replacement::Template(template) => template,
        };
        let mut captures = self.program.create_captures();
        let search = |position: usize, captures: &mut Captures| {
            self.program
                .search_captures(&Input::new(text).range(position..), captures);
            captures.get_match().map(|found| found.range())
        };
        replace(text, &mut captures, search, |captures, out| {
            self.expand(template, text, captures, out);
        })
    }

    /// Cuts the text at every match, into at most `limit` pieces.
    pub fn split<'t>(&self, text: &'t [u8], limit: Option<usize>) -> Vec<&'t [u8]> {
        let mut pieces = Vec::new();
        let (mut start, mut end) = (0, 0);
        for found in self.find_all(text, limit.unwrap_or(usize::MAX)) {
            if limit.is_some_and(|limit| pieces.len() + 1 == limit) {
                break;
            }
            end = found.start;
            if found.end != 0 {
                pieces.push(&text[start..end]);
            }
            start = found.end;
        }
        if end != text.len() {
            pieces.push(&text[start..]);
        }
        pieces
    }

    fn find_from(&self, text: &[u8], position: usize) -> Option<Range<usize>> {
        let input = Input::new(text).range(position..).anchored(Anchored::No);
        self.program.search(&input).map(|found| found.range())
    }

    fn replace_literally(&self, text: &[u8], literal: &[u8]) -> Vec<u8> {
        let search = |position: usize, (): &mut ()| self.find_from(text, position);
        replace(text, &mut (), search, |(), out| out.extend_from_slice(literal))
    }

    /// Writes a template with its groups filled in. A group that is unknown or did not take part is empty.
    fn expand(&self, template: &[u8], text: &[u8], captures: &Captures, out: &mut Vec<u8>) {
        let mut rest = template;
        while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
            out.extend_from_slice(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if let Some(tail) = rest.strip_prefix(b"$") {
                out.push(b'$');
                rest = tail;
                continue;
            }
            let Some((name, tail)) = reference(rest) else {
                out.push(b'$');
                continue;
            };
            rest = tail;
            if let Some(found) = self.group(name, captures) {
                out.extend_from_slice(&text[found]);
            }
        }
        out.extend_from_slice(rest);
    }

    fn group(&self, name: &str, captures: &Captures) -> Option<Range<usize>> {
        let span = |index: usize| captures.get_group(index).map(|span| span.range());
        if name.bytes().all(|byte| byte.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0')) {
            return span(name.parse().ok()?);
        }
        let named = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, own)| own.as_deref() == Some(name));
        named.map(|(index, _)| index + 1).find_map(span)
    }
}

/// Escapes everything in a text that means something in a pattern.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 8);
    for byte in text {
        if br"\.+*?()|[]{}^$".contains(byte) {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted
}

/// Walks over the matches as Go's replacing does: an empty match is only replaced away from the one before it.
fn replace<S>(
    text: &[u8],
    state: &mut S,
    search: impl Fn(usize, &mut S) -> Option<Range<usize>>,
    mut write: impl FnMut(&S, &mut Vec<u8>),
) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut position, mut last_end) = (0, 0);
    while position <= text.len() {
        let Some(found) = search(position, state) else {
            break;
        };
        out.extend_from_slice(&text[last_end..found.start]);
        if found.end > last_end || found.start == 0 {
            write(state, &mut out);
        }
        last_end = found.end;
        position = found.end.max(position + width_at(text, position));
    }
    out.extend_from_slice(&text[last_end..]);
    out
}

/// The width of the character at a position; 1 for a byte that is no character and for the end.
fn width_at(text: &[u8], position: usize) -> usize {
    let width = match text.get(position) {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return 1,
    };
    let whole = text
        .get(position..position + width)
        .is_some_and(|bytes| std::str::from_utf8(bytes).is_ok());
    if whole { width } else { 1 }
}

/// Reads `name` or `{name}` behind a `$`, and gives what follows it.
fn reference(template: &[u8]) -> Option<(&str, &[u8])> {
    let (inner, braced) = match template.strip_prefix(b"{") {
        Some(inner) => (inner, true),
        None => (template, false),
    };
    let valid = inner.utf8_chunks().next()?.valid();
    let end = valid
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .unwrap_or(valid.len());
    let (name, tail) = (&valid[..end], &inner[end..]);
    if name.is_empty() {
        return None;
    }
    let tail = if braced { tail.strip_prefix(b"}")? } else { tail };
    Some((name, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_matches(pattern: &str, text: &str, expected: &[&str]) {
        let regex = Regex::new(pattern.as_bytes()).unwrap();
        let found: Vec<_> = regex
            .find_all(text.as_bytes(), usize::MAX)
            .into_iter()
            .map(|at| &text[at])
            .collect();
        assert_eq!(found, expected, "{pattern} in {text}");
    }

    fn check_replace(pattern: &str, text: &str, template: &str, expected: &str) {
        let regex = Regex::cached(pattern.as_bytes()).unwrap();
        let replaced = regex.replace_all(text.as_bytes(), Replacement::Template(template.as_bytes()));
        assert_eq!(
            String::from_utf8(replaced).unwrap(),
            expected,
            "{pattern} in {text} by {template}"
        );
    }

    fn check_split(pattern: &str, text: &str, limit: Option<usize>, expected: &[&str]) {
        let regex = Regex::new(pattern.as_bytes()).unwrap();
        let expected: Vec<_> = expected.iter().map(|piece| piece.as_bytes()).collect();
        assert_eq!(
            regex.split(text.as_bytes(), limit),
            expected,
            "{pattern} in {text}"
        );
    }

    fn check_refused(pattern: &str, expected: &str) {
        let error = Regex::new(pattern.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("error parsing regexp: {expected}"), "{pattern}");
    }

    #[test]
    fn classes_are_ascii_unless_they_are_unicodes() {
        check_matches(r"\w+", "héllo wörld", &["h", "llo", "w", "rld"]);
        check_matches(r"\d", "1٣", &["1"]);
        check_matches(r"\s", "a\u{a0} \u{b}", &[" "]);
        check_matches(r"[^\s,]+", " a, b", &["a", "b"]);
        check_matches(r"\bé", "é aé", &["é"]);
        check_matches(r"\p{Greek}+|\pN", "aβγ1", &["βγ", "1"]);
        check_matches("[[:alpha:]-]+", "a-b1é", &["a-b"]);
        check_matches("(?i)k", "kK\u{212a}", &["k", "K", "\u{212a}"]);
    }

    #[test]
    fn what_is_an_operator_elsewhere_is_literal_in_go() {
        check_matches("[a&&b~~c]+", "a&&b~~c", &["a&&b~~c"]);
        check_matches("[[a]+", "[a[", &["[a["]);
        check_matches("a{,2}{", "a{,2}{", &["a{,2}{"]);
        check_matches(r"\Qa.b\E+", "a.bb axb", &["a.bb"]);
        check_matches(r"\x41\x{42}\103", "ABC", &["ABC"]);
    }

    #[test]
    fn empty_matches_step_by_characters() {
        check_matches("", "☃a", &["", "", ""]);
        check_matches("a*", "baac", &["", "aa", ""]);
        check_replace("a*", "baac", "-", "-b-c-");
        check_replace("x*", "☃", "-", "-☃-");
        check_replace(r"\B", "☃", "-", "-☃-");
    }

    #[test]
    fn replacements_name_groups_by_number_and_name() {
        check_replace(
            "(a)(?P<n>b)?",
            "ab a",
            "<$1|${n}|$0|$9|$$|$1x|${|$>",
            "<a|b|ab||$||${|$> <a||a||$||${|$>",
        );
        check_replace("(?P<x>a)|(?P<x>b)", "ab", "[$x]", "[a][b]");
    }

    #[test]
    fn splitting_keeps_the_pieces_go_keeps() {
        check_split(",", "a,b,,c", None, &["a", "b", "", "c"]);
        check_split(",", "a,b,c", Some(2), &["a", "b,c"]);
        check_split("", "ab☃", None, &["a", "b", "☃"]);
        check_split("z*", "pizza", None, &["p", "i", "a"]);
        check_split(",", "a,", None, &["a", ""]);
    }

    #[test]
    fn bad_patterns_are_refused_in_gos_words() {
        check_refused("a(", "missing closing ): `a(`");
        check_refused("a)", "unexpected ): `a)`");
        check_refused("[a", "missing closing ]: `[a`");
        check_refused("[z-a]", "invalid character class range: `z-a`");
        check_refused("[[:foo:]]", "invalid character class range: `[:foo:]`");
        check_refused("a**", "invalid nested repetition operator: `**`");
        check_refused("*", "missing argument to repetition operator: `*`");
        check_refused("a{1001}", "invalid repeat count: `{1001}`");
        check_refused("(a{500}){3}", "invalid repeat count: `{3}`");
        check_refused(r"\8", r"invalid escape sequence: `\8`");
        check_refused("\\", "trailing backslash at end of expression: ``");
        check_refused("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        check_refused("(?P<a b>x)", "invalid named capture: `(?P<a b>`");
        check_refused(r"\p{Foo}", r"invalid character class range: `\p{Foo}`");
    }

    #[test]
    fn hostile_patterns_end_in_an_error() {
        assert!(Regex::new("(".repeat(60_000).as_bytes()).is_err());
        check_refused(&format!("{}{}", "(?:".repeat(300), ")".repeat(300)), &{
            format!(
                "expression nests too deeply: `{}{}`",
                "(?:".repeat(300),
                ")".repeat(300)
            )
        });
        assert!(Regex::new(format!("a*{}", "(?i)*".repeat(10_000)).as_bytes()).is_err());
        assert!(Regex::new(r"(?:\pL{100}){10}".as_bytes()).is_err());
        assert!(Regex::new(&[b'a'; 100_000]).is_err());
    }

    #[test]
    fn quoting_escapes_exactly_the_operators() {
        assert_eq!(
            quote_meta(br"a.b\[]{}()*+?^$|-/"),
            br"a\.b\\\[\]\{\}\(\)\*\+\?\^\$\|-/"
        );
    }
}
