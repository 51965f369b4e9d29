//! Sprig's functions on words: casing conventions, initials and wrapping.

use template::{Call, Function, Param, Value};

use super::args::{Answer, MAX_BYTES, error, fixed, int, string, text};
use super::runes;

const INT: Param = Param::Int;
const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("camelcase", &[STR], camelcase),
    fixed("initials", &[STR], initials),
    fixed("kebabcase", &[STR], |_, args| {
        string(separated(text(&args[0]), '-'))
    }),
    fixed("snakecase", &[STR], |_, args| {
        string(separated(text(&args[0]), '_'))
    }),
    fixed("swapcase", &[STR], swapcase),
    fixed("title", &[STR], title),
    fixed("untitle", &[STR], untitle),
    fixed("wrap", &[INT, STR], wrap),
    fixed("wrapWith", &[INT, STR, STR], wrap_with),
];

/// `strings.Title`: a capital after everything that is neither letter, digit nor underscore.
fn title(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::with_capacity(text(&args[0]).len());
    let mut before = ' ';
    for rune in runes::runes(text(&args[0])) {
        runes::push(
            &mut out,
            if separates(before) {
                runes::title(rune)
            } else {
                rune
            },
        );
        before = rune;
    }
    string(out)
}

fn separates(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    !rune.is_alphanumeric() && runes::is_space(rune)
}

fn untitle(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::with_capacity(text(&args[0]).len());
    let mut starts = true;
    for rune in runes::runes(text(&args[0])) {
        let space = runes::is_space(rune);
        runes::push(
            &mut out,
            if starts && !space {
                runes::lower(rune)
            } else {
                rune
            },
        );
        starts = space;
    }
    string(out)
}

fn swapcase(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::with_capacity(text(&args[0]).len());
    let mut after_space = true;
    for rune in runes::runes(text(&args[0])) {
        let swapped = if rune.is_uppercase() || runes::is_title(rune) {
            after_space = false;
            runes::lower(rune)
        } else if !rune.is_lowercase() {
            after_space = runes::is_space(rune);
            rune
        } else if std::mem::take(&mut after_space) {
            runes::title(rune)
        } else {
            runes::upper(rune)
        };
        runes::push(&mut out, swapped);
    }
    string(out)
}

/// The first byte of every word, read as Latin-1 as Sprig's library does.
fn initials(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::new();
    let mut starts = true;
    for rune in text(&args[0]).iter().map(|byte| char::from(*byte)) {
        let space = runes::is_space(rune);
        if starts && !space {
            runes::push(&mut out, rune);
        }
        starts = space;
    }
    string(out)
}

/// `xstrings.ToPascalCase`: `some_words` becomes `SomeWords`; doubled and outer connectors stay.
fn camelcase(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::with_capacity(text(&args[0]).len());
    let mut rest = runes::runes(text(&args[0])).peekable();
    let mut held = None;
    let mut lowering = false;
    for rune in rest.by_ref() {
        held = Some(rune);
        if !is_connector(rune) {
            lowering = rune.is_uppercase();
            held = Some(runes::upper(rune));
            break;
        }
        runes::push(&mut out, rune);
    }
    let Some(mut before) = held else {
        return Ok(Value::str(""));
    };
    for rune in rest {
        if !is_connector(before) {
            runes::push(&mut out, before);
            lowering &= rune.is_uppercase();
            before = if lowering { runes::lower(rune) } else { rune };
        } else if is_connector(rune) {
            runes::push(&mut out, before);
            before = rune;
        } else {
            lowering = rune.is_uppercase();
            before = runes::upper(rune);
        }
    }
    runes::push(&mut out, before);
    string(out)
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || runes::is_space(rune)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Connector,
    Punctuation,
    /// Capitals, or one capital and its small letters.
    Capital,
    Small,
    Number,
    Other,
    End,
}

impl Kind {
    /// Whether a word of this kind is set off from the one before it.
    fn is_word(self) -> bool {
        !matches!(self, Self::Connector | Self::Punctuation)
    }

    fn joins_number(self) -> bool {
        matches!(self, Self::Small | Self::Number)
    }
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`: words in small letters with a connector between.
fn separated(text: &[u8], connector: char) -> Vec<u8> {
    let runes: Vec<char> = runes::runes(text).collect();
    let mut words = Words {
        words: split_words(&runes),
        at: 0,
        connector,
        out: Vec::with_capacity(text.len() + 8),
    };
    while words.at + 1 < words.words.len() {
        words.step();
    }
    words.write();
    words.out
}

struct Words<'a> {
    words: Vec<(Kind, &'a [char])>,
    at: usize,
    connector: char,
    out: Vec<u8>,
}

impl Words<'_> {
    fn kind(&self) -> Kind {
        self.words.get(self.at).map_or(Kind::End, |(kind, _)| *kind)
    }

    /// Writes the word at hand and what has to stand between it and the next.
    fn step(&mut self) {
        match self.kind() {
            Kind::Connector | Kind::Punctuation => self.write(),
            Kind::Number => {
                self.write();
                self.finish_number();
            }
            _ => {
                self.write();
                self.follow_letters();
            }
        }
    }

    /// A number after letters belongs to them (`bld4`), unless small letters follow it (`http_2xx`).
    fn follow_letters(&mut self) {
        if self.kind() != Kind::Number {
            return self.connect_if(self.kind().is_word());
        }
        let Some((next, _)) = self.words.get(self.at + 1).copied() else {
            return;
        };
        if next == Kind::Small {
            self.connect_if(true);
            self.write();
            return self.finish_number();
        }
        self.write();
        self.connect_if(next.is_word());
    }

    /// Small letters and further numbers stay with a number.
    fn finish_number(&mut self) {
        while self.kind().joins_number() {
            self.write();
        }
        self.connect_if(self.kind().is_word() && self.kind() != Kind::End);
    }

    fn connect_if(&mut self, wanted: bool) {
        if wanted {
            runes::push(&mut self.out, self.connector);
        }
    }

    fn write(&mut self) {
        let Some((kind, word)) = self.words.get(self.at).copied() else {
            return;
        };
        self.at += 1;
        for rune in word {
            let written = match kind {
                Kind::Capital | Kind::Connector if is_connector(*rune) => self.connector,
                Kind::Capital if rune.is_uppercase() => runes::lower(*rune),
                _ => *rune,
            };
            runes::push(&mut self.out, written);
        }
    }
}

fn split_words(mut rest: &[char]) -> Vec<(Kind, &[char])> {
    let mut words = Vec::new();
    while let [first, ..] = rest {
        let run = |belongs: fn(char) -> bool| rest.iter().take_while(|rune| belongs(**rune)).count().max(1);
        let (kind, length) = match *first {
            rune if is_connector(rune) => (Kind::Connector, run(is_connector)),
            rune if is_punctuation(rune) => (Kind::Punctuation, run(is_punctuation)),
            rune if rune.is_uppercase() => (Kind::Capital, capital_word(rest)),
            rune if is_letter(rune) => (Kind::Small, run(is_small)),
            rune if rune.is_numeric() => (Kind::Number, run(char::is_numeric)),
            _ => (Kind::Other, run(is_other)),
        };
        let (word, more) = rest.split_at(length);
        words.push((kind, word));
        rest = more;
    }
    words
}

/// `HTTPServer` is `HTTP` and `Server`: the last of several capitals starts the next word.
fn capital_word(runes: &[char]) -> usize {
    let capitals = runes.iter().take_while(|rune| rune.is_uppercase()).count();
    let small = runes[capitals..]
        .iter()
        .take_while(|rune| is_small(**rune))
        .count();
    match capitals {
        1 => 1 + small,
        _ if small > 0 => capitals - 1,
        _ => capitals,
    }
}

fn is_small(rune: char) -> bool {
    is_letter(rune) && !rune.is_uppercase()
}

/// Letters of words; the common Chinese ones are no letters for this purpose.
fn is_letter(rune: char) -> bool {
    rune.is_alphabetic()
        && !matches!(rune, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}')
}

/// Unicode's punctuation: exact for ASCII, by blocks above it.
fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_punctuation()
            && !matches!(rune, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    matches!(
        rune,
        '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
    )
}

fn is_other(rune: char) -> bool {
    !(is_connector(rune) || is_letter(rune) || rune.is_numeric() || is_punctuation(rune))
}

fn wrap(_: &mut Call<'_>, args: &[Value]) -> Answer {
    wrapped(text(&args[1]), int(&args[0]), b"\n", false)
}

fn wrap_with(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let line_end = text(&args[1]);
    wrapped(
        text(&args[2]),
        int(&args[0]),
        if line_end.is_empty() { b"\n" } else { line_end },
        true,
    )
}

/// Breaks at the last space that fits into `width` bytes, dropping it; `split` also breaks words that are longer.
fn wrapped(text: &[u8], width: i64, line_end: &[u8], split: bool) -> Answer {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    while rest.len() > width {
        if let Some(more) = rest.strip_prefix(b" ") {
            rest = more;
            continue;
        }
        let fitting = memchr::memrchr(b' ', &rest[..=width]);
        let (line, more) = match fitting {
            Some(space) => (&rest[..space], &rest[space + 1..]),
            None if split => rest.split_at(width),
            None => match memchr::memchr(b' ', &rest[width..]) {
                Some(space) => (&rest[..width + space], &rest[width + space + 1..]),
                None => break,
            },
        };
        out.extend_from_slice(line);
        out.extend_from_slice(line_end);
        if out.len() > MAX_BYTES {
            return error("wrapWith would make more than 256 MiB of text");
        }
        rest = more;
    }
    out.extend_from_slice(rest);
    string(out)
}
