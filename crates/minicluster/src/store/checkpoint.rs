//! When and how a log is replaced by a snapshot, while writing goes on.
//!
//! ```text
//! log long enough ──► new log ──► (own thread) snapshot of what the old logs led to ──► old files removed
//! ```
//!
//! A log may grow as large as all objects together: then the disk holds at most about twice the objects, and each
//! byte written is written about once more by snapshots. A crash at any point leaves either the old snapshot with
//! all logs, or the new one with the new log; recovery takes both.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::error::Error;
use super::folder::Folder;
use super::log::Log;
use super::object::Object;
use super::shared::Shared;
use super::snapshot;

/// Decides about snapshots and owns the thread that writes one.
#[derive(Debug)]
pub(super) struct Checkpoints {
    shared: Arc<Shared>,
    folder: Arc<Folder>,
    running: Option<JoinHandle<()>>,
    /// After a failure: not before the log has this length, so that a full disk is not tried again and again.
    not_before: u64,
}

impl Checkpoints {
    pub(super) fn new(shared: Arc<Shared>, folder: Folder) -> Self {
        Self {
            shared,
            folder: Arc::new(folder),
            running: None,
            not_before: 0,
        }
    }

    /// Starts a snapshot if it is time, and gives the log to go on with: the same or a new one.
    pub(super) fn consider(&mut self, log: Log) -> Log {
        let threshold = self.threshold();
        if log.bytes() < threshold.max(self.not_before) || self.is_running() {
            return log;
        }
        let revision = self.shared.revision();
        match Log::create(&self.folder, revision + 1) {
            Ok(new) => {
                self.not_before = 0;
                log.finish();
                self.start(revision);
                new
            }
            Err(error) => {
                self.not_before = log.bytes() + threshold;
                self.shared.note_snapshot(Some(error));
                log
            }
        }
    }

    /// Waits for the snapshot that is being written.
    pub(super) fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            // A panic there would be a bug, and has been reported by the panic itself.
            let _ = running.join();
        }
    }

    fn threshold(&self) -> u64 {
        let objects = self.shared.totals().object_bytes as u64;
        self.shared.options.snapshot_log_bytes.max(objects)
    }

    fn is_running(&mut self) -> bool {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish();
        }
        self.running.is_some()
    }

    /// The objects are collected here, on the thread that alone changes them; they are shared, so this copies
    /// pointers only.
    fn start(&mut self, revision: u64) {
        let mut objects = Vec::new();
        for table in self.shared.all_tables() {
            table.read(|rows| objects.extend(rows.live_now().cloned()));
        }
        let (shared, folder) = (Arc::clone(&self.shared), Arc::clone(&self.folder));
        let work = move || shared.note_snapshot(write(&folder, revision, &objects).err());
        match thread::Builder::new()
            .name("store-snapshot".to_owned())
            .spawn(work)
        {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                let path = self.folder.snapshot_path(revision);
                self.shared
                    .note_snapshot(Some(Error::io("start a thread for", &path)(error)));
            }
        }
    }
}

fn write(folder: &Folder, revision: u64, objects: &[Arc<Object>]) -> Result<(), Error> {
    snapshot::write(&folder.snapshot_path(revision), revision, objects)?;
    folder.remove_before(revision)
}
