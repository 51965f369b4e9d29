//! The words of an expression.

use std::sync::Arc;

use crate::check::Issue;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Ident(String),
    Int(i64),
    /// One more than the largest `int`: only right behind a minus.
    IntMin,
    Uint(u64),
    Double(f64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    /// Operators and brackets.
    Op(&'static str),
    End,
}

/// Longest first.
const OPERATORS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")",
    "[", "]", "{", "}",
];

/// The longest expression read: the real server's requests are no longer than 3 MiB, and no rule is a megabyte.
const TEXT_MAX: usize = 1 << 20;

/// A token, where it begins, and as it is written.
pub(crate) type Word = (Token, usize, String);

/// Cuts a text into tokens; the last is the end.
pub(crate) fn lex(text: &str) -> Result<Vec<Word>, Issue> {
    if text.len() > TEXT_MAX {
        return Err(Issue::new(0, "expression is too long"));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { chars, at: 0 };
    let mut words = Vec::new();
    loop {
        lexer.space();
        let start = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        let written: String = if end {
            "<EOF>".to_owned()
        } else {
            lexer.chars[start..lexer.at].iter().collect()
        };
        words.push((token, start, written));
        if end {
            return Ok(words);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn space(&mut self) {
        loop {
            if self.peek(0).is_ascii_whitespace() {
                self.at += 1;
            } else if self.peek(0) == '/' && self.peek(1) == '/' {
                while self.at < self.chars.len() && self.peek(0) != '\n' {
                    self.at += 1;
                }
            } else {
                return;
            }
        }
    }

    fn token(&mut self) -> Result<Token, Issue> {
        if self.at >= self.chars.len() {
            return Ok(Token::End);
        }
        let first = self.peek(0);
        if let Some(string) = self.prefixed_string()? {
            return Ok(string);
        }
        if first.is_ascii_digit() || first == '.' && self.peek(1).is_ascii_digit() {
            return self.number();
        }
        if first == '_' || first.is_ascii_alphabetic() {
            let start = self.at;
            while self.peek(0) == '_' || self.peek(0).is_ascii_alphanumeric() {
                self.at += 1;
            }
            return Ok(Token::Ident(self.chars[start..self.at].iter().collect()));
        }
        if first == '`' {
            return self.quoted_ident();
        }
        for operator in OPERATORS {
            if operator.chars().enumerate().all(|(at, c)| self.peek(at) == c) {
                self.at += operator.len();
                return Ok(Token::Op(operator));
            }
        }
        Err(self.error(&format!("Syntax error: token recognition error at: '{first}'")))
    }

    fn quoted_ident(&mut self) -> Result<Token, Issue> {
        let start = self.at + 1;
        let length = self.chars[start..].iter().position(|c| *c == '`');
        let Some(length) = length else {
            return Err(self.error("Syntax error: token recognition error at: '`'"));
        };
        self.at = start + length + 1;
        Ok(Token::Ident(self.chars[start..start + length].iter().collect()))
    }

    fn error(&self, message: &str) -> Issue {
        Issue::new(self.at, message)
    }

    fn number(&mut self) -> Result<Token, Issue> {
        let start = self.at;
        if self.peek(0) == '0' && matches!(self.peek(1), 'x' | 'X') {
            self.at += 2;
            while self.peek(0).is_ascii_hexdigit() {
                self.at += 1;
            }
            let digits: String = self.chars[start + 2..self.at].iter().collect();
            return self.integer(start, &digits, 16);
        }
        let mut double = false;
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            double = true;
            self.at += 1;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        let sign = usize::from(matches!(self.peek(1), '+' | '-'));
        if matches!(self.peek(0), 'e' | 'E') && self.peek(1 + sign).is_ascii_digit() {
            double = true;
            self.at += 1 + sign;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        if double {
            let value = digits.parse();
            return value
                .map(Token::Double)
                .map_err(|_| Issue::new(start, "invalid double literal"));
        }
        self.integer(start, &digits, 10)
    }

    fn integer(&mut self, start: usize, digits: &str, radix: u32) -> Result<Token, Issue> {
        if matches!(self.peek(0), 'u' | 'U') {
            self.at += 1;
            return u64::from_str_radix(digits, radix)
                .map(Token::Uint)
                .map_err(|_| Issue::new(start, "invalid uint literal"));
        }
        match i64::from_str_radix(digits, radix) {
            Ok(value) => Ok(Token::Int(value)),
            Err(_) if u64::from_str_radix(digits, radix) == Ok(1 << 63) => Ok(Token::IntMin),
            Err(_) => Err(Issue::new(start, "invalid int literal")),
        }
    }

    /// A string or bytes, if one begins here: `"…"`, `'''…'''`, with `r` and `b` before it.
    fn prefixed_string(&mut self) -> Result<Option<Token>, Issue> {
        let (mut raw, mut bytes, mut ahead) = (false, false, 0);
        while ahead < 2 {
            match self.peek(ahead) {
                'r' | 'R' if !raw => raw = true,
                'b' | 'B' if !bytes => bytes = true,
                _ => break,
            }
            ahead += 1;
        }
        let quote = self.peek(ahead);
        if quote != '"' && quote != '\'' {
            return Ok(None);
        }
        self.at += ahead;
        let long = self.peek(1) == quote && self.peek(2) == quote;
        let width = if long { 3 } else { 1 };
        self.at += width;
        let mut out = Vec::new();
        loop {
            if self.at >= self.chars.len() || (!long && self.peek(0) == '\n') {
                return Err(self.error("Syntax error: unterminated string"));
            }
            if (0..width).all(|at| self.peek(at) == quote) {
                self.at += width;
                break;
            }
            let c = self.peek(0);
            self.at += 1;
            if c == '\\' && !raw {
                self.escape(bytes, &mut out)?;
            } else {
                out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        if bytes {
            return Ok(Some(Token::Bytes(out.into())));
        }
        let text = String::from_utf8(out).map_err(|_| self.error("invalid string literal"))?;
        Ok(Some(Token::Str(text.into())))
    }

    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Result<(), Issue> {
        let c = self.peek(0);
        self.at += 1;
        let simple = match c {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '`' | '?' => c as u8,
            'x' | 'X' => return self.code(2, 16, bytes, out),
            'u' => return self.code(4, 16, false, out),
            'U' => return self.code(8, 16, false, out),
            '0'..='3' => {
                self.at -= 1;
                return self.code(3, 8, bytes, out);
            }
            _ => return Err(self.error("Syntax error: invalid escape sequence in a string")),
        };
        out.push(simple);
        Ok(())
    }

    fn code(&mut self, digits: usize, radix: u32, byte: bool, out: &mut Vec<u8>) -> Result<(), Issue> {
        let text: String = (0..digits).map(|at| self.peek(at)).collect();
        let bad = || Issue::new(0, "invalid string literal");
        let code = u32::from_str_radix(&text, radix).map_err(|_| bad())?;
        self.at += digits;
        if byte {
            out.push(u8::try_from(code).map_err(|_| bad())?);
        } else {
            let c = char::from_u32(code).ok_or_else(bad)?;
            out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}
