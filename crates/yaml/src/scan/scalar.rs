//! Delimiting scalars: plain, quoted and block ones.

use super::{Kind, Scanner, Token};
use crate::chars::{
    DOUBLE_STOP, FLOW_STOP, PLAIN_STOP, SINGLE_STOP, break_len, byte, is, is_blank, is_blankz, is_breakz,
    is_document_mark,
};
use crate::decode::{Chomp, Raw, Style, escape_digits, escaped_char};
use crate::error::Error;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_plain(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let line = self.line;
        let raw = self.scan_plain()?;
        self.queue.push_back(Token {
            kind: Kind::Scalar(raw),
            line,
        });
        Ok(())
    }

    pub(super) fn fetch_quoted(&mut self, quote: u8) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let line = self.line;
        let raw = self.scan_quoted(quote)?;
        self.queue.push_back(Token {
            kind: Kind::Scalar(raw),
            line,
        });
        Ok(())
    }

    pub(super) fn fetch_block_scalar(&mut self, indicator: u8) -> Result<(), Error> {
        self.remove_key()?;
        self.simple_key_allowed = true;
        let line = self.line;
        let raw = self.scan_block(if indicator == b'|' {
            Style::Literal
        } else {
            Style::Folded
        })?;
        self.queue.push_back(Token {
            kind: Kind::Scalar(raw),
            line,
        });
        Ok(())
    }

    fn scan_plain(&mut self) -> Result<Raw<'a>, Error> {
        let start = self.pos;
        let mut end = start;
        let mut new_line = false;
        let mut folded = false;
        loop {
            if self.at(0) == b'#' || (self.pos == self.line_start && is_document_mark(self.bytes, self.pos)) {
                break;
            }
            let run = self.plain_run();
            if run > self.pos {
                folded |= new_line;
                new_line = false;
                self.pos = run;
                end = run;
            }
            if !self.blankz(0) || self.pos >= self.bytes.len() {
                break;
            }
            self.skip_plain_space(&mut new_line)?;
            if self.flow_level == 0 && (self.column() as isize) < self.indent + 1 {
                break;
            }
        }
        if new_line {
            self.simple_key_allowed = true;
        }
        let text = self.text.get(start..end).unwrap_or_default();
        Ok(Raw {
            folded,
            ..Raw::verbatim(text, Style::Plain)
        })
    }

    /// Where the run of a plain scalar's characters ends that begins here. Blanks inside of a line belong to it.
    fn plain_run(&self) -> usize {
        let bytes = self.bytes;
        let stops = if self.flow_level > 0 {
            PLAIN_STOP | FLOW_STOP
        } else {
            PLAIN_STOP
        };
        let mut pos = self.pos;
        loop {
            pos += bytes[pos..]
                .iter()
                .position(|&byte| is(byte, stops))
                .unwrap_or(bytes.len() - pos);
            let passes = match byte(bytes, pos) {
                b':' => !is_blankz(bytes, pos + 1),
                b' ' => {
                    let next = byte(bytes, pos + 1);
                    pos > self.pos && next != b'#' && !is(next, stops)
                }
                0xC2 | 0xE2 => break_len(bytes, pos) == 0,
                _ => false,
            };
            if !passes {
                return pos;
            }
            pos += 1;
        }
    }

    fn skip_plain_space(&mut self, new_line: &mut bool) -> Result<(), Error> {
        loop {
            if is_blank(self.at(0)) {
                let outside = *new_line && (self.column() as isize) < self.indent + 1;
                if outside && self.at(0) == b'\t' {
                    return self.fail("found a tab character that violates indentation");
                }
                self.pos += 1;
            } else if self.skip_break() {
                *new_line = true;
            } else {
                return Ok(());
            }
        }
    }

    fn scan_quoted(&mut self, quote: u8) -> Result<Raw<'a>, Error> {
        let single = quote == b'\'';
        self.pos += 1;
        let start = self.pos;
        let mut folded = false;
        loop {
            if self.pos == self.line_start && is_document_mark(self.bytes, self.pos) {
                return self.fail("found unexpected document indicator");
            }
            if self.pos >= self.bytes.len() {
                return self.fail("found unexpected end of stream");
            }
            folded |= if single {
                self.single_run()
            } else {
                self.double_run()?
            };
            if self.at(0) == quote {
                break;
            }
            loop {
                if is_blank(self.at(0)) {
                    self.pos += 1;
                } else if self.skip_break() {
                    folded = true;
                } else {
                    break;
                }
            }
        }
        let text = self.text.get(start..self.pos).unwrap_or_default();
        self.pos += 1;
        let style = if single {
            Style::SingleQuoted
        } else {
            Style::DoubleQuoted
        };
        Ok(Raw {
            folded,
            ..Raw::verbatim(text, style)
        })
    }

    /// Passes a single-quoted scalar's characters up to a blank, a break, the end or the closing quote, and
    /// tells whether there was an escaped quote.
    fn single_run(&mut self) -> bool {
        let mut escapes = false;
        loop {
            self.pos = self.run_end(SINGLE_STOP);
            match self.at(0) {
                b'\'' if self.at(1) == b'\'' => {
                    escapes = true;
                    self.pos += 2;
                }
                0xC2 | 0xE2 if break_len(self.bytes, self.pos) == 0 => self.pos += 1,
                _ => return escapes,
            }
        }
    }

    /// The same for a double-quoted scalar, with its escapes checked.
    fn double_run(&mut self) -> Result<bool, Error> {
        let mut escapes = false;
        loop {
            self.pos = self.run_end(DOUBLE_STOP);
            match self.at(0) {
                b'\\' => {
                    escapes = true;
                    if break_len(self.bytes, self.pos + 1) > 0 {
                        self.pos += 1;
                        self.skip_break();
                        return Ok(true);
                    }
                    self.skip_escape()?;
                }
                0xC2 | 0xE2 if break_len(self.bytes, self.pos) == 0 => self.pos += 1,
                _ => return Ok(escapes),
            }
        }
    }

    fn run_end(&self, class: u16) -> usize {
        let rest = &self.bytes[self.pos..];
        self.pos
            + rest
                .iter()
                .position(|&byte| is(byte, class))
                .unwrap_or(rest.len())
    }

    fn skip_escape(&mut self) -> Result<(), Error> {
        let Some(digits) = escape_digits(self.at(1)) else {
            if escaped_char(self.at(1)).is_none() {
                return self.fail("found unknown escape character");
            }
            self.pos += 2;
            return Ok(());
        };
        self.pos += 2;
        let mut code = 0u32;
        for at in 0..digits {
            let Some(digit) = char::from(self.at(at)).to_digit(16) else {
                return self.fail("did not find expected hexdecimal number");
            };
            code = code << 4 | digit;
        }
        if char::from_u32(code).is_none() {
            return self.fail("found invalid Unicode character escape code");
        }
        self.pos += digits;
        Ok(())
    }

    fn scan_block(&mut self, style: Style) -> Result<Raw<'a>, Error> {
        self.pos += 1;
        let (chomp, increment) = self.block_header()?;
        let start = self.pos;
        let mut indent = match increment {
            0 => 0,
            _ => self.indent.max(0) as usize + increment,
        };
        self.skip_block_breaks(&mut indent)?;
        let mut end = start;
        while self.column() == indent && self.pos < self.bytes.len() {
            self.pos = self.line_end(self.pos);
            self.skip_break();
            end = self.pos;
            self.skip_block_breaks(&mut indent)?;
        }
        // The indentation of the line that ends the scalar is not part of it, but empty lines before are.
        let text = self.text.get(start..self.line_start.max(end)).unwrap_or_default();
        Ok(Raw {
            indent,
            chomp,
            folded: true,
            ..Raw::verbatim(text, style)
        })
    }

    /// Reads what follows `|` or `>` on its line.
    fn block_header(&mut self) -> Result<(Chomp, usize), Error> {
        let mut chomp = Chomp::Clip;
        let mut increment = 0;
        let chomp_first = self.block_chomp(&mut chomp);
        if self.at(0).is_ascii_digit() {
            if self.at(0) == b'0' {
                return self.fail("found an indentation indicator equal to 0");
            }
            increment = usize::from(self.at(0) - b'0');
            self.pos += 1;
            if !chomp_first {
                self.block_chomp(&mut chomp);
            }
        }
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.skip_comment();
        }
        if !is_breakz(self.bytes, self.pos) {
            return self.fail("did not find expected comment or line break");
        }
        self.skip_break();
        Ok((chomp, increment))
    }

    fn block_chomp(&mut self, chomp: &mut Chomp) -> bool {
        *chomp = match self.at(0) {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return false,
        };
        self.pos += 1;
        true
    }

    /// Passes indentation and empty lines; finds out the indentation if it is 0, not yet known.
    fn skip_block_breaks(&mut self, indent: &mut usize) -> Result<(), Error> {
        let mut deepest = 0;
        loop {
            let limit = if *indent == 0 { usize::MAX } else { *indent };
            while self.column() < limit && self.at(0) == b' ' {
                self.pos += 1;
            }
            deepest = deepest.max(self.column());
            if self.column() < limit && self.at(0) == b'\t' {
                return self.fail("found a tab character where an indentation space is expected");
            }
            if !self.skip_break() {
                break;
            }
        }
        if *indent == 0 {
            *indent = deepest.max((self.indent + 1).max(1) as usize);
        }
        Ok(())
    }
}
