//! Starting from a folder: the newest snapshot, then every log after it.
//!
//! ```text
//! snapshot-R ──► objects at R, history begins
//! log-R+1, …  ──► changes in order, none missing ──► revision, objects, history
//!            └─ the end of the last one: a write that was torn is cut off, it was never acknowledged
//! ```
//!
//! Only the last frame of the last log can be torn: a frame is written when the one before is on the disk, and a
//! new log begins when the old one is. So damage with a good frame anywhere after it is not a torn write but lost
//! data, and the start is refused. The reverse can't be told: damage done to the very last frame later on looks
//! like a torn write; it is cut off, and [`Recovery::cut`] says so.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::folder::{self, Content, Folder};
use super::frame::{self, FILE_HEADER, FRAME_HEADER, FileHeader, FileKind, Found};
use super::log::Log;
use super::record;
use super::shared::{FIRST_REVISION, Shared};
use super::snapshot;

/// What a start found in its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The revision of the last change.
    pub revision: u64,
    /// The revision before which the history is forgotten.
    pub history_from: u64,
    /// How many changes were read from logs.
    pub replayed: u64,
    /// What was cut off.
    pub cut: Option<Cut>,
}

/// An unfinished write at the end of a log. It was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub file: PathBuf,
    pub offset: u64,
    pub bytes: u64,
}

/// Reads the folder into an empty store and gives the log to go on with.
///
/// Errors: [`Error::Corrupt`], [`Error::Missing`], [`Error::Io`]; then the folder is as it was.
pub(super) fn recover(folder: &Folder, shared: &Shared) -> Result<(Log, Recovery), Error> {
    let Content {
        logs,
        snapshots,
        unfinished,
    } = folder.content()?;
    unfinished.iter().try_for_each(|path| folder::remove(path))?;
    let begin = snapshots.last().copied();
    let mut recovery = Recovery {
        history_from: begin.unwrap_or(FIRST_REVISION),
        ..Recovery::default()
    };
    shared.begin_at(recovery.history_from);
    if let Some(revision) = begin {
        snapshot::read(&folder.snapshot_path(revision), revision, |object| {
            shared.restore(Arc::new(object))
        })?;
    }
    let logs: Vec<u64> = logs
        .into_iter()
        .filter(|first| *first > recovery.history_from)
        .collect();
    let Some((last, earlier)) = logs.split_last() else {
        if begin.is_some() {
            return Err(Error::Missing {
                file: folder.log_path(recovery.history_from + 1),
            });
        }
        recovery.revision = shared.revision();
        return Ok((Log::create(folder, recovery.revision + 1)?, recovery));
    };
    for first in earlier {
        let mut replay = Replay::open(folder, *first, shared)?;
        let end = replay.run(&mut recovery)?;
        if end.damage.is_some() || end.left > 0 {
            return Err(replay.corrupt(end.damage.unwrap_or("there is something after its end")));
        }
    }
    let mut replay = Replay::open(folder, *last, shared)?;
    let end = replay.run(&mut recovery)?;
    let Replay {
        path, salt, offset, ..
    } = replay;
    if end.left > 0 {
        recovery.cut = Some(Cut {
            file: path.clone(),
            offset,
            bytes: end.left,
        });
    }
    recovery.revision = shared.revision();
    let log = Log::resume(path, salt, offset)?;
    folder.remove_before(recovery.history_from)?;
    Ok((log, recovery))
}

struct Replay<'a> {
    shared: &'a Shared,
    file: File,
    path: PathBuf,
    length: u64,
    salt: u64,
    offset: u64,
}

/// How a log ends.
struct End {
    damage: Option<&'static str>,
    /// Bytes after the last good frame that are not zero.
    left: u64,
}

impl<'a> Replay<'a> {
    fn open(folder: &Folder, first: u64, shared: &'a Shared) -> Result<Self, Error> {
        let expected = shared.revision() + 1;
        if first != expected {
            return Err(Error::Missing {
                file: folder.log_path(expected),
            });
        }
        let path = folder.log_path(first);
        let (file, length, header) = open_log(&path, shared.revision())?;
        let this = Self {
            shared,
            file,
            path,
            length,
            salt: header.salt,
            offset: FILE_HEADER as u64,
        };
        if header.number != first {
            return Err(this.corrupt("its name says another revision than its header"));
        }
        Ok(this)
    }

    /// Makes all changes of the log again and says how it ends.
    fn run(&mut self, recovery: &mut Recovery) -> Result<End, Error> {
        loop {
            let found = frame::read(&mut self.file, self.offset, self.length, self.salt);
            let damage = match found.map_err(Error::io("read", &self.path))? {
                Found::Frame { sequence, body } => {
                    if sequence != self.shared.revision() + 1 {
                        return Err(self.corrupt("a frame does not follow the one before"));
                    }
                    recovery.replayed += self.apply(&body)?;
                    self.offset += (FRAME_HEADER + body.len()) as u64;
                    continue;
                }
                Found::Nothing => None,
                Found::Damage(problem) => Some(problem),
            };
            let scan = frame::scan(&mut self.file, self.offset, self.salt);
            let rest = scan.map_err(Error::io("read", &self.path))?;
            if rest.later_frame.is_some() {
                return Err(self.corrupt(damage.unwrap_or("a frame is missing")));
            }
            return Ok(End {
                damage,
                left: rest.end_of_bytes - self.offset,
            });
        }
    }

    fn apply(&self, body: &[u8]) -> Result<u64, Error> {
        let mut input = body;
        let mut count = 0;
        while !input.is_empty() {
            let record = record::decode(&mut input).ok_or_else(|| self.corrupt("a record can't be read"))?;
            let revision = self.shared.revision() + 1;
            if record.revision() != revision {
                return Err(self.corrupt("a record does not follow the one before"));
            }
            let table = self.shared.make_table(record.key().resource())?;
            let current = table.get(record.key().path());
            let event = record.into_change(current.is_some()).decide(current, revision);
            let event = event.map_err(|_| self.corrupt("it deletes an object that is not there"))?;
            self.shared
                .commit(&mut self.shared.totals(), &table, Arc::new(event));
            count += 1;
        }
        Ok(count)
    }

    fn corrupt(&self, problem: &'static str) -> Error {
        let last_good = self.shared.revision();
        Error::Corrupt {
            file: self.path.clone(),
            offset: self.offset,
            problem,
            last_good,
        }
    }
}

fn open_log(path: &Path, last_good: u64) -> Result<(File, u64, FileHeader), Error> {
    let reading = |error| Error::io("read", path)(error);
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let length = file.metadata().map_err(reading)?.len();
    let mut header = Vec::with_capacity(FILE_HEADER);
    file.by_ref()
        .take(FILE_HEADER as u64)
        .read_to_end(&mut header)
        .map_err(reading)?;
    let header = FileHeader::decode(&header, FileKind::Log).map_err(|problem| Error::Corrupt {
        file: path.to_owned(),
        offset: 0,
        problem,
        last_good,
    })?;
    Ok((file, length, header))
}
