//! The index, brought up to what the statements say.
//!
//! ```text
//! read the index ─► list the statements ─► read those it lacks ─► write it, if it is still what was read
//! ```
//!
//! No entry is lost: of two who write, the second replaces what the first wrote only after he listed once more, and
//! everybody lists after his own statement is there.

use std::time::Duration;

use bytes::Bytes;

use super::Store;
use crate::error::Error;
use crate::index::Index;
use crate::name::{INDEX, Name};

/// What 100,000 versions come to.
const MAX_INDEX: usize = 128 * 1024 * 1024;

/// Whoever loses a turn does so because another wrote, and mostly wrote his version with it. Ten who publish at the same
/// moment need four turns.
const TURNS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// What was done to the index.
#[derive(Debug, Default)]
pub struct Indexed {
    /// Versions that came in.
    pub added: usize,
    /// Versions that went out.
    pub removed: usize,
    /// Names whose statement is none, with the reason. They are left out.
    pub unreadable: Vec<(Name, Error)>,
}

impl Store {
    /// Adds to the index what it lacks, and removes what is gone.
    pub async fn index(&self) -> Result<Indexed, Error> {
        self.reconcile(false).await
    }

    /// Makes the index from all statements, whatever is in it.
    pub async fn rebuild_index(&self) -> Result<Indexed, Error> {
        self.reconcile(true).await
    }

    async fn reconcile(&self, anew: bool) -> Result<Indexed, Error> {
        self.objects.check_conditions().await?;
        for turn in 0..TURNS {
            let was = self.objects.get(INDEX, MAX_INDEX).await?;
            let known = was.as_ref().and_then(|was| Index::read(&was.bytes));
            let mut index = known.filter(|_| !anew).unwrap_or_default();
            let indexed = self.fill(&mut index).await?;
            let bytes = Bytes::from(index.to_bytes());
            if was.as_ref().is_some_and(|was| was.bytes == bytes) {
                return Ok(indexed);
            }
            let tag = was.map(|was| was.tag);
            if self.objects.replace(INDEX, bytes, tag).await? {
                return Ok(indexed);
            }
            tokio::time::sleep(PAUSE * (1 << turn.min(5))).await;
        }
        Err(Error::Contended {
            place: self.place.to_string(),
            doing: format!("write {INDEX}"),
            problem: format!("others wrote it {TURNS} times meanwhile"),
        })
    }

    async fn fill(&self, index: &mut Index) -> Result<Indexed, Error> {
        let names = self.names().await?;
        let had = index.names();
        let mut indexed = Indexed::default();
        for (name, said) in self.list(names.difference(&had).cloned()).await? {
            match said {
                Ok(statement) => {
                    index.add(&statement);
                    indexed.added += 1;
                }
                Err(error) => indexed.unreadable.push((name, error)),
            }
        }
        indexed.removed = had.difference(&names).count();
        index.retain(|name| names.contains(name));
        Ok(indexed)
    }
}
