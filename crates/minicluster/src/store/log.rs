//! The log: every acknowledged change, in order, on the disk before anybody hears of it.
//!
//! One frame is one batch of changes and one `fdatasync`. The file is extended with zeros a mebibyte at a time, so
//! that most syncs write the data alone and no change of the file's length: four times as many syncs per second on
//! ext4. Running out of space mostly happens while extending, before anything of the batch is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::error::Error;
use super::folder::{self, Folder};
use super::frame::{self, FILE_HEADER, FRAME_HEADER, FileHeader, FileKind, MAX_BODY};

/// How much the file grows at a time.
const GROWTH: u64 = 1 << 20;

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
    salt: u64,
    /// Where the next frame goes; everything before is on the disk.
    end: u64,
    /// The length of the file: from `end` to here are zeros.
    allocated: u64,
    /// After a failed sync nobody knows what is on the disk: nothing is written any more.
    broken: Option<Error>,
}

impl Log {
    /// Starts the log whose first change will be `first`.
    pub(super) fn create(folder: &Folder, first: u64) -> Result<Self, Error> {
        let path = folder.log_path(first);
        let header = FileHeader::new(FileKind::Log, first);
        let file = folder::publish(&path, |file| file.write_all(&header.encode()))?;
        let end = FILE_HEADER as u64;
        Ok(Self {
            file,
            path,
            salt: header.salt,
            end,
            allocated: end,
            broken: None,
        })
    }

    /// Goes on with a log after its last good frame: cuts off what follows and makes sure of what precedes.
    pub(super) fn resume(path: PathBuf, salt: u64, end: u64) -> Result<Self, Error> {
        let open = OpenOptions::new().read(true).write(true).open(&path);
        let file = open.map_err(Error::io("open", &path))?;
        // What was read may be in the system's cache alone; it is about to be shown to clients.
        let synced = file.set_len(end).and_then(|()| file.sync_all());
        synced.map_err(Error::io("repair the end of", &path))?;
        Ok(Self {
            file,
            path,
            salt,
            end,
            allocated: end,
            broken: None,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.end
    }

    /// Puts a batch on the disk. `frame` has room for the header before the body.
    ///
    /// Guarantees: `Ok` means that it survives a crash of the process and of the machine.
    /// Errors: [`Error::Io`]; then the batch is not in the log, or, if only the sync failed, it may be there at
    /// the next start, and this log refuses all further writes until then.
    pub(super) fn append(&mut self, frame: &mut [u8], first_revision: u64) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if frame.len() > FRAME_HEADER + MAX_BODY {
            return Err(Error::TooLarge {
                bytes: frame.len(),
                limit: FRAME_HEADER + MAX_BODY,
            });
        }
        frame::seal(frame, first_revision, self.salt);
        let end = self.end + frame.len() as u64;
        if let Err(error) = self.write(frame, end) {
            self.undo();
            return Err(Error::io("write", &self.path)(error));
        }
        if let Err(error) = self.file.sync_data() {
            let error = Error::io("sync", &self.path)(error);
            self.broken = Some(error.clone());
            return Err(error);
        }
        self.end = end;
        Ok(())
    }

    /// Gives the zeros at the end back; for a log that is full.
    pub(super) fn finish(self) {
        // It is whole either way: zeros after the last frame say the same as the end of the file.
        let _ = self.file.set_len(self.end);
    }

    fn write(&mut self, frame: &[u8], end: u64) -> io::Result<()> {
        if end > self.allocated {
            let allocated = end.next_multiple_of(GROWTH);
            self.file.seek(SeekFrom::Start(self.allocated))?;
            io::copy(
                &mut io::Read::take(io::repeat(0), allocated - self.allocated),
                &mut self.file,
            )?;
            self.allocated = allocated;
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(frame)
    }

    /// Takes back what a failed write left.
    fn undo(&mut self) {
        match self.file.set_len(self.end) {
            Ok(()) => self.allocated = self.end,
            Err(error) => self.broken = Some(Error::io("repair the end of", &self.path)(error)),
        }
    }
}
