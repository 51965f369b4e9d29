//! Cuts template source into tokens, with Go's rules for delimiters, trim markers and comments.
//!
//! ```text
//! source ──Lexer::next──► Token { kind, start, end } ──► parse
//! ```
//!
//! Tokens are ranges of the source: nothing is copied, and lines are only counted when an error needs one.
//! It does not decide whether a number or a quoted string is well formed; the parser does.

use crate::fmt::quote;

/// What a token is. The keywords come last, see [`Kind::is_keyword`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The text of the error stands in [`Lexer::error`].
    Error,
    Eof,
    Text,
    LeftDelim,
    RightDelim,
    LeftParen,
    RightParen,
    Space,
    Pipe,
    Assign,
    Declare,
    /// A printable character that has no meaning of its own, such as a comma.
    Char,
    CharConstant,
    Number,
    /// `1+2i`, which Go knows and templates of charts never hold.
    Complex,
    Str,
    RawStr,
    Bool,
    /// `.name`
    Field,
    /// `$name`
    Variable,
    Identifier,
    Dot,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    source: &'a [u8],
    pos: usize,
    /// Where the token being read starts.
    start: usize,
    inside_action: bool,
    paren_depth: u32,
    error: String,
}

impl Kind {
    pub(crate) fn is_keyword(self) -> bool {
        self as u8 >= Self::Dot as u8
    }
}

impl<'a> Lexer<'a> {
    /// `source` is shorter than 4 GiB; the parser has checked it.
    pub(crate) fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            pos: 0,
            start: 0,
            inside_action: false,
            paren_depth: 0,
            error: String::new(),
        }
    }

    /// What went wrong, after a token of kind [`Kind::Error`].
    pub(crate) fn error(&self) -> &str {
        &self.error
    }

    pub(crate) fn next(&mut self) -> Token {
        if self.inside_action {
            self.action()
        } else {
            self.text()
        }
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let token = Token {
            kind,
            start: self.start as u32,
            end: self.pos as u32,
        };
        self.start = self.pos;
        token
    }

    fn fail(&mut self, message: impl Into<String>) -> Token {
        self.error = message.into();
        let token = Token {
            kind: Kind::Error,
            start: self.start as u32,
            end: self.pos as u32,
        };
        // Whoever asks again gets the end of input, never the rest of a broken action.
        self.source = &self.source[..0];
        self.pos = 0;
        self.start = 0;
        self.inside_action = false;
        token
    }

    fn rest(&self) -> &'a [u8] {
        &self.source[self.pos..]
    }

    fn byte(&self) -> Option<u8> {
        self.source.get(self.pos).copied()
    }

    /// The character at the position and its length; an invalid byte is U+FFFD of length 1.
    fn peek_char(&self) -> Option<(char, usize)> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Some((char::from(byte), 1));
        }
        Some(quote::decode_char(self.rest()))
    }

    fn text(&mut self) -> Token {
        loop {
            let Some(offset) = find_left_delim(self.rest()) else {
                self.pos = self.source.len();
                let kind = if self.pos > self.start {
                    Kind::Text
                } else {
                    Kind::Eof
                };
                return self.emit(kind);
            };
            let delim = self.pos + offset;
            let mut end = delim;
            if trims_left(&self.source[delim + 2..]) {
                end = self.start + trim_end(&self.source[self.start..delim]).len();
            }
            if end > self.start {
                self.pos = end;
                let token = self.emit(Kind::Text);
                self.pos = delim;
                self.start = delim;
                return token;
            }
            self.pos = delim;
            self.start = delim;
            match self.left_delim() {
                Some(token) => return token,
                None => continue,
            }
        }
    }

    /// Reads `{{` or a whole comment; `None` after a comment.
    fn left_delim(&mut self) -> Option<Token> {
        self.pos += 2;
        let marker = if trims_left(self.rest()) { 2 } else { 0 };
        if self.source[self.pos + marker..].starts_with(b"/*") {
            self.pos += marker;
            self.start = self.pos;
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside_action = true;
        self.paren_depth = 0;
        self.pos += marker;
        self.start = self.pos;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        self.pos += 2;
        let Some(length) = memchr::memmem::find(self.rest(), b"*/") else {
            return Some(self.fail("unclosed comment"));
        };
        self.pos += length + 2;
        let Some(trim) = self.at_right_delim() else {
            return Some(self.fail("comment ends before closing delimiter"));
        };
        self.skip_right_delim(trim);
        self.start = self.pos;
        None
    }

    /// Whether `}}` follows, and if so whether with a trim marker.
    fn at_right_delim(&self) -> Option<bool> {
        match self.rest() {
            [b'}', b'}', ..] => Some(false),
            [space, b'-', b'}', b'}', ..] if is_space(*space) => Some(true),
            _ => None,
        }
    }

    fn skip_right_delim(&mut self, trim: bool) {
        self.pos += if trim { 4 } else { 2 };
        if trim {
            while self.byte().is_some_and(is_space) {
                self.pos += 1;
            }
        }
    }

    fn right_delim(&mut self, trim: bool) -> Token {
        if trim {
            self.pos += 2;
            self.start = self.pos;
        }
        self.pos += 2;
        let token = self.emit(Kind::RightDelim);
        if trim {
            while self.byte().is_some_and(is_space) {
                self.pos += 1;
            }
            self.start = self.pos;
        }
        self.inside_action = false;
        token
    }

    fn action(&mut self) -> Token {
        if let Some(trim) = self.at_right_delim() {
            if self.paren_depth > 0 {
                return self.fail("unclosed left paren");
            }
            return self.right_delim(trim);
        }
        let Some((first, width)) = self.peek_char() else {
            return self.fail("unclosed action");
        };
        self.pos += width;
        match first {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' if self.byte() == Some(b'=') => {
                self.pos += 1;
                self.emit(Kind::Declare)
            }
            ':' => self.fail("expected :="),
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::Str, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_quoted(),
            '$' => self.name_after(Kind::Variable, Kind::Variable),
            '.' if self.byte().is_none_or(|next| !next.is_ascii_digit()) && self.pos < self.source.len() => {
                self.name_after(Kind::Field, Kind::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => self.number(),
            '(' => {
                self.paren_depth += 1;
                self.emit(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.fail("unexpected right paren"),
            ')' => {
                self.paren_depth -= 1;
                self.emit(Kind::RightParen)
            }
            _ if is_word(first) => self.identifier(),
            '!'..='~' => self.emit(Kind::Char),
            _ => {
                let message = format!("unrecognized character in action: {}", quote::code_point(first));
                self.fail(message)
            }
        }
    }

    /// The first space has been read. A space that belongs to ` -}}` is left for the delimiter.
    fn space(&mut self) -> Token {
        while self.byte().is_some_and(is_space) {
            self.pos += 1;
        }
        self.pos -= 1;
        if self.at_right_delim() == Some(true) {
            if self.pos == self.start {
                return self.right_delim(true);
            }
        } else {
            self.pos += 1;
        }
        self.emit(Kind::Space)
    }

    fn quoted(&mut self, end: u8, kind: Kind, unterminated: &str) -> Token {
        loop {
            let mut byte = self.byte();
            self.pos += 1;
            if byte == Some(b'\\') {
                byte = self.byte().filter(|escaped| *escaped == b'\n');
                if byte.is_none() && self.pos < self.source.len() {
                    self.pos += 1;
                    continue;
                }
            }
            match byte {
                None | Some(b'\n') => {
                    self.pos = self.pos.min(self.source.len());
                    return self.fail(unterminated);
                }
                Some(byte) if byte == end => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_quoted(&mut self) -> Token {
        match memchr::memchr(b'`', self.rest()) {
            Some(length) => {
                self.pos += length + 1;
                self.emit(Kind::RawStr)
            }
            None => self.fail("unterminated raw quoted string"),
        }
    }

    /// A name after `.` or `$`; `bare` is what the sign means when no name follows.
    fn name_after(&mut self, kind: Kind, bare: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(bare);
        }
        self.skip_word();
        if self.at_terminator() {
            self.emit(kind)
        } else {
            self.bad_character()
        }
    }

    fn identifier(&mut self) -> Token {
        self.skip_word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match &self.source[self.start..self.pos] {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"nil" => Kind::Nil,
            b"range" => Kind::Range,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    fn skip_word(&mut self) {
        while let Some((character, width)) = self.peek_char() {
            if !is_word(character) {
                break;
            }
            self.pos += width;
        }
    }

    fn bad_character(&mut self) -> Token {
        let found = self.peek_char().map_or('\u{fffd}', |(character, _)| character);
        self.fail(format!("bad character {}", quote::code_point(found)))
    }

    /// Whether what follows may stand right after a name.
    fn at_terminator(&self) -> bool {
        match self.rest() {
            []
            | [
                b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(',
                ..,
            ] => true,
            rest => rest.starts_with(b"}}"),
        }
    }

    /// The first character has been read.
    fn number(&mut self) -> Token {
        self.pos = self.start;
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.byte(), Some(b'+' | b'-')) {
            if !self.scan_number() || self.source[self.pos - 1] != b'i' {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let text = quote::quote(&self.source[self.start..self.pos]);
        self.fail(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let hit = self.byte().is_some_and(|byte| set.contains(&byte));
        self.pos += usize::from(hit);
        hit
    }

    fn accept_run(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    /// Reads anything number-like; whether it is a number is for the parser to say.
    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        let mut exponent: &[u8] = b"eE";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
                exponent = b"pP";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
                exponent = b"";
            } else if self.accept(b"bB") {
                digits = b"01_";
                exponent = b"";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if let Some((character, width)) = self.peek_char()
            && is_word(character)
        {
            self.pos += width;
            return false;
        }
        true
    }
}

/// Where `{{` stands in the text.
pub(crate) fn find_left_delim(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|at| text.get(at + 1) == Some(&b'{'))
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trims_left(after_delim: &[u8]) -> bool {
    matches!(after_delim, [b'-', space, ..] if is_space(*space))
}

fn is_word(character: char) -> bool {
    character == '_'
        || character.is_ascii_alphanumeric()
        || (!character.is_ascii() && character.is_alphanumeric())
}

/// Go trims four characters; the standard library's trimming knows one more, the form feed.
fn trim_end(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .rposition(|byte| !is_space(*byte))
        .map_or(0, |last| last + 1);
    &text[..end]
}
