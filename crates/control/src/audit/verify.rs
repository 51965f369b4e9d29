//! Whether the log is what was written, without reading all of it each time.
//!
//! ```text
//! names and versions of the segments ──► those read before, up to the first that is another ──► the others, one at a time
//! ```
//!
//! An object of one version has one content, so what was read of it holds. What is remembered is a head for each segment, in
//! memory: a replica that starts reads everything once. A hub that was put back from a backup may give a version twice; for
//! that there is [`Extent::Everything`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery::audit::{Broken, Head, Verifier};
use tokio::sync::Semaphore;

use super::segment::Segments;
use crate::error::Error;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What was not read before, or is another version now.
    Changed,
    Everything,
}

/// What was found whole so far. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    /// One at a time: each may read the whole log.
    turn: Arc<Semaphore>,
    read: Arc<Mutex<Vec<Read>>>,
}

/// A segment that was read and is whole, with all before it.
#[derive(Clone, Debug)]
struct Read {
    name: String,
    version: String,
    /// After its last line.
    head: Head,
}

impl Default for Verified {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            read: Arc::default(),
        }
    }
}

impl Verified {
    pub(super) async fn verify(
        &self,
        segments: &Segments,
        extent: Extent,
    ) -> Result<Result<Head, Broken>, Error> {
        // It is never closed.
        let _turn = self.turn.acquire().await;
        let kept = segments.kept().await?.map(|(head, _)| head);
        let listed = segments.versions().await?;
        let (known, head) = {
            let mut read = self.read();
            let before = read.iter().zip(&listed);
            let same =
                before.take_while(|(read, (name, version))| read.name == *name && read.version == *version);
            // The line that the kept head names is read again: it has to be that one.
            let same = same.take_while(|(read, _)| kept.is_none_or(|kept| read.head.number < kept.number));
            let known = match extent {
                Extent::Changed => same.count(),
                Extent::Everything => 0,
            };
            read.truncate(known);
            (known, read.last().map_or_else(Head::empty, |read| read.head))
        };
        let mut verifier = Verifier::after(head, kept.as_ref());
        for (name, _) in listed.into_iter().skip(known) {
            // One that is gone since is missing, which the next line shows, or the head.
            let Some((lines, version)) = segments.read(&name).await? else {
                continue;
            };
            if let Err(broken) = verifier.read(lines.iter().map(String::as_str)) {
                return Ok(Err(broken));
            }
            // At once: whoever has no patience left has the next one go on from here.
            let head = verifier.head();
            self.read().push(Read { name, version, head });
        }
        Ok(verifier.finish())
    }

    fn read(&self) -> MutexGuard<'_, Vec<Read>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
