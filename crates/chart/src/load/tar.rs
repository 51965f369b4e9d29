//! The tar format, as far as charts use it: ustar, GNU long names, PAX paths and sizes.
//!
//! Entries that carry no file are passed over. Nothing is written anywhere, so links and modes mean nothing.

use std::io::{self, Read};

/// Tar counts in these.
const BLOCK: usize = 512;

/// A long name or a PAX header; Go takes a mebibyte, and no path is longer than four kilobytes.
const MAX_HEADER: u64 = 1024 * 1024;

/// A regular file whose contents come next.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) size: u64,
}

/// Walks over an archive.
#[derive(Debug)]
pub(super) struct Reader<R> {
    inner: R,
    /// What is left of the current entry, padding included.
    pending: u64,
}

/// What the headers before an entry say about it.
#[derive(Default)]
struct Extended {
    path: Option<String>,
    size: Option<u64>,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, pending: 0 }
    }

    /// The next regular file, or `None` at the end of the archive.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, String> {
        let mut extended = Extended::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let size = extended.size.unwrap_or(number(&header[124..136])?);
            self.pending = size.div_ceil(BLOCK as u64) * BLOCK as u64;
            match header[156] {
                b'x' => self.pax(size, &mut extended)?,
                b'L' => {
                    let name = self.bounded(size)?;
                    extended.path = Some(text(&name));
                }
                b'K' | b'g' => {}
                kind => {
                    let name = extended.path.take().unwrap_or_else(|| name(&header));
                    extended.size = None;
                    // A trailing slash makes a directory of an old archive's file.
                    let is_directory = kind == b'5' || (matches!(kind, 0 | b'0') && name.ends_with('/'));
                    // Links and devices have no contents, whatever their size field says; Helm reads them empty.
                    let has_contents = !matches!(kind, b'1'..=b'6');
                    if !has_contents {
                        self.pending = 0;
                    }
                    if !is_directory {
                        return Ok(Some(Entry {
                            name,
                            size: if has_contents { size } else { 0 },
                        }));
                    }
                    extended = Extended::default();
                }
            }
        }
    }

    /// The contents of the entry that was just returned.
    pub(super) fn contents(&mut self, size: u64) -> Result<Vec<u8>, String> {
        let mut data = Vec::new();
        let read = self
            .inner
            .by_ref()
            .take(size)
            .read_to_end(&mut data)
            .map_err(|failed| damage(&failed))? as u64;
        self.pending = self.pending.saturating_sub(read);
        if read < size {
            Err("unexpected EOF".to_owned())
        } else {
            Ok(data)
        }
    }

    fn bounded(&mut self, size: u64) -> Result<Vec<u8>, String> {
        if size > MAX_HEADER {
            return Err("archive/tar: header field too long".to_owned());
        }
        self.contents(size)
    }

    fn skip(&mut self) -> Result<(), String> {
        let skipped = io::copy(&mut self.inner.by_ref().take(self.pending), &mut io::sink())
            .map_err(|failed| damage(&failed))?;
        if skipped < self.pending {
            // Go forgives missing padding at the very end.
            self.pending = 0;
            return Ok(());
        }
        self.pending = 0;
        Ok(())
    }

    /// The next header block; `None` at the end.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, String> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self
                .inner
                .read(&mut block[filled..])
                .map_err(|failed| damage(&failed))?
            {
                0 if filled == 0 => return Ok(None),
                0 => return Err("unexpected EOF".to_owned()),
                read => filled += read,
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let stored = number(&block[148..156])?;
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(i, b)| {
                if (148..156).contains(&i) {
                    32
                } else {
                    u64::from(*b)
                }
            })
            .sum();
        if sum == stored {
            Ok(Some(block))
        } else {
            Err(INVALID.to_owned())
        }
    }

    /// Records of the form `LENGTH key=value\n`.
    fn pax(&mut self, size: u64, extended: &mut Extended) -> Result<(), String> {
        let data = self.bounded(size)?;
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ').ok_or(INVALID)?;
            let length: usize = std::str::from_utf8(&rest[..space])
                .ok()
                .and_then(|n| n.parse().ok())
                .ok_or(INVALID)?;
            let record = rest
                .get(space + 1..length)
                .and_then(|r| r.strip_suffix(b"\n"))
                .ok_or(INVALID)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(INVALID)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => extended.path = Some(text(value)),
                b"size" => extended.size = Some(text(value).parse().map_err(|_| INVALID)?),
                _ => {}
            }
            rest = &rest[length..];
        }
        Ok(())
    }
}

const INVALID: &str = "archive/tar: invalid tar header";

fn damage(failed: &io::Error) -> String {
    match failed.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => failed.to_string(),
    }
}

/// The name of a ustar header, its prefix before it.
fn name(header: &[u8; BLOCK]) -> String {
    let name = text(&header[..100]);
    let is_ustar = &header[257..263] == b"ustar\0";
    let prefix = if is_ustar {
        text(&header[345..500])
    } else {
        String::new()
    };
    if prefix.is_empty() {
        name
    } else {
        format!("{prefix}/{name}")
    }
}

/// Up to the first zero byte.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// Octal digits, or GNU's binary form when the first bit is set.
fn number(field: &[u8]) -> Result<u64, String> {
    if field[0] & 0x80 != 0 {
        let mut value = u64::from(field[0] & 0x3f);
        if field[0] & 0x40 != 0 {
            return Err(INVALID.to_owned());
        }
        for byte in &field[1..] {
            value = value.checked_mul(256).ok_or(INVALID)? | u64::from(*byte);
        }
        return Ok(value);
    }
    let digits = text(field);
    let digits = digits.trim_matches(' ');
    if digits.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(digits, 8).map_err(|_| INVALID.to_owned())
}
