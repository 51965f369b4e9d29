//! Protobuf's wire format: tags, varints and lengths, read and written without knowing what they mean.
//!
//! Errors are the words of the decoders that gogo/protobuf generates, because clients of the real server see those.

/// A field's value as far as the wire tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire<'a> {
    Number(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// What is wrong with a message.
pub(crate) type Error = String;

/// The fields of a message, one after another.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

const EARLY_END: &str = "unexpected EOF";

impl Wire<'_> {
    /// The number of the wire type.
    pub(crate) fn kind(self) -> u8 {
        match self {
            Wire::Number(_) => 0,
            Wire::Fixed64(_) => 1,
            Wire::Bytes(_) => 2,
            Wire::Fixed32(_) => 5,
        }
    }
}

impl<'a> Reader<'a> {
    /// The next field's number and value; `None` at the end.
    ///
    /// # Errors
    /// Bytes that are no field.
    pub(crate) fn field(&mut self) -> Result<Option<(u64, Wire<'a>)>, Error> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let number = tag >> 3;
        if number == 0 || number > u64::from(u32::MAX >> 3) {
            return Err(format!("proto: illegal tag {number} (wire type {})", tag & 7));
        }
        let wire = match tag & 7 {
            0 => Wire::Number(self.number()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| EARLY_END)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            // Groups have not been written by anybody since before Kubernetes.
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        Ok(Some((number, wire)))
    }

    /// A varint.
    ///
    /// # Errors
    /// An end inside of it, or more than 64 bits.
    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte, rest @ ..] = self.0 else {
                return Err(EARLY_END.to_owned());
            };
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("proto: integer overflow".to_owned())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(EARLY_END)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| EARLY_END.to_owned())
    }
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        // The low seven bits, marked as having more to come.
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a field of wire type 0.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u32, number: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, number);
}

/// Appends a field of wire type 1.
pub(crate) fn put_double(out: &mut Vec<u8>, field: u32, number: f64) {
    put_varint(out, u64::from(field) << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends a field of wire type 2.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, 7, number);
            put_bytes(&mut out, 100, b"abc");
            let mut reader = Reader(&out);
            assert_eq!(reader.field(), Ok(Some((7, Wire::Number(number)))));
            assert_eq!(reader.field(), Ok(Some((100, Wire::Bytes(b"abc")))));
            assert_eq!(reader.field(), Ok(None));
        }
    }

    #[test]
    fn damage_is_named() {
        for (bytes, expected) in [
            (&b"\x08"[..], "unexpected EOF"),
            (b"\x0a\x05ab", "unexpected EOF"),
            (b"\x0b", "proto: illegal wireType 3"),
            (b"\x00\x00", "proto: illegal tag 0 (wire type 0)"),
            (
                b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "proto: integer overflow",
            ),
        ] {
            assert_eq!(Reader(bytes).field().unwrap_err(), expected, "{bytes:?}");
        }
    }
}
