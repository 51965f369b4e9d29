//! Reads the pattern language of Go's `regexp` (RE2 with Perl's classes and flags) and refuses what Go refuses,
//! in Go's words.
//!
//! The parser keeps one [`Group`] for each open parenthesis, so nesting needs no recursion here; it is bounded
//! because the compiler behind it does recurse.

use regex_syntax::hir::{Capture, Class, ClassUnicode, Dot, Hir, Look, Repetition};

use super::class;

/// Go allows 1,000; the compiler behind this recurses and has less stack than Go.
const MAX_NESTING: usize = 250;

/// Far above any real pattern, and finding the ends of classes takes time quadratic in the length at worst.
const MAX_PATTERN_BYTES: usize = 64 << 10;

/// The greatest count in `{n,m}`, also for nested counts multiplied.
const MAX_REPEAT: u32 = 1000;

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub struct SyntaxError {
    reason: &'static str,
    part: String,
}

/// A pattern that was read.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    pub(super) names: Vec<Option<Box<str>>>,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    ungreedy: bool,
}

/// Something that a repetition operator can follow.
struct Item {
    hir: Hir,
    /// The greatest product of nested counts inside.
    repeats: u32,
    /// How deep groups and repetitions nest inside.
    depth: usize,
}

/// An open parenthesis, or the pattern as a whole.
struct Group {
    /// The flags to return to when it closes.
    outer_flags: Flags,
    capture: Option<u32>,
    items: Vec<Item>,
    branches: Vec<Item>,
}

struct Parser<'p> {
    pattern: &'p str,
    rest: &'p str,
    flags: Flags,
    /// The innermost open group; the others wait in `outer`.
    group: Group,
    outer: Vec<Group>,
    names: Vec<Option<Box<str>>>,
}

/// How often: at least, at most.
type Count = (u32, Option<u32>);

impl SyntaxError {
    pub(super) fn too_large(pattern: &[u8]) -> Self {
        Self::new("expression too large", &String::from_utf8_lossy(pattern))
    }

    fn new(reason: &'static str, part: &str) -> Self {
        Self {
            reason,
            part: part.to_owned(),
        }
    }
}

/// Reads a pattern.
pub(super) fn parse(pattern: &[u8]) -> Result<Parsed, SyntaxError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(SyntaxError::new(
            "expression too large",
            "(a pattern of more than 64 KiB)",
        ));
    }
    let Ok(pattern) = std::str::from_utf8(pattern) else {
        return Err(SyntaxError::new(
            "invalid UTF-8",
            &String::from_utf8_lossy(pattern),
        ));
    };
    let flags = Flags::default();
    let group = Group::new(flags, None);
    let mut parser = Parser {
        pattern,
        rest: pattern,
        flags,
        group,
        outer: Vec::new(),
        names: Vec::new(),
    };
    parser.run()?;
    if !parser.outer.is_empty() {
        return Err(SyntaxError::new("missing closing )", pattern));
    }
    Ok(Parsed {
        hir: parser.group.finish().hir,
        names: parser.names,
    })
}

impl Item {
    fn joined(items: Vec<Self>, join: impl Fn(Vec<Hir>) -> Hir) -> Self {
        let repeats = items.iter().map(|item| item.repeats).max().unwrap_or(1);
        let depth = items.iter().map(|item| item.depth).max().unwrap_or(0);
        Self {
            hir: join(items.into_iter().map(|item| item.hir).collect()),
            repeats,
            depth,
        }
    }
}

impl Group {
    fn new(outer_flags: Flags, capture: Option<u32>) -> Self {
        Self {
            outer_flags,
            capture,
            items: Vec::new(),
            branches: Vec::new(),
        }
    }

    /// Ends an alternative.
    fn branch(&mut self) {
        let item = Item::joined(std::mem::take(&mut self.items), Hir::concat);
        self.branches.push(item);
    }

    fn finish(mut self) -> Item {
        self.branch();
        let mut item = Item::joined(self.branches, Hir::alternation);
        item.depth += 1;
        if let Some(index) = self.capture {
            item.hir = Hir::capture(Capture {
                index,
                name: None,
                sub: Box::new(item.hir),
            });
        }
        item
    }
}

impl<'p> Parser<'p> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        // Where the operator before this one began, if the token before this one was an operator.
        let mut last_repeat: Option<&'p str> = None;
        while let Some(first) = self.rest.chars().next() {
            let before = self.rest;
            let mut operator = None;
            match first {
                '(' if before.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.bump(1);
                    self.open_capture(None);
                }
                ')' => {
                    self.bump(1);
                    self.close()?;
                }
                '|' => {
                    self.bump(1);
                    self.group.branch();
                }
                '^' => {
                    self.bump(1);
                    self.look(if self.flags.multi_line {
                        Look::StartLF
                    } else {
                        Look::Start
                    });
                }
                '$' => {
                    self.bump(1);
                    self.look(if self.flags.multi_line {
                        Look::EndLF
                    } else {
                        Look::End
                    });
                }
                '.' => {
                    self.bump(1);
                    let dot = if self.flags.dot_newline {
                        Dot::AnyChar
                    } else {
                        Dot::AnyCharExceptLF
                    };
                    self.push(Hir::dot(dot));
                }
                '[' => self.bracket()?,
                '*' | '+' | '?' => {
                    self.bump(1);
                    let count = match first {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(count, before, last_repeat)?;
                    operator = Some(before);
                }
                '{' => match counted(before) {
                    None => self.literal_char(),
                    Some((count, behind)) => {
                        self.rest = behind;
                        let count = count.ok_or_else(|| {
                            SyntaxError::new("invalid repeat count", consumed(before, behind))
                        })?;
                        self.repeat(count, before, last_repeat)?;
                        operator = Some(before);
                    }
                },
                '\\' => self.backslash()?,
                _ => self.literal_char(),
            }
            last_repeat = operator;
        }
        Ok(())
    }

    fn bump(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn push(&mut self, hir: Hir) {
        self.group.items.push(Item {
            hir,
            repeats: 1,
            depth: 0,
        });
    }

    fn look(&mut self, look: Look) {
        self.push(Hir::look(look));
    }

    fn literal_char(&mut self) {
        if let Some(letter) = self.rest.chars().next() {
            self.bump(letter.len_utf8());
            self.literal(u32::from(letter));
        }
    }

    /// A surrogate, which only an escape can spell, matches nothing.
    fn literal(&mut self, code: u32) {
        if self.flags.fold_case {
            self.push_class(class::of_ranges(&[(code, code)]), false);
            return;
        }
        let hir = match char::from_u32(code) {
            Some(letter) => Hir::literal(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            None => Hir::fail(),
        };
        self.push(hir);
    }

    fn push_class(&mut self, class: ClassUnicode, negated: bool) {
        let class = self.folded(class, negated);
        self.push(Hir::class(Class::Unicode(class)));
    }

    /// A class as the flags want it. Folding comes before negating.
    fn folded(&self, mut class: ClassUnicode, negated: bool) -> ClassUnicode {
        if self.flags.fold_case {
            // It fails only without the tables for folding, which the crate is built with.
            let _ = class.try_case_fold_simple();
        }
        if negated {
            class.negate();
        }
        class
    }

    fn open(&mut self, flags: Flags, capture: Option<u32>) {
        let group = std::mem::replace(&mut self.group, Group::new(self.flags, capture));
        self.outer.push(group);
        self.flags = flags;
    }

    /// Adds what holds other items.
    fn push_nested(&mut self, item: Item) -> Result<(), SyntaxError> {
        if item.depth > MAX_NESTING {
            return Err(SyntaxError::new("expression nests too deeply", self.pattern));
        }
        self.group.items.push(item);
        Ok(())
    }

    fn open_capture(&mut self, name: Option<&str>) {
        self.names.push(name.map(Into::into));
        let index = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.open(self.flags, Some(index));
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(outer) = self.outer.pop() else {
            return Err(SyntaxError::new("unexpected )", self.pattern));
        };
        let closed = std::mem::replace(&mut self.group, outer);
        self.flags = closed.outer_flags;
        self.push_nested(closed.finish())
    }

    /// Applies a repetition whose operator began at `before` and was read.
    fn repeat(
        &mut self,
        (min, max): Count,
        before: &'p str,
        last_repeat: Option<&'p str>,
    ) -> Result<(), SyntaxError> {
        let lazy = self.rest.starts_with('?');
        if lazy {
            self.bump(1);
        }
        if let Some(last) = last_repeat {
            return Err(SyntaxError::new(
                "invalid nested repetition operator",
                consumed(last, self.rest),
            ));
        }
        let operator = consumed(before, self.rest);
        let Some(item) = self.group.items.pop() else {
            return Err(SyntaxError::new(
                "missing argument to repetition operator",
                operator,
            ));
        };
        let mut repeats = item.repeats;
        if operator.starts_with('{') {
            // `{0}` drops what it follows, whatever counts are in there.
            repeats = match max.unwrap_or(min) {
                0 => 1,
                count => repeats.saturating_mul(count),
            };
            if repeats > MAX_REPEAT {
                return Err(SyntaxError::new("invalid repeat count", operator));
            }
        }
        let greedy = lazy == self.flags.ungreedy;
        let hir = Hir::repetition(Repetition {
            min,
            max,
            greedy,
            sub: Box::new(item.hir),
        });
        self.push_nested(Item {
            hir,
            repeats,
            depth: item.depth + 1,
        })
    }

    /// Reads what begins with `(?`: a named group, flags, or a group without capture.
    fn perl_group(&mut self) -> Result<(), SyntaxError> {
        let before = self.rest;
        let name_at = match before.as_bytes() {
            [_, _, b'P', b'<', _, ..] => Some(4),
            [_, _, b'<', _, ..] => Some(3),
            _ => None,
        };
        if let Some(start) = name_at {
            let invalid = |part: &str| SyntaxError::new("invalid named capture", part);
            let end = before.find('>').ok_or_else(|| invalid(before))?;
            let name = &before[start..end];
            let valid = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !valid {
                return Err(invalid(&before[..=end]));
            }
            self.bump(end + 1);
            self.open_capture(Some(name));
            return Ok(());
        }
        self.flag_group()
    }

    /// Reads `(?flags)` or `(?flags:`.
    fn flag_group(&mut self) -> Result<(), SyntaxError> {
        let before = self.rest;
        self.bump(2);
        let mut flags = self.flags;
        let mut on = true;
        let mut seen_flag = false;
        while let Some(letter) = self.rest.chars().next() {
            self.bump(letter.len_utf8());
            match letter {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.ungreedy = on,
                '-' if on => {
                    on = false;
                    seen_flag = false;
                    continue;
                }
                ':' if on || seen_flag => {
                    self.open(flags, None);
                    return Ok(());
                }
                ')' if on || seen_flag => {
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen_flag = true;
        }
        Err(SyntaxError::new(
            "invalid or unsupported Perl syntax",
            consumed(before, self.rest),
        ))
    }

    /// Reads what begins with a backslash outside of brackets.
    fn backslash(&mut self) -> Result<(), SyntaxError> {
        let look = match self.rest.as_bytes().get(1) {
            Some(b'A') => Some(Look::Start),
            Some(b'z') => Some(Look::End),
            Some(b'b') => Some(Look::WordAscii),
            Some(b'B') => Some(Look::WordAsciiNegate),
            _ => None,
        };
        if let Some(look) = look {
            self.bump(2);
            self.look(look);
        } else if let Some(quoted) = self.rest.strip_prefix(r"\Q") {
            let (quoted, behind) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            for letter in quoted.chars() {
                self.literal(u32::from(letter));
            }
            self.rest = behind;
        } else if let Some(class) = self.class_escape()? {
            self.push(Hir::class(Class::Unicode(class)));
        } else {
            let code = self.escape()?;
            self.literal(code);
        }
        Ok(())
    }

    /// Reads `\d`, `\pN`, `\p{Greek}` and their like, if one begins here.
    fn class_escape(&mut self) -> Result<Option<ClassUnicode>, SyntaxError> {
        let mut letters = self.rest.chars();
        let (Some('\\'), Some(letter)) = (letters.next(), letters.next()) else {
            return Ok(None);
        };
        if let Some(class) = class::perl(letter) {
            self.bump(2);
            return Ok(Some(self.folded(class, letter.is_ascii_uppercase())));
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        let before = self.rest;
        let invalid = |part: &str| SyntaxError::new("invalid character class range", part);
        let (name, length) = match letters.next() {
            None => return Err(invalid(before)),
            Some('{') => {
                let end = before.find('}').ok_or_else(|| invalid(before))?;
                (&before[3..end], end + 1)
            }
            Some(single) => (&before[2..2 + single.len_utf8()], 2 + single.len_utf8()),
        };
        let (name, inverted) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let class = class::unicode(name).ok_or_else(|| invalid(&before[..length]))?;
        self.bump(length);
        Ok(Some(self.folded(class, (letter == 'P') != inverted)))
    }

    /// Reads an escaped character and gives its code point.
    fn escape(&mut self) -> Result<u32, SyntaxError> {
        let before = self.rest;
        self.bump(1);
        let Some(letter) = self.next_char() else {
            return Err(SyntaxError::new("trailing backslash at end of expression", ""));
        };
        let code = match letter {
            'a' => Some(7),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            'x' => self.hexadecimal(),
            // A single non-zero digit would be a back reference.
            '1'..='7' if !self.rest.starts_with(|next: char| ('0'..='7').contains(&next)) => None,
            '0'..='7' => Some(self.octal(u32::from(letter) - u32::from('0'))),
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Some(u32::from(letter)),
            _ => None,
        };
        code.ok_or_else(|| SyntaxError::new("invalid escape sequence", consumed(before, self.rest)))
    }

    fn next_char(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.bump(letter.len_utf8());
        Some(letter)
    }

    /// Up to two more digits.
    fn octal(&mut self, mut code: u32) -> u32 {
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|letter| letter.to_digit(8)) else {
                break;
            };
            self.bump(1);
            code = code * 8 + digit;
        }
        code
    }

    /// Two digits, or any number of them in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.next_char()?;
        if first != '{' {
            let second = self.next_char()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut code = None;
        loop {
            match self.next_char()? {
                '}' => return code,
                letter => {
                    let value = code.unwrap_or(0) * 16 + letter.to_digit(16)?;
                    if value > u32::from(char::MAX) {
                        return None;
                    }
                    code = Some(value);
                }
            }
        }
    }

    /// Reads a class in brackets.
    fn bracket(&mut self) -> Result<(), SyntaxError> {
        let whole = self.rest;
        self.bump(1);
        let negated = self.rest.starts_with('^');
        if negated {
            self.bump(1);
        }
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if let Some(named) = self.posix_class()? {
                class.union(&named);
            } else if let Some(escaped) = self.class_escape()? {
                class.union(&escaped);
            } else {
                let before = self.rest;
                let low = self.class_char(whole)?;
                let mut high = low;
                if self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]") {
                    self.bump(1);
                    high = self.class_char(whole)?;
                    if high < low {
                        let part = consumed(before, self.rest);
                        return Err(SyntaxError::new("invalid character class range", part));
                    }
                }
                class.union(&self.folded(class::of_ranges(&[(low, high)]), false));
            }
        }
        self.bump(1);
        if negated {
            class.negate();
        }
        self.push(Hir::class(Class::Unicode(class)));
        Ok(())
    }

    /// Reads `[:alpha:]` or `[:^alpha:]`, if one begins here.
    fn posix_class(&mut self) -> Result<Option<ClassUnicode>, SyntaxError> {
        let Some(inner) = self.rest.strip_prefix("[:") else {
            return Ok(None);
        };
        let Some(end) = inner.find(":]") else {
            return Ok(None);
        };
        let name = &inner[..end];
        let (plain, inverted) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let length = end + "[::]".len();
        let Some(class) = class::posix(plain) else {
            return Err(SyntaxError::new(
                "invalid character class range",
                &self.rest[..length],
            ));
        };
        self.bump(length);
        Ok(Some(self.folded(class, inverted)))
    }

    fn class_char(&mut self, whole: &str) -> Result<u32, SyntaxError> {
        if self.rest.starts_with('\\') {
            return self.escape();
        }
        self.next_char()
            .map(u32::from)
            .ok_or_else(|| SyntaxError::new("missing closing ]", whole))
    }
}

/// What was read between two states of the rest.
fn consumed<'p>(before: &'p str, after: &str) -> &'p str {
    &before[..before.len() - after.len()]
}

/// Reads `{n}`, `{n,}` or `{n,m}` and what follows it. The outer `None` says that the brace is a literal, the
/// inner one that the numbers are wrong.
fn counted(text: &str) -> Option<(Option<Count>, &str)> {
    let (min, rest) = repeat_number(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = repeat_number(rest)?;
            (Some(max), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    let valid = min <= MAX_REPEAT && max.is_none_or(|max| max <= MAX_REPEAT && min <= max);
    Some((valid.then_some((min, max)), rest))
}

/// A number without leading zeros; one that is too large is still too large when cut short.
fn repeat_number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let digits = &text[..end];
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), &text[end..]))
}
