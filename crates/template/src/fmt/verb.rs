//! Prints one operand with one verb and its flags.
//!
//! Go's rules of padding are odd in places (zeros pad strings too, a precision cuts characters); they are kept.

use std::fmt::Write as _;

use super::MAX_BYTES;
use super::float::format_float;
use super::quote::{can_back_quote, code_point, quote_with};
use crate::function::Error;
use crate::stack::with_room;
use crate::value::{IntKind, List, Map, MapKind, Object, Value};

/// A value nested deeper than this is taken to contain itself. Go's YAML reader stops at the same depth.
const MAX_DEPTH: usize = 10_000;

/// The flags, width and precision of one directive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%#v`
    pub(super) go_syntax: bool,
    /// `%+v`
    pub(super) field_names: bool,
}

pub(super) struct Printer<'a> {
    out: &'a mut Vec<u8>,
    flags: Flags,
    depth: usize,
    /// The value is too deep or too long; nothing more is printed.
    failed: bool,
    /// While `%!verb(type=value)` is printed, `String` methods are not used.
    complaining: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, flags: Flags) -> Self {
        Self {
            out,
            flags,
            depth: 0,
            failed: false,
            complaining: false,
        }
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        if self.failed {
            return Err(too_large());
        }
        Ok(())
    }

    /// Prints a whole operand.
    pub(super) fn operand(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (_, 'T') => self.pad_cut(value.type_name().as_bytes()),
            (Value::List(_) | Value::Map(_) | Value::Bytes(_), 'p') => self.pad(b"0xc000000000"),
            (_, 'p') | (Value::List(_) | Value::Map(_) | Value::Object(_), 'w') => self.complain(value, verb),
            _ => self.value(value, verb),
        }
    }

    fn value(&mut self, value: &Value, verb: char) {
        match value {
            Value::Nil => self.complain(value, verb),
            Value::Bool(yes) if matches!(verb, 't' | 'v') => self.pad(if *yes { b"true" } else { b"false" }),
            Value::Bool(_) => self.complain(value, verb),
            Value::Int(number, kind) => self.int(*number, *kind, verb),
            Value::Float(number) => self.float(*number, verb),
            Value::Str(text) => self.text(text.as_bytes(), value, verb),
            Value::Bytes(bytes) => self.bytes(bytes.as_bytes(), value, verb),
            Value::List(list) => self.descend(|printer| printer.list(list, verb)),
            Value::Map(map) => self.descend(|printer| printer.map(map, verb)),
            Value::Object(object) => self.object(object.as_ref(), value, verb),
        }
    }

    fn element(&mut self, value: &Value, any: bool, verb: char) {
        match value {
            Value::Nil if self.flags.go_syntax => self.out.extend_from_slice(b"interface {}(nil)"),
            Value::Nil if any => self.out.extend_from_slice(b"<nil>"),
            _ => self.value(value, verb),
        }
    }

    /// Bounds the depth and the length before a container's elements are printed.
    fn descend(&mut self, print: impl FnOnce(&mut Self)) {
        if self.failed || self.depth >= MAX_DEPTH || self.out.len() > MAX_BYTES {
            self.failed = true;
            return;
        }
        self.depth += 1;
        with_room(|| print(self));
        self.depth -= 1;
    }

    fn list(&mut self, list: &List, verb: char) {
        let any = list.elem() == crate::value::Elem::Any;
        let go = self.flags.go_syntax;
        if go {
            self.out
                .extend_from_slice(Value::List(list.clone()).type_name().as_bytes());
        }
        if go && list.is_nil() {
            self.out.extend_from_slice(b"(nil)");
            return;
        }
        self.out.push(if go { b'{' } else { b'[' });
        for (at, item) in list.iter().enumerate() {
            if self.failed {
                return;
            }
            self.separate(at);
            self.element(item, any, verb);
        }
        self.out.push(if go { b'}' } else { b']' });
    }

    fn map(&mut self, map: &Map, verb: char) {
        let any = map.kind() != MapKind::String;
        let go = self.flags.go_syntax;
        if go {
            self.out
                .extend_from_slice(Value::Map(map.clone()).type_name().as_bytes());
        }
        if go && map.is_nil() {
            self.out.extend_from_slice(b"(nil)");
            return;
        }
        self.out.extend_from_slice(if go { b"{" } else { b"map[" });
        for (at, (key, item)) in map.borrow().iter().enumerate() {
            if self.failed {
                return;
            }
            self.separate(at);
            self.value(&Value::Str(key.clone()), verb);
            self.out.push(b':');
            self.element(item, any, verb);
        }
        self.out.push(if go { b'}' } else { b']' });
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.out
                .extend_from_slice(if self.flags.go_syntax { b", " } else { b" " });
        }
    }

    fn object(&mut self, object: &dyn Object, value: &Value, verb: char) {
        let mut text = Vec::new();
        object.display(&mut text);
        if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            self.text(&text, value, verb);
        } else {
            self.complain(value, verb);
        }
    }

    fn complain(&mut self, value: &Value, verb: char) {
        self.out.extend_from_slice(format!("%!{verb}(").as_bytes());
        if value.is_nil() {
            self.out.extend_from_slice(b"<nil>");
        } else {
            self.out.extend_from_slice(value.type_name().as_bytes());
            self.out.push(b'=');
            let before = std::mem::replace(&mut self.complaining, true);
            if !before {
                self.value(value, 'v');
            }
            self.complaining = before;
        }
        self.out.push(b')');
    }

    fn text(&mut self, text: &[u8], value: &Value, verb: char) {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'v' | 's' => self.pad_cut(text),
            'x' => self.hex(text, false),
            'X' => self.hex(text, true),
            'q' => self.quoted(text),
            _ => self.complain(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], value: &Value, verb: char) {
        match verb {
            'v' | 'd' => {
                let go = self.flags.go_syntax;
                self.out.extend_from_slice(if go { b"[]byte{" } else { b"[" });
                for (at, byte) in bytes.iter().enumerate() {
                    self.separate(at);
                    if go {
                        self.out.extend_from_slice(format!("{byte:#x}").as_bytes());
                    } else {
                        self.int(i64::from(*byte), IntKind::Uint8, 'd');
                    }
                }
                self.out.push(if go { b'}' } else { b']' });
            }
            's' | 'q' | 'x' | 'X' => self.text(bytes, value, verb),
            _ => {
                self.out.push(b'[');
                for (at, byte) in bytes.iter().enumerate() {
                    self.separate(at);
                    self.int(i64::from(*byte), IntKind::Uint8, verb);
                }
                self.out.push(b']');
            }
        }
    }

    fn int(&mut self, number: i64, kind: IntKind, verb: char) {
        if !kind.is_plain()
            && !self.complaining
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && !self.flags.go_syntax
        {
            let text = kind.display(number);
            return self.text(text.as_bytes(), &Value::Int(number, kind), verb);
        }
        let negative = !kind.is_unsigned() && number < 0;
        let magnitude = if negative {
            number.unsigned_abs()
        } else {
            number as u64
        };
        match verb {
            'v' if self.flags.go_syntax && kind.is_unsigned() => {
                self.flags.sharp = true;
                self.digits(negative, &format!("{magnitude:x}"), "0x");
                self.flags.sharp = false;
            }
            'v' | 'd' => self.digits(negative, &magnitude.to_string(), ""),
            'b' => self.digits(
                negative,
                &format!("{magnitude:b}"),
                if self.flags.sharp { "0b" } else { "" },
            ),
            'o' => self.digits(
                negative,
                &format!("{magnitude:o}"),
                if self.flags.sharp { "0" } else { "" },
            ),
            'O' => self.digits(
                negative,
                &format!("{magnitude:o}"),
                if self.flags.sharp { "0o0" } else { "0o" },
            ),
            'x' => self.digits(
                negative,
                &format!("{magnitude:x}"),
                if self.flags.sharp { "0x" } else { "" },
            ),
            'X' => self.digits(
                negative,
                &format!("{magnitude:X}"),
                if self.flags.sharp { "0X" } else { "" },
            ),
            'c' => self.pad(to_char(number).encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => {
                let mut out = String::new();
                let text = to_char(number).to_string();
                quote_with(text.as_bytes(), '\'', self.flags.plus, &mut out);
                self.pad(out.as_bytes());
            }
            'U' => self.unicode(number as u64),
            _ => self.complain(&Value::Int(number, kind), verb),
        }
    }

    fn unicode(&mut self, number: u64) {
        let places = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!(
            "U+{number:0>places$X}",
            places = places.min(usize::from(u16::MAX))
        );
        let character = u32::try_from(number).ok().and_then(char::from_u32);
        if let (true, Some(character)) = (self.flags.sharp, character) {
            let full = code_point(character);
            if let Some(tail) = full.find(" '") {
                text.push_str(&full[tail..]);
            }
        }
        self.without_zero(|printer| printer.pad(text.as_bytes()));
    }

    /// Lays out the digits of an integer.
    fn digits(&mut self, negative: bool, digits: &str, prefix: &str) {
        let flags = self.flags;
        let mut places = 0;
        if let Some(precision) = flags.precision {
            places = precision;
            if precision == 0 && digits == "0" {
                return self.without_zero(|printer| printer.padding(flags.width.unwrap_or(0)));
            }
        } else if flags.zero && !flags.minus {
            let signed = negative || flags.plus || flags.space;
            places = flags.width.unwrap_or(0).saturating_sub(usize::from(signed));
        }
        let mut text = String::with_capacity(digits.len() + 4);
        text.push_str(if negative {
            "-"
        } else if flags.plus {
            "+"
        } else if flags.space {
            " "
        } else {
            ""
        });
        let zeros = places.saturating_sub(digits.len());
        // Octal's leading zero is only added where none stands already.
        let prefix = match prefix {
            "0" if zeros > 0 || digits.starts_with('0') => "",
            "0o0" if zeros > 0 || digits.starts_with('0') => "0o",
            prefix => prefix,
        };
        text.push_str(prefix);
        text.extend(std::iter::repeat_n('0', zeros));
        text.push_str(digits);
        self.without_zero(|printer| printer.pad(text.as_bytes()));
    }

    fn float(&mut self, number: f64, verb: char) {
        let (layout, default) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.complain(&Value::Float(number), verb),
        };
        let precision = self.flags.precision.or(default);
        let mut text = format_float(number, layout, precision);
        if !text.starts_with(['+', '-']) {
            text.insert(0, '+');
        }
        let flags = self.flags;
        if flags.space && text.starts_with('+') && !flags.plus {
            text.replace_range(..1, " ");
        }
        if !number.is_finite() {
            if number.is_nan() && !flags.space && !flags.plus {
                text.remove(0);
            }
            return self.without_zero(|printer| printer.pad(text.as_bytes()));
        }
        if flags.sharp && verb != 'b' {
            text = with_point(&text, verb, precision);
        }
        if !flags.plus && text.starts_with('+') {
            return self.pad(&text.as_bytes()[1..]);
        }
        match flags.width {
            Some(width) if flags.zero && !flags.minus && width > text.len() => {
                self.out.push(text.as_bytes()[0]);
                self.padding(width - text.len());
                self.out.extend_from_slice(&text.as_bytes()[1..]);
            }
            _ => self.pad(text.as_bytes()),
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.cut(text);
        if self.flags.sharp && can_back_quote(text) {
            return self.pad(&[b"`", text, b"`"].concat());
        }
        let mut out = String::with_capacity(text.len() + 2);
        quote_with(text, '"', self.flags.plus, &mut out);
        self.pad(out.as_bytes());
    }

    fn hex(&mut self, text: &[u8], upper: bool) {
        let text = &text[..text.len().min(self.flags.precision.unwrap_or(usize::MAX))];
        let prefix = if upper { "0X" } else { "0x" };
        let mut out = String::with_capacity(text.len() * 2);
        for (at, byte) in text.iter().enumerate() {
            if self.flags.space && at > 0 {
                out.push(' ');
            }
            if self.flags.sharp && (at == 0 || self.flags.space) {
                out.push_str(prefix);
            }
            let _ = if upper {
                write!(out, "{byte:02X}")
            } else {
                write!(out, "{byte:02x}")
            };
        }
        self.pad(out.as_bytes());
    }

    fn cut<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(limit) = self.flags.precision else {
            return text;
        };
        let mut rest = text;
        for _ in 0..limit {
            if rest.is_empty() {
                return text;
            }
            rest = &rest[super::quote::decode_char(rest).1..];
        }
        &text[..text.len() - rest.len()]
    }

    fn pad_cut(&mut self, text: &[u8]) {
        self.pad(self.cut(text));
    }

    fn pad(&mut self, text: &[u8]) {
        if self.failed || self.out.len() + text.len() > MAX_BYTES {
            self.failed = true;
            return;
        }
        let Some(width) = self.flags.width.filter(|width| *width > 0) else {
            self.out.extend_from_slice(text);
            return;
        };
        let missing = width.saturating_sub(count_chars(text));
        if !self.flags.minus {
            self.padding(missing);
        }
        self.out.extend_from_slice(text);
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn padding(&mut self, count: usize) {
        if self.out.len() + count > MAX_BYTES {
            self.failed = true;
            return;
        }
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.out.resize(self.out.len() + count, byte);
    }

    fn without_zero(&mut self, print: impl FnOnce(&mut Self)) {
        let zero = std::mem::take(&mut self.flags.zero);
        print(self);
        self.flags.zero = zero;
    }
}

pub(super) fn too_large() -> Error {
    Error::new("cannot print the value: it contains itself or is too large")
}

/// `#` keeps the decimal point and, for `%g`, the trailing zeros.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |precision| precision as isize),
        _ => 0,
    };
    let hexadecimal = matches!(verb, 'x' | 'X');
    let tail = text.find(|c| matches!(c, 'p' | 'P') || (!hexadecimal && matches!(c, 'e' | 'E')));
    let (number, tail) = text.split_at(tail.unwrap_or(text.len()));
    let mut significant = false;
    for digit in number.bytes().skip(1).filter(|byte| *byte != b'.') {
        significant |= digit != b'0';
        digits -= isize::from(significant);
    }
    let mut out = number.to_owned();
    if !number.contains('.') {
        if number.len() == 2 && number.ends_with('0') {
            digits -= 1;
        }
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', digits.max(0) as usize));
    out.push_str(tail);
    out
}

fn to_char(number: i64) -> char {
    u32::try_from(number)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn count_chars(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let mut rest = text;
    let mut count = 0;
    while !rest.is_empty() {
        rest = &rest[super::quote::decode_char(rest).1..];
        count += 1;
    }
    count
}
