//! Anchors, aliases, tags and directives.

use super::{Kind, Scanner, Token};
use crate::chars::{URI, WORD, is, is_blank, is_breakz};
use crate::error::Error;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_anchor(&mut self, indicator: u8) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let line = self.line;
        self.pos += 1;
        let name = self.word();
        let ends =
            self.blankz(0) || matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.fail("did not find expected alphabetic or numeric character");
        }
        let kind = if indicator == b'*' {
            Kind::Alias(name)
        } else {
            Kind::Anchor(name)
        };
        self.queue.push_back(Token { kind, line });
        Ok(())
    }

    pub(super) fn fetch_tag(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let line = self.line;
        let (handle, suffix) = match self.at(1) {
            b'<' => self.verbatim_tag()?,
            _ => self.short_tag()?,
        };
        if !self.blankz(0) {
            return self.fail("did not find expected whitespace or line break");
        }
        self.queue.push_back(Token {
            kind: Kind::Tag { handle, suffix },
            line,
        });
        Ok(())
    }

    fn verbatim_tag(&mut self) -> Result<(&'a str, String), Error> {
        self.pos += 2;
        let uri = self.uri(String::new(), false)?;
        if self.at(0) != b'>' {
            return self.fail("did not find the expected '>'");
        }
        self.pos += 1;
        Ok(("", uri))
    }

    /// `!suffix`, `!!suffix`, `!handle!suffix` or `!` alone.
    fn short_tag(&mut self) -> Result<(&'a str, String), Error> {
        let handle = self.tag_handle();
        if handle.len() > 1 && handle.ends_with('!') {
            return Ok((handle, self.uri(String::new(), false)?));
        }
        let suffix = self.uri(handle[1..].to_owned(), true)?;
        match suffix.as_str() {
            "" => Ok(("", "!".to_owned())),
            _ => Ok(("!", suffix)),
        }
    }

    /// `!`, the word that follows, and the `!` after it, if there is one.
    fn tag_handle(&mut self) -> &'a str {
        let start = self.pos;
        self.pos += 1;
        self.word();
        if self.at(0) == b'!' {
            self.pos += 1;
        }
        self.text.get(start..self.pos).unwrap_or_default()
    }

    fn word(&mut self) -> &'a str {
        let start = self.pos;
        while is(self.at(0), WORD) {
            self.pos += 1;
        }
        self.text.get(start..self.pos).unwrap_or_default()
    }

    /// Reads a URI behind what was read of it before. `begun` says that it may end at once.
    fn uri(&mut self, head: String, begun: bool) -> Result<String, Error> {
        let mut uri = head.into_bytes();
        let start = self.pos;
        while is(self.at(0), WORD | URI) {
            if self.at(0) == b'%' {
                self.uri_escape(&mut uri)?;
            } else {
                uri.push(self.at(0));
                self.pos += 1;
            }
        }
        if !begun && self.pos == start {
            return self.fail("did not find expected tag URI");
        }
        Ok(String::from_utf8_lossy(&uri).into_owned())
    }

    /// Reads the escaped octets of one character.
    fn uri_escape(&mut self, uri: &mut Vec<u8>) -> Result<(), Error> {
        let mut left = None;
        while left != Some(0) {
            let digit = |at: usize| char::from(self.at(at)).to_digit(16);
            let octet = match (self.at(0), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => (high << 4 | low) as u8,
                _ => return self.fail("did not find URI escaped octet"),
            };
            left = Some(match (left, octet) {
                (None, 0..0x80) => 0,
                (None, 0xC0..0xE0) => 1,
                (None, 0xE0..0xF0) => 2,
                (None, 0xF0..0xF8) => 3,
                (None, _) => return self.fail("found an incorrect leading UTF-8 octet"),
                (Some(left), 0x80..0xC0) => left - 1,
                (Some(_), _) => return self.fail("found an incorrect trailing UTF-8 octet"),
            });
            uri.push(octet);
            self.pos += 3;
        }
        Ok(())
    }

    pub(super) fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        let line = self.line;
        self.pos += 1;
        let name = self.word();
        if name.is_empty() {
            return self.fail("could not find expected directive name");
        }
        if !self.blankz(0) {
            return self.fail("found unexpected non-alphabetical character");
        }
        let kind = match name {
            "YAML" => self.version_directive()?,
            "TAG" => self.tag_directive()?,
            _ => return self.fail("found unknown directive name"),
        };
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.skip_comment();
        }
        if !is_breakz(self.bytes, self.pos) {
            return self.fail("did not find expected comment or line break");
        }
        self.skip_break();
        self.queue.push_back(Token { kind, line });
        Ok(())
    }

    fn version_directive(&mut self) -> Result<Kind<'a>, Error> {
        self.skip_blanks();
        let major = self.version_number()?;
        if self.at(0) != b'.' {
            return self.fail("did not find expected digit or '.' character");
        }
        self.pos += 1;
        let minor = self.version_number()?;
        Ok(Kind::Version { major, minor })
    }

    fn version_number(&mut self) -> Result<u8, Error> {
        let mut number = 0;
        let mut length = 0;
        while self.at(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return self.fail("found extremely long version number");
            }
            number = number * 10 + (self.at(0) - b'0');
            self.pos += 1;
        }
        if length == 0 {
            return self.fail("did not find expected version number");
        }
        Ok(number)
    }

    fn tag_directive(&mut self) -> Result<Kind<'a>, Error> {
        self.skip_blanks();
        if self.at(0) != b'!' {
            return self.fail("did not find expected '!'");
        }
        let handle = self.tag_handle();
        if handle != "!" && !handle.ends_with('!') {
            return self.fail("did not find expected '!'");
        }
        if !is_blank(self.at(0)) {
            return self.fail("did not find expected whitespace");
        }
        self.skip_blanks();
        let prefix = self.uri(String::new(), false)?;
        if !self.blankz(0) {
            return self.fail("did not find expected whitespace or line break");
        }
        Ok(Kind::TagDirective { handle, prefix })
    }
}
