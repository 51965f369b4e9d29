//! Sprig's checksums and its base64 and base32.
//!
//! Decoders answer the error's text instead of failing, with the place that Go's decoders name.

use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};
use template::{Call, Function, Param, Value};

use super::args::{Answer, fixed, string, text};

const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("adler32sum", &[STR], adler32sum),
    fixed("b32dec", &[STR], |_, args| {
        decoded("base32", decode_base32(text(&args[0])))
    }),
    fixed("b32enc", &[STR], |_, args| string(BASE32.encode(text(&args[0])))),
    fixed("b64dec", &[STR], |_, args| {
        decoded("base64", decode_base64(text(&args[0])))
    }),
    fixed("b64enc", &[STR], |_, args| string(BASE64.encode(text(&args[0])))),
    fixed("sha1sum", &[STR], |_, args| {
        Ok(hex(&Sha1::digest(text(&args[0]))))
    }),
    fixed("sha256sum", &[STR], |_, args| {
        Ok(hex(&Sha256::digest(text(&args[0]))))
    }),
    fixed("sha512sum", &[STR], |_, args| {
        Ok(hex(&Sha512::digest(text(&args[0]))))
    }),
];

/// An encoding of groups of bits as letters of an alphabet, padded with `=`.
pub(crate) struct Base {
    alphabet: &'static [u8],
    bits: usize,
    /// Letters in a full group.
    group: usize,
}

pub(crate) const BASE64: Base = Base {
    alphabet: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
};

const BASE32: Base = Base {
    alphabet: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    bits: 5,
    group: 8,
};

impl Base {
    pub(crate) fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let per_group = self.bits * self.group / 8;
        let mut out = Vec::with_capacity(bytes.len().div_ceil(per_group) * self.group);
        for group in bytes.chunks(per_group) {
            let bits = group
                .iter()
                .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            let bits = bits << (8 * (per_group - group.len()));
            let letters = (group.len() * 8).div_ceil(self.bits);
            for letter in 0..letters {
                let shift = self.bits * (self.group - 1 - letter);
                out.push(self.alphabet[(bits >> shift) as usize & (self.alphabet.len() - 1)]);
            }
            out.resize(out.len() + self.group - letters, b'=');
        }
        out
    }

    /// The value of each letter, `0xff` for what is none.
    fn values(&self) -> [u8; 256] {
        let mut values = [0xff_u8; 256];
        for (value, letter) in (0..).zip(self.alphabet) {
            values[usize::from(*letter)] = value;
        }
        values
    }

    fn flush(&self, out: &mut Vec<u8>, bits: u64, filled: usize) {
        let aligned = bits << (64 - filled * self.bits);
        out.extend_from_slice(&aligned.to_be_bytes()[..filled * self.bits / 8]);
    }
}

/// Decodes, skipping line ends; the error is the index of the byte that Go's decoder blames.
fn decode_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    let values = BASE64.values();
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut filled) = (0_u64, 0);
    let next_letter = |from: usize| (from..text.len()).find(|at| !matches!(text[*at], b'\n' | b'\r'));
    let mut next = next_letter(0);
    while let Some(at) = next {
        let value = values[usize::from(text[at])];
        if value == 0xff {
            if text[at] != b'=' || filled < 2 {
                return Err(at);
            }
            let mut end = at + 1;
            if filled == 2 {
                let second = next_letter(end).ok_or(text.len())?;
                if text[second] != b'=' {
                    return Err(second - 1);
                }
                end = second + 1;
            }
            BASE64.flush(&mut out, bits, filled);
            return next_letter(end).map_or(Ok(out), Err);
        }
        bits = bits << 6 | u64::from(value);
        filled += 1;
        if filled == 4 {
            BASE64.flush(&mut out, bits, filled);
            (bits, filled) = (0, 0);
        }
        next = next_letter(at + 1);
    }
    if filled == 0 {
        Ok(out)
    } else {
        Err(text.len() - filled)
    }
}

/// Like base64, but Go takes the line ends out first, and what follows the padding does not matter.
fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let values = BASE32.values();
    let mut out = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let (mut bits, mut filled) = (0_u64, 0);
    for (at, byte) in text.iter().enumerate() {
        let left = text.len() - at - 1;
        if *byte == b'=' && filled >= 2 && left < 8 {
            if left + filled < 7 {
                return Err(text.len());
            }
            let padding = &text[at + 1..at + 8 - filled];
            if let Some(wrong) = padding.iter().position(|byte| *byte != b'=') {
                return Err(at + wrong);
            }
            // So many letters would end inside of a byte.
            if matches!(filled, 3 | 6) {
                return Err(at);
            }
            BASE32.flush(&mut out, bits, filled);
            return Ok(out);
        }
        let value = values[usize::from(*byte)];
        if value == 0xff {
            return Err(at);
        }
        bits = bits << 5 | u64::from(value);
        filled += 1;
        if filled == 8 {
            BASE32.flush(&mut out, bits, filled);
            (bits, filled) = (0, 0);
        }
    }
    if filled == 0 {
        Ok(out)
    } else {
        Err(text.len() - filled)
    }
}

fn decoded(name: &str, bytes: Result<Vec<u8>, usize>) -> Answer {
    match bytes {
        Ok(bytes) => string(bytes),
        Err(at) => string(format!("illegal {name} data at input byte {at}").into_bytes()),
    }
}

/// The text that `b64enc` gives.
pub(crate) fn base64(bytes: &[u8]) -> Value {
    Value::str(BASE64.encode(bytes))
}

fn hex(digest: &[u8]) -> Value {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Value::str(
        nibbles
            .map(|nibble| DIGITS[usize::from(nibble)])
            .collect::<Vec<u8>>(),
    )
}

/// The checksum in decimal, as Sprig prints this one.
fn adler32sum(_: &mut Call<'_>, args: &[Value]) -> Answer {
    const MODULUS: u32 = 65521;
    let (mut low, mut high) = (1_u32, 0_u32);
    // 5552 is the most steps that cannot overflow 32 bits.
    for block in text(&args[0]).chunks(5552) {
        for byte in block {
            low += u32::from(*byte);
            high += low;
        }
        (low, high) = (low % MODULUS, high % MODULUS);
    }
    string((high << 16 | low).to_string().into_bytes())
}
