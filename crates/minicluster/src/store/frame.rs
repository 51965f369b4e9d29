//! Frames: the unit that is on the disk as a whole or not at all.
//!
//! ```text
//! file:  "SWLOG\0\0" 1 │ salt u64 │ number u64 │ crc u32 │ frame │ frame │ … │ zeros or the end
//! frame: magic u32 │ body length u32 │ sequence u64 │ crc of body u32 │ crc of this header u32 │ body
//! ```
//!
//! The checksums start from the file's salt, a random number: bytes that look like a frame because somebody stored
//! a log inside an object, or that an older file left on the disk, do not pass.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom};

/// The length of a file's header.
pub(super) const FILE_HEADER: usize = 28;

/// The length of a frame's header.
pub(super) const FRAME_HEADER: usize = 24;

/// The longest body; a longer length is damage, not data. A batch is cut at 4 MiB and may then hold one more object
/// of at most [`super::MAX_OBJECT_BYTES`]; names and lengths can double that.
pub(super) const MAX_BODY: usize = 64 << 20;

const FRAME_MAGIC: u32 = 0x7f53_5746;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Log,
    Snapshot,
}

/// The beginning of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileHeader {
    pub(super) kind: FileKind,
    pub(super) salt: u64,
    /// The first revision of a log, or the revision of a snapshot.
    pub(super) number: u64,
}

/// What stands at a place of a file.
#[derive(Debug)]
pub(super) enum Found {
    Frame {
        sequence: u64,
        body: Vec<u8>,
    },
    /// Zeros or the end of the file.
    Nothing,
    Damage(&'static str),
}

impl FileKind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Log => *b"SWLOG\0\0\x01",
            Self::Snapshot => *b"SWSNAP\0\x01",
        }
    }
}

impl FileHeader {
    pub(super) fn new(kind: FileKind, number: u64) -> Self {
        // The only source of randomness in std; it needs to be unlikely to repeat, not secret.
        let salt = RandomState::new().build_hasher().finish();
        Self { kind, salt, number }
    }

    pub(super) fn encode(&self) -> [u8; FILE_HEADER] {
        let mut out = [0; FILE_HEADER];
        out[..8].copy_from_slice(&self.kind.magic());
        out[8..16].copy_from_slice(&self.salt.to_le_bytes());
        out[16..24].copy_from_slice(&self.number.to_le_bytes());
        let crc = crc32fast::hash(&out[..24]);
        out[24..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Errors: what is wrong with the header.
    pub(super) fn decode(bytes: &[u8], kind: FileKind) -> Result<Self, &'static str> {
        let magic = kind.magic();
        if bytes.len() < FILE_HEADER {
            return Err("its header is cut short");
        }
        if bytes[..7] != magic[..7] {
            return Err("it is no file of the store");
        }
        if bytes[7] != magic[7] {
            return Err("it was written by another version of the store");
        }
        if crc32fast::hash(&bytes[..24]) != number32(bytes, 24) {
            return Err("its header does not match its checksum");
        }
        Ok(Self {
            kind,
            salt: number64(bytes, 8),
            number: number64(bytes, 16),
        })
    }
}

/// Puts a header before a body. `frame` holds [`FRAME_HEADER`] free bytes and then the body.
pub(super) fn seal(frame: &mut [u8], sequence: u64, salt: u64) {
    let (header, body) = frame.split_at_mut(FRAME_HEADER);
    let length = u32::try_from(body.len()).expect("a batch is cut far below 4 GiB");
    header[..4].copy_from_slice(&FRAME_MAGIC.to_le_bytes());
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..16].copy_from_slice(&sequence.to_le_bytes());
    header[16..20].copy_from_slice(&checksum(body, salt).to_le_bytes());
    let crc = checksum(&header[..20], salt);
    header[20..].copy_from_slice(&crc.to_le_bytes());
}

/// Reads what stands at `offset`, which is at most `length`, the length of the file.
pub(super) fn read(file: &mut File, offset: u64, length: u64, salt: u64) -> io::Result<Found> {
    let mut header = [0; FRAME_HEADER];
    let there = length.saturating_sub(offset).min(FRAME_HEADER as u64) as usize;
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut header[..there])?;
    if header.iter().all(|byte| *byte == 0) {
        return Ok(Found::Nothing);
    }
    if there < FRAME_HEADER {
        return Ok(Found::Damage("a frame is cut short"));
    }
    if !is_header(&header, salt) {
        return Ok(Found::Damage("a frame's header does not match its checksum"));
    }
    let body_length = number32(&header, 4) as usize;
    if body_length > MAX_BODY {
        return Ok(Found::Damage("a frame is longer than any can be"));
    }
    if body_length as u64 > length - offset - FRAME_HEADER as u64 {
        return Ok(Found::Damage("a frame is cut short"));
    }
    let mut body = vec![0; body_length];
    file.read_exact(&mut body)?;
    if checksum(&body, salt) != number32(&header, 16) {
        return Ok(Found::Damage("a frame does not match its checksum"));
    }
    Ok(Found::Frame {
        sequence: number64(&header, 8),
        body,
    })
}

/// What the rest of a file holds after its last good frame.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// The place of a later frame: what lies before it was written and acknowledged.
    pub(super) later_frame: Option<u64>,
    /// The end of what is not zero: how much a torn write left.
    pub(super) end_of_bytes: u64,
}

/// Searches everything after `offset`.
pub(super) fn scan(file: &mut File, offset: u64, salt: u64) -> io::Result<Rest> {
    /// Read at once; a header that lies across two chunks is seen in the second.
    const CHUNK: usize = 1 << 20;
    let mut rest = Rest {
        later_frame: None,
        end_of_bytes: offset,
    };
    let mut chunk = Vec::with_capacity(CHUNK + FRAME_HEADER);
    let mut start = offset;
    file.seek(SeekFrom::Start(offset))?;
    loop {
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            rest.end_of_bytes = rest.end_of_bytes.max(start + last as u64 + 1);
        }
        let first = u64::from(start == offset);
        let found = (first as usize..chunk.len().saturating_sub(FRAME_HEADER - 1)).find(|at| {
            chunk[*at] == FRAME_MAGIC.to_le_bytes()[0] && is_header(&chunk[*at..*at + FRAME_HEADER], salt)
        });
        if let Some(at) = found {
            rest.later_frame = Some(start + at as u64);
            return Ok(rest);
        }
        if read == 0 {
            return Ok(rest);
        }
        let keep = chunk.len().min(FRAME_HEADER - 1);
        start += (chunk.len() - keep) as u64;
        chunk.drain(..chunk.len() - keep);
    }
}

fn is_header(bytes: &[u8], salt: u64) -> bool {
    number32(bytes, 0) == FRAME_MAGIC && checksum(&bytes[..20], salt) == number32(bytes, 20)
}

fn checksum(bytes: &[u8], salt: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn number64(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}
