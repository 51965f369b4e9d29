//! Snapshots: every object as of one revision, so that older logs can go.
//!
//! ```text
//! file header (revision) │ frame 0: objects │ frame 1: objects │ … │ last frame: how many objects
//! ```
//!
//! A snapshot has its name only when it is whole, so any damage in one is an error, never a torn write.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::error::Error;
use super::folder;
use super::frame::{self, FILE_HEADER, FRAME_HEADER, FileHeader, FileKind, Found};
use super::object::Object;
use super::record::{self, Record};

/// Objects are put into frames of about this size: large enough to be cheap, small enough to read with little
/// memory.
const FRAME_BYTES: usize = 1 << 20;

/// The sequence of the last frame.
const LAST: u64 = u64::MAX;

/// Writes a snapshot.
pub(super) fn write(path: &Path, revision: u64, objects: &[Arc<Object>]) -> Result<(), Error> {
    let header = FileHeader::new(FileKind::Snapshot, revision);
    let fill = |file: &mut File| -> io::Result<()> {
        let mut out = BufWriter::with_capacity(256 << 10, file);
        out.write_all(&header.encode())?;
        let mut sequence = 0;
        let mut frame = vec![0; FRAME_HEADER];
        for object in objects {
            record::encode_object(object, &mut frame);
            if frame.len() >= FRAME_BYTES {
                frame::seal(&mut frame, sequence, header.salt);
                out.write_all(&frame)?;
                frame.truncate(FRAME_HEADER);
                sequence += 1;
            }
        }
        if frame.len() > FRAME_HEADER {
            frame::seal(&mut frame, sequence, header.salt);
            out.write_all(&frame)?;
            frame.truncate(FRAME_HEADER);
        }
        frame.extend_from_slice(&(objects.len() as u64).to_le_bytes());
        frame::seal(&mut frame, LAST, header.salt);
        out.write_all(&frame)?;
        out.flush()
    };
    folder::publish(path, fill).map(|_| ())
}

/// Reads a snapshot and gives each object to `take`.
///
/// Errors: [`Error::Corrupt`] for anything but a whole snapshot of that revision; what `take` says.
pub(super) fn read(
    path: &Path,
    revision: u64,
    mut take: impl FnMut(Object) -> Result<(), Error>,
) -> Result<u64, Error> {
    let reading = |error| Error::io("read", path)(error);
    let corrupt = |offset, problem| Error::Corrupt {
        file: path.to_owned(),
        offset,
        problem,
        last_good: 0,
    };
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let length = file.metadata().map_err(reading)?.len();
    let mut header = Vec::with_capacity(FILE_HEADER);
    Read::by_ref(&mut file)
        .take(FILE_HEADER as u64)
        .read_to_end(&mut header)
        .map_err(reading)?;
    let header = FileHeader::decode(&header, FileKind::Snapshot).map_err(|problem| corrupt(0, problem))?;
    if header.number != revision {
        return Err(corrupt(0, "its name says another revision than its header"));
    }
    let (mut offset, mut count) = (FILE_HEADER as u64, 0);
    for expected in 0.. {
        let (sequence, body) = match frame::read(&mut file, offset, length, header.salt).map_err(reading)? {
            Found::Frame { sequence, body } => (sequence, body),
            Found::Nothing => return Err(corrupt(offset, "the snapshot ends early")),
            Found::Damage(problem) => return Err(corrupt(offset, problem)),
        };
        if sequence == LAST {
            let whole = body
                .try_into()
                .is_ok_and(|body| u64::from_le_bytes(body) == count);
            return if whole {
                Ok(count)
            } else {
                Err(corrupt(offset, "the snapshot lacks objects"))
            };
        }
        if sequence != expected {
            return Err(corrupt(offset, "a frame is missing"));
        }
        let mut input = body.as_slice();
        while !input.is_empty() {
            let Some(Record::Put { revision, key, draft }) = record::decode(&mut input) else {
                return Err(corrupt(offset, "a record can't be read"));
            };
            take(draft.into_object(key, revision))?;
            count += 1;
        }
        offset += (FRAME_HEADER + body.len()) as u64;
    }
    Err(corrupt(offset, "the snapshot has no end"))
}
