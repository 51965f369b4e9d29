//! Go's `fmt`: printing values with verbs and flags, and without.
//!
//! ```text
//! printf ──sprintf──► Printer ──fmt/verb, fmt/float, fmt/quote──► bytes
//! {{ x }} ──append_value──┘
//! ```
//!
//! Printing is bounded: a value that contains itself, or a format that asks for more than [`MAX_BYTES`], is an
//! error. Pointers have no address here, so `%p` prints a constant.

pub(crate) mod float;
pub(crate) mod quote;
mod verb;

pub use float::format_float;
pub use quote::{is_printable, quote};

use crate::function::Error;
use crate::value::Value;

use verb::{Flags, Printer};

/// The most that one call prints: far above any chart's output, far below what hurts the process.
pub const MAX_BYTES: usize = 64 << 20;

/// Go refuses widths and precisions above a million as well.
const MAX_NUMBER: i64 = 1_000_000;

/// What `fmt.Sprintf` gives.
pub fn sprintf(format: &[u8], args: &[Value]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(format.len() + 16 * args.len());
    let mut formatter = Formatter {
        format,
        args,
        at: 0,
        arg: 0,
        reordered: false,
    };
    formatter.run(&mut out)?;
    Ok(out)
}

/// What `fmt.Sprint` gives: a space stands between two operands of which neither is a string.
pub fn sprint(args: &[Value]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut after_text = true;
    for arg in args {
        let is_text = matches!(arg, Value::Str(_));
        if !is_text && !after_text {
            out.push(b' ');
        }
        append_value(arg, &mut out)?;
        after_text = is_text;
    }
    Ok(out)
}

/// What `%v` prints.
pub fn value_to_string(value: &Value) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    append_value(value, &mut out)?;
    Ok(out)
}

/// Appends what `%v` prints.
pub fn append_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Str(text) => {
            check_room(out, text.len())?;
            out.extend_from_slice(text.as_bytes());
        }
        Value::Int(number, kind) if kind.is_plain() && !kind.is_unsigned() => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        _ => {
            let mut printer = Printer::new(out, Flags::default());
            printer.operand(value, 'v');
            printer.finish()?;
        }
    }
    Ok(())
}

fn check_room(out: &[u8], more: usize) -> Result<(), Error> {
    if out.len() + more > MAX_BYTES {
        return Err(verb::too_large());
    }
    Ok(())
}

struct Formatter<'a> {
    format: &'a [u8],
    args: &'a [Value],
    at: usize,
    /// The next operand to print.
    arg: usize,
    /// An operand was asked for by number, so unused ones are not complained about.
    reordered: bool,
}

/// An explicit operand number such as `[2]`.
#[derive(Clone, Copy, PartialEq)]
enum Index {
    Absent,
    Good,
    Bad,
}

impl Formatter<'_> {
    fn run(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            if self.at < self.format.len() {
                self.at += 1;
                self.directive(out)?;
            }
        }
        if !self.reordered && self.arg < self.args.len() {
            self.extra(out)?;
        }
        Ok(())
    }

    fn directive(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut flags = Flags::default();
        self.flags(&mut flags);
        let mut index = self.index();
        let mut good = index != Index::Bad;
        if self.take(b'*') {
            match self.number_argument() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.zero &= width >= 0;
                    flags.width = Some(width.unsigned_abs() as usize);
                }
                None => out.extend_from_slice(b"%!(BADWIDTH)"),
            }
            index = Index::Absent;
        } else {
            flags.width = self.number();
            good &= index == Index::Absent || flags.width.is_none();
        }
        if self.at + 1 < self.format.len() && self.take(b'.') {
            good &= index == Index::Absent;
            index = self.index();
            good &= index != Index::Bad;
            if self.take(b'*') {
                flags.precision = self
                    .number_argument()
                    .and_then(|number| usize::try_from(number).ok());
                if flags.precision.is_none() {
                    out.extend_from_slice(b"%!(BADPREC)");
                }
                index = Index::Absent;
            } else {
                flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if index == Index::Absent {
            good &= self.index() != Index::Bad;
        }
        self.verb(flags, good, out)
    }

    fn verb(&mut self, mut flags: Flags, good: bool, out: &mut Vec<u8>) -> Result<(), Error> {
        let rest = &self.format[self.at..];
        if rest.is_empty() {
            out.extend_from_slice(b"%!(NOVERB)");
            return Ok(());
        }
        let (verb, width) = quote::decode_char(rest);
        self.at += width;
        if verb == '%' {
            out.push(b'%');
            return Ok(());
        }
        let complaint = match self.args.get(self.arg) {
            _ if !good => "(BADINDEX)",
            None => "(MISSING)",
            Some(arg) => {
                self.arg += 1;
                if matches!(verb, 'v' | 'w') {
                    flags.go_syntax = std::mem::take(&mut flags.sharp);
                    flags.field_names = std::mem::take(&mut flags.plus);
                }
                let mut printer = Printer::new(out, flags);
                printer.operand(arg, verb);
                return printer.finish();
            }
        };
        out.extend_from_slice(format!("%!{verb}{complaint}").as_bytes());
        Ok(())
    }

    fn flags(&mut self, flags: &mut Flags) {
        while let Some(byte) = self.format.get(self.at) {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.format.get(self.at) == Some(&byte);
        self.at += usize::from(hit);
        hit
    }

    /// A number; one that is too large swallows the rest of the format, as in Go.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.format.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let value = number.unwrap_or(0);
            if value > MAX_NUMBER {
                self.at = self.format.len();
                return None;
            }
            number = Some(value * 10 + i64::from(digit - b'0'));
            self.at += 1;
        }
        number.map(|number| number as usize)
    }

    fn number_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.arg)?;
        self.arg += 1;
        match arg {
            Value::Int(number, _) if (-MAX_NUMBER..=MAX_NUMBER).contains(number) => Some(*number),
            _ => None,
        }
    }

    fn index(&mut self) -> Index {
        let rest = &self.format[self.at..];
        if rest.first() != Some(&b'[') {
            return Index::Absent;
        }
        self.reordered = true;
        let Some(end) = memchr::memchr(b']', rest).filter(|_| rest.len() >= 3) else {
            self.at += 1;
            return Index::Bad;
        };
        self.at += end + 1;
        let number = std::str::from_utf8(&rest[1..end])
            .ok()
            .filter(|text| !text.starts_with('+'));
        match number.and_then(|text| text.parse::<usize>().ok()) {
            Some(number) if (1..=self.args.len()).contains(&number) => {
                self.arg = number - 1;
                Index::Good
            }
            _ => Index::Bad,
        }
    }

    fn extra(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(b"%!(EXTRA ");
        for (at, arg) in self.args[self.arg..].iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(b", ");
            }
            if !arg.is_nil() {
                out.extend_from_slice(arg.type_name().as_bytes());
                out.push(b'=');
            }
            append_value(arg, out)?;
        }
        out.push(b')');
        Ok(())
    }
}
