//! File name patterns: the two pattern languages that Helm uses, which agree on little but `*`.
//!
//! - [`Glob`] is the language of `.Files.Glob`: `*` and `?` stop at `/`, `**` does not, `{a,b}` chooses, a class
//!   holds either one range or a list of characters and may match a `/`.
//! - [`filepath_match`] is Go's `path/filepath.Match`, which reads the lines of `.helmignore`.
//!
//! Both match whole names and know nothing of the file system. Both take time linear in the pattern times
//! quadratic in the name at worst: a set of positions is carried along instead of backtracking.

use std::iter::Peekable;
use std::str::Chars;

/// `{` may nest this deep: deeper is no file name, and the matcher recurses once for each level.
const MAX_NESTING: usize = 64;

/// A compiled pattern of `.Files.Glob`.
#[derive(Debug, Clone)]
pub struct Glob(Vec<Node>);

/// A pattern that its language does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    /// `*`
    Any,
    /// `**`
    Super,
    /// `?`
    Single,
    Class {
        set: Set,
        negated: bool,
    },
    /// `{a,b}`
    Choice(Vec<Vec<Node>>),
}

#[derive(Debug, Clone)]
enum Set {
    List(String),
    Range(char, char),
}

/// Reads a [`Glob`].
struct Parser<'a> {
    input: Peekable<Chars<'a>>,
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// Errors: a class that is open, empty or mixes lists with ranges, and `{` nested absurdly deep. An open `{`
    /// is closed by the pattern's end.
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        Parser {
            input: pattern.chars().peekable(),
        }
        .sequence(0)
        .map(Self)
    }

    /// The pattern that matches every name, which Helm falls back to when a pattern is bad.
    pub fn everything() -> Self {
        Self(vec![Node::Super])
    }

    /// Whether the pattern matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        let mut from = vec![false; name.len() + 1];
        from[0] = true;
        advance(&self.0, name, from)[name.len()]
    }
}

/// Go's `filepath.Match` on Unix.
///
/// `*` and `?` stop at `/`, a class is `[a-z]` or `[^a-z]`, a backslash takes the next byte literally.
///
/// # Errors
/// A pattern that is malformed anywhere, even behind the place where the name already fails to match.
pub fn filepath_match(pattern: &[u8], name: &[u8]) -> Result<bool, BadPattern> {
    // Most patterns are a name or a star and an ending, and a walk tries each on every file.
    let is_special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
    match pattern.iter().position(is_special) {
        None => return Ok(pattern == name),
        Some(0) if pattern[0] == b'*' && !pattern[1..].iter().any(is_special) => {
            let before = name.strip_suffix(&pattern[1..]);
            return Ok(before.is_some_and(|before| !before.contains(&b'/')));
        }
        Some(_) => {}
    }
    let mut at = vec![false; name.len() + 1];
    at[0] = true;
    let mut rest = pattern;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let mut next = vec![false; name.len() + 1];
        match first {
            b'*' => spread(&at, &mut next, name, |byte| byte != b'/'),
            b'?' => step(&at, &mut next, name, |decoded| decoded != Some('/')),
            b'[' => {
                let class;
                (class, rest) = class_of(rest)?;
                step(&at, &mut next, name, |decoded| {
                    class.contains(decoded.unwrap_or('\u{fffd}'))
                });
            }
            _ => {
                let literal = if first == b'\\' {
                    let (&escaped, tail) = rest.split_first().ok_or(BadPattern)?;
                    rest = tail;
                    escaped
                } else {
                    first
                };
                for (position, &byte) in name.iter().enumerate() {
                    next[position + 1] = at[position] && byte == literal;
                }
            }
        }
        at = next;
    }
    Ok(at[name.len()])
}

impl Parser<'_> {
    /// Reads up to the end, or up to the `,` or `}` that ends an alternative.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, BadPattern> {
        if depth > MAX_NESTING {
            return Err(BadPattern);
        }
        let mut nodes = Vec::new();
        while let Some(&next) = self.input.peek() {
            if depth > 0 && matches!(next, ',' | '}') {
                break;
            }
            match next {
                '*' => {
                    self.input.next();
                    nodes.push(if self.input.next_if_eq(&'*').is_some() {
                        Node::Super
                    } else {
                        Node::Any
                    });
                }
                '?' => {
                    self.input.next();
                    nodes.push(Node::Single);
                }
                '[' => {
                    self.input.next();
                    nodes.push(self.class()?);
                }
                '{' => {
                    self.input.next();
                    nodes.push(self.choice(depth)?);
                }
                _ => nodes.push(Node::Text(self.text(depth > 0))),
            }
        }
        Ok(nodes)
    }

    fn choice(&mut self, depth: usize) -> Result<Node, BadPattern> {
        let mut alternatives = Vec::new();
        loop {
            alternatives.push(self.sequence(depth + 1)?);
            if self.input.next() != Some(',') {
                return Ok(Node::Choice(alternatives));
            }
        }
    }

    fn text(&mut self, inside_choice: bool) -> String {
        let mut text = String::new();
        while let Some(&next) = self.input.peek() {
            match next {
                '*' | '?' | '[' | '{' => break,
                ',' | '}' if inside_choice => break,
                _ => {}
            }
            self.input.next();
            match next {
                '\\' => text.extend(self.input.next()),
                _ => text.push(next),
            }
        }
        text
    }

    /// Reads a class behind its `[`: one range or one list, never both.
    fn class(&mut self) -> Result<Node, BadPattern> {
        let negated = self.input.next_if_eq(&'!').is_some();
        let first = *self.input.peek().ok_or(BadPattern)?;
        let mut ahead = self.input.clone();
        ahead.next();
        let set = if ahead.next_if_eq(&'-').is_some() {
            let last = ahead.next().filter(|last| *last >= first).ok_or(BadPattern)?;
            self.input = ahead;
            Set::Range(first, last)
        } else {
            Set::List(self.list()?)
        };
        match self.input.next() {
            Some(']') => Ok(Node::Class { set, negated }),
            _ => Err(BadPattern),
        }
    }

    fn list(&mut self) -> Result<String, BadPattern> {
        let mut list = String::new();
        while let Some(next) = self.input.next_if(|next| *next != ']') {
            match next {
                '\\' => list.extend(self.input.next()),
                _ => list.push(next),
            }
        }
        if list.is_empty() {
            Err(BadPattern)
        } else {
            Ok(list)
        }
    }
}

/// Carries the set of reachable positions over a sequence of nodes.
fn advance(nodes: &[Node], name: &str, mut at: Vec<bool>) -> Vec<bool> {
    let bytes = name.as_bytes();
    for node in nodes {
        let mut next = vec![false; at.len()];
        match node {
            Node::Text(text) => {
                for position in 0..at.len() {
                    if at[position] && bytes[position..].starts_with(text.as_bytes()) {
                        next[position + text.len()] = true;
                    }
                }
            }
            Node::Any => spread(&at, &mut next, bytes, |byte| byte != b'/'),
            Node::Super => spread(&at, &mut next, bytes, |_| true),
            Node::Single => step(&at, &mut next, bytes, |decoded| decoded != Some('/')),
            Node::Class { set, negated } => {
                step(&at, &mut next, bytes, |decoded| {
                    decoded.is_some_and(|decoded| set.contains(decoded) != *negated)
                });
            }
            Node::Choice(alternatives) => {
                for alternative in alternatives {
                    for (to, from) in next.iter_mut().zip(advance(alternative, name, at.clone())) {
                        *to |= from;
                    }
                }
            }
        }
        at = next;
    }
    at
}

/// From every position to all behind it, as far as the bytes allow.
fn spread(at: &[bool], next: &mut [bool], name: &[u8], allowed: impl Fn(u8) -> bool) {
    let mut reached = false;
    for position in 0..at.len() {
        let passed = position > 0 && allowed(name[position - 1]);
        reached = at[position] || (reached && passed);
        next[position] = reached;
    }
}

/// From every position over one character, or over one byte that is none.
fn step(at: &[bool], next: &mut [bool], name: &[u8], allowed: impl Fn(Option<char>) -> bool) {
    for position in 0..name.len() {
        if at[position] {
            let (decoded, width) = decode(&name[position..]);
            if allowed(decoded) {
                next[position + width] = true;
            }
        }
    }
}

/// The first character and its width; `None` of width 1 for a byte that starts none.
fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(first) => (Some(first), first.len_utf8()),
        None => (None, 1),
    }
}

impl Set {
    fn contains(&self, wanted: char) -> bool {
        match self {
            Self::List(list) => list.contains(wanted),
            Self::Range(low, high) => (*low..=*high).contains(&wanted),
        }
    }
}

/// A class of [`filepath_match`].
struct Ranges {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Ranges {
    fn contains(&self, wanted: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&wanted))
            != self.negated
    }
}

/// Reads a class behind its `[` and returns what follows it.
fn class_of(pattern: &[u8]) -> Result<(Ranges, &[u8]), BadPattern> {
    let (negated, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut ranges = Vec::new();
    loop {
        if let Some(tail) = rest.strip_prefix(b"]")
            && !ranges.is_empty()
        {
            return Ok((Ranges { ranges, negated }, tail));
        }
        let low;
        (low, rest) = bound(rest)?;
        let mut high = low;
        if let Some(tail) = rest.strip_prefix(b"-") {
            (high, rest) = bound(tail)?;
        }
        ranges.push((low, high));
    }
}

/// One end of a range, possibly escaped. Something must follow it: at least the `]`.
fn bound(pattern: &[u8]) -> Result<(char, &[u8]), BadPattern> {
    let rest = match pattern.first() {
        None | Some(b'-' | b']') => return Err(BadPattern),
        Some(b'\\') => &pattern[1..],
        Some(_) => pattern,
    };
    if rest.is_empty() {
        return Err(BadPattern);
    }
    let (decoded, width) = decode(rest);
    match (decoded, &rest[width..]) {
        (Some(decoded), tail) if !tail.is_empty() => Ok((decoded, tail)),
        _ => Err(BadPattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let glob = Glob::new(pattern).unwrap();
        for name in matching {
            assert!(glob.matches(name), "{pattern} should match {name}");
        }
        for name in others {
            assert!(!glob.matches(name), "{pattern} should not match {name}");
        }
    }

    #[test]
    fn files_glob_reads_its_patterns_as_helm_does() {
        check("*.txt", &["a.txt", ".txt"], &["d/a.txt", "a.txt2"]);
        check("**.txt", &["a.txt", "d/e/a.txt"], &["a.yaml"]);
        check("d/**", &["d/a", "d/e/f", "d/"], &["d", "x/d/a"]);
        check("d/*/f", &["d/e/f", "d//f"], &["d/e/e/f"]);
        check("a?c", &["abc", "aéc"], &["a/c", "ac", "abbc"]);
        check("[a-c].x", &["b.x"], &["d.x", "ab.x"]);
        check("[!a-c].x", &["d.x", "/.x"], &["b.x"]);
        check("[xyz]", &["y"], &["a"]);
        check("[!xyz]", &["a"], &["y"]);
        check("[\\]]", &["]"], &["\\"]);
        check("{a,b/*}.{x,y}", &["a.x", "b/q.y"], &["a/.x", "c.x"]);
        check("{a,{b,c}d}", &["a", "bd", "cd"], &["b", "ad"]);
        check("{a,b", &["a", "b"], &["{a,b"]);
        check("a,b}", &["a,b}"], &["a"]);
        check("\\*", &["*"], &["a"]);
        check("", &[""], &["a"]);
        check("{,x}a", &["a", "xa"], &["ya"]);
    }

    #[test]
    fn files_glob_refuses_mixed_and_open_classes() {
        for pattern in ["[a-z0-9]", "[", "[a", "[]", "[!]", "[z-a]", "[a-"] {
            assert_eq!(Glob::new(pattern).err(), Some(BadPattern), "{pattern}");
        }
        assert!(Glob::new(&"{".repeat(100_000)).is_err());
        assert!(Glob::everything().matches("a/b"));
    }

    #[test]
    fn filepath_match_is_gos() {
        let table: &[(&str, &str, Result<bool, BadPattern>)] = &[
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*/b", "a/c/b", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", Ok(false)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Ok(true)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[^c]", "abc", Ok(false)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a\\*b", "ab", Ok(false)),
            ("a?b", "a☺b", Ok(true)),
            ("a[^a]b", "a☺b", Ok(true)),
            ("a???b", "a☺b", Ok(false)),
            ("[a-ζ]*", "α", Ok(true)),
            ("a?b", "a/b", Ok(false)),
            ("a*b", "a/b", Ok(false)),
            ("[\\]a]", "]", Ok(true)),
            ("[x\\-]", "-", Ok(true)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[x-]", "x", Err(BadPattern)),
            ("[a-b-c]", "a", Err(BadPattern)),
            ("[", "a", Err(BadPattern)),
            ("[^", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("x[", "ab", Err(BadPattern)),
            ("\\", "a", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(
                filepath_match(pattern.as_bytes(), name.as_bytes()),
                *expected,
                "{pattern} {name}"
            );
        }
    }
}
