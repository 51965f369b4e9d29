//! The audit log, kept in the hub: the chain of `delivery::audit` in ConfigMaps of bounded size.
//!
//! ```text
//! append ──► one writer task: all that wait ──one patch──► shipway-audit-000007 ──full──► immutable, and -000008
//!                                              (resourceVersion)      │
//!                                                                     └──► shipway-audit: the head, kept apart
//! ```
//!
//! Several replicas may write: a patch names the version that was read, and whoever loses reads the head again. A kill leaves a
//! whole chain, for a patch is done or not, and a head that is behind by what was written last. A chain that somebody cut or
//! changed is gone on with after the head that was kept, so that what was done to it can be found for ever.
//!
//! Nothing is ever deleted here, so what a line has is bounded: what is longer is cut, and says so.

mod fit;
mod segment;
mod verify;

use std::sync::Arc;

use delivery::audit::{self, Broken, Head, Record};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, sleep};

use crate::error::Error;
use crate::hub::Hub;
use fit::fit;
use segment::{Segments, Tail, Written};
pub use verify::Extent;
use verify::Verified;

/// Records that wait. A person's action has two; more than this at once is not people.
const WAITING: usize = 256;

/// A write that others were faster than is tried again so often. Each time, somebody else has written, so with a few replicas
/// none comes last so often in a row.
const TRIES: u32 = 32;

/// The first wait after a lost race; it doubles, to a quarter of a second.
const RACE: Duration = Duration::from_millis(2);

/// The most lines, and bytes, that are read at once.
pub const MAX_LINES: usize = 1_000;
const MAX_BYTES: usize = 4 << 20;

/// The audit log of a hub. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditLog {
    segments: Segments,
    sender: mpsc::Sender<Waiting>,
    verified: Verified,
}

/// A record that is not written yet, and who waits for it.
struct Waiting {
    record: Record,
    done: oneshot::Sender<Result<Head, Error>>,
}

/// The task that writes.
struct Writer {
    segments: Segments,
    /// `None` when it is not known.
    tail: Option<Tail>,
}

impl AuditLog {
    /// The log of a hub, and the task that writes to it, which never returns.
    pub fn open(hub: Hub, namespace: &str) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let segments = Segments::new(hub, namespace);
        let writer = Writer {
            segments: segments.clone(),
            tail: None,
        };
        let log = Self {
            segments,
            sender,
            verified: Verified::default(),
        };
        (log, writer.run(receiver))
    }

    /// Writes a record, cut where it is longer than a line may be, and says where it is once it is durable.
    ///
    /// # Errors
    /// It can't be written. It may be there nevertheless if the hub's answer was lost.
    pub async fn append(&self, record: Record) -> Result<Head, Error> {
        let record = fit(record);
        let (done, answer) = oneshot::channel();
        let gone = |_| Error::Mistake {
            problem: "the audit log is not written any more: the process ends".to_owned(),
            cure: "try again".to_owned(),
        };
        self.sender
            .send(Waiting { record, done })
            .await
            .map_err(|_| gone(()))?;
        answer.await.map_err(|_| gone(()))?
    }

    /// Lines from a number on, the first being 1: as many as asked for, and no more than are read at once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lines(&self, from: u64, limit: usize) -> Result<Vec<String>, Error> {
        self.segments.lines(from, limit.min(MAX_LINES)).await
    }

    /// The end of the log.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn head(&self) -> Result<Head, Error> {
        Ok(self.segments.tail().await?.head)
    }

    /// Whether the log is what was written. What was read before is read again where its object is another version now.
    ///
    /// # Errors
    /// It can't be read; what is wrong with it is the answer.
    pub async fn verify(&self) -> Result<Result<Head, Broken>, Error> {
        self.verify_over(Extent::Changed).await
    }

    /// The same, over as much as is wanted. One at a time in this process.
    ///
    /// # Errors
    /// As for [`AuditLog::verify`].
    pub async fn verify_over(&self, extent: Extent) -> Result<Result<Head, Broken>, Error> {
        self.verified.verify(&self.segments, extent).await
    }
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut waiting = Vec::new();
        while receiver.recv_many(&mut waiting, WAITING).await > 0 {
            while !waiting.is_empty() {
                let records: Vec<Record> = waiting.iter().map(|one| one.record.clone()).collect();
                match self.write(&records).await {
                    Ok(heads) => {
                        for (one, head) in waiting.drain(..heads.len()).zip(heads) {
                            let _ = one.done.send(Ok(head));
                        }
                    }
                    Err(error) => {
                        self.tail = None;
                        let error = Arc::new(error);
                        for one in waiting.drain(..) {
                            let _ = one.done.send(Err(Error::Audit(Arc::clone(&error))));
                        }
                    }
                }
            }
        }
        // The log is held by nobody any more, which does not end the task: whoever joins it goes on.
        std::future::pending::<()>().await;
    }

    /// Writes as many of the records as fit into one segment, one at least.
    async fn write(&mut self, records: &[Record]) -> Result<Vec<Head>, Error> {
        let mut wait = RACE;
        for _ in 0..TRIES {
            let mut tail = match self.tail.take() {
                Some(tail) => tail,
                None => self.segments.tail().await?,
            };
            if !tail.has_room() {
                // Whoever is faster has closed it too.
                self.segments.close(&tail).await?;
                continue;
            }
            let (lines, heads) = chain(&tail, records);
            match self.segments.write(&mut tail, &lines).await? {
                Written::Done => {}
                Written::Raced if self.is_there(&lines, &heads).await? => {}
                Written::Raced => {
                    sleep(wait).await;
                    wait = (wait * 2).min(RACE * 128);
                    continue;
                }
            }
            if let Some(head) = heads.last() {
                self.keep(tail, *head).await;
            }
            return Ok(heads);
        }
        Err(Error::Mistake {
            problem: format!("the audit log is written by so many at once that {TRIES} tries were too few"),
            cure: "try again; one controller writes for everybody who uses its API".to_owned(),
        })
    }

    /// Whether lines were written although the answer says otherwise: the first of two sendings did.
    async fn is_there(&self, lines: &[String], heads: &[Head]) -> Result<bool, Error> {
        let Some(first) = heads.first() else {
            return Ok(true);
        };
        let there = self.segments.lines(first.number, lines.len()).await?;
        Ok(there == lines)
    }

    /// Brings the head that is kept apart to where the log is. What is written is written: failing to do so only leaves it
    /// behind, until the next line.
    async fn keep(&mut self, mut tail: Tail, head: Head) {
        tail.head = head;
        match self.segments.keep(&mut tail).await {
            Ok(()) => self.tail = Some(tail),
            Err(error) => {
                tracing::warn!(error = %stdx::chain(&error), "the head of the audit log could not be kept");
            }
        }
    }
}

/// The lines of as many records as the tail has room for, and the head after each.
fn chain(tail: &Tail, records: &[Record]) -> (Vec<String>, Vec<Head>) {
    let mut head = tail.head;
    let (mut lines, mut heads) = (Vec::new(), Vec::new());
    let mut room = tail.room();
    for record in records {
        let entry = audit::append(&head, record.clone());
        let line = entry.line();
        if !lines.is_empty() && !room.takes(&line) {
            break;
        }
        room.take(&line);
        head = entry.head();
        lines.push(line);
        heads.push(head);
    }
    (lines, heads)
}
