//! The world as this replica knows it, for whoever asks: one task owns a [`Feed`] and answers.
//!
//! ```text
//! Books::ask(closure) ──bounded channel──► the task ──► closure(&World, now) ──► the answer
//!                                           ▲ Feed::next: what changed in the hub
//! ```
//!
//! What takes long and many want, the board of all tenants, is made once for all until something changes. What is done with
//! it for each of them is done elsewhere: rights are asked here too, and must not wait for screens.
//!
//! Every replica has one, whether it leads or not. Nothing is decided here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use delivery::{Board, Row, Seen, World, board};
use jiff::{SignedDuration, Timestamp};
use kinds::{Object, Tenant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::access::Caller;
use crate::error::Error;
use crate::feed::Feed;
use crate::hub::Hub;

/// Questions that wait. Each takes milliseconds, and connections are bounded to fewer.
const WAITING: usize = 256;

/// How long somebody waits for an answer: as long as it takes a hub to list its objects when a replica starts.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a board is shown where nothing changed but the time.
const SHOWN: SignedDuration = SignedDuration::from_secs(1);

type Question = Box<dyn FnOnce(&mut Pages) + Send>;

/// What the task owns.
struct Pages {
    feed: Feed,
    last: Last,
}

/// The board that was made last.
#[derive(Default)]
struct Last(Option<(Timestamp, Arc<Overview>)>);

/// The board of all tenants at a moment, with those by whom a caller's part of it is known.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) board: Board,
    tenants: BTreeMap<String, Object<Tenant>>,
}

/// Who answers from the world. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {
    questions: mpsc::Sender<Question>,
    version: watch::Receiver<u64>,
    clock: fn() -> Timestamp,
}

impl Books {
    /// The books of a hub, and the task that keeps them, which never returns.
    pub(crate) fn open(
        hub: &Hub,
        namespace: &str,
        clock: fn() -> Timestamp,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (questions, receiver) = mpsc::channel(WAITING);
        let (sender, version) = watch::channel(0);
        let books = Self {
            questions,
            version,
            clock,
        };
        let feed = Feed::new(hub, namespace);
        (books, keep(feed, receiver, sender))
    }

    /// Answers from the world as it is now.
    ///
    /// # Errors
    /// The hub was not read yet.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&World, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, answer) = oneshot::channel();
        let now = (self.clock)();
        let question: Question = Box::new(move |pages| {
            // Whoever asked may have gone.
            let _ = sender.send(question(pages.feed.world(), now));
        });
        self.answered(question, answer).await
    }

    /// The board of all tenants, which is made once for all who ask until something changes.
    pub(crate) async fn overview(&self) -> Result<Arc<Overview>, Error> {
        let (sender, answer) = oneshot::channel();
        let now = (self.clock)();
        let question: Question = Box::new(move |pages| {
            let _ = sender.send(pages.last.of(pages.feed.world(), now));
        });
        self.answered(question, answer).await
    }

    async fn answered<T>(&self, question: Question, answer: oneshot::Receiver<T>) -> Result<T, Error> {
        let asked = async {
            self.questions.send(question).await.ok()?;
            answer.await.ok()
        };
        let answered = timeout(PATIENCE, asked).await.ok().flatten();
        answered.ok_or_else(|| Error::Mistake {
            problem: "the objects of the hub are not read yet".to_owned(),
            cure: "try again in a moment; the controller's log says what keeps it".to_owned(),
        })
    }

    /// Takes in an object as the hub answered, so that whoever wrote it reads it.
    pub(crate) async fn put<K: Seen + 'static>(&self, object: Object<K>)
    where
        Object<K>: Send,
    {
        let question: Question = Box::new(move |pages| {
            pages.feed.put(object);
            pages.last = Last::default();
        });
        // The watch tells of it too.
        drop(timeout(PATIENCE, self.questions.send(question)).await);
    }

    /// What changes whenever the world did.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.clone()
    }
}

async fn keep(feed: Feed, mut questions: mpsc::Receiver<Question>, version: watch::Sender<u64>) {
    let mut pages = Pages {
        feed,
        last: Last::default(),
    };
    pages.feed.next().await;
    loop {
        tokio::select! {
            question = questions.recv() => match question {
                Some(question) => question(&mut pages),
                None => return std::future::pending().await,
            },
            _ = pages.feed.next() => {
                pages.last = Last::default();
                version.send_modify(|version| *version += 1);
            }
        }
    }
}

impl Last {
    fn of(&mut self, world: &World, now: Timestamp) -> Arc<Overview> {
        let last = self
            .0
            .as_ref()
            .filter(|(made, _)| now.duration_since(*made).abs() < SHOWN);
        if let Some((_, overview)) = last {
            return Arc::clone(overview);
        }
        let tenants = world
            .tenants()
            .map(|one| (one.metadata.name.clone(), one.clone()));
        let overview = Arc::new(Overview {
            board: board(world, now),
            tenants: tenants.collect(),
        });
        self.0 = Some((now, Arc::clone(&overview)));
        overview
    }
}

impl Overview {
    /// Whether a caller may see a row.
    pub(crate) fn is_for(&self, caller: &Caller, row: &Row) -> bool {
        caller.sees_of(self.tenants.get(&row.tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_made_once_until_something_changes_or_a_second_has_gone() {
        let (mut last, world) = (Last::default(), World::default());
        let start = Timestamp::UNIX_EPOCH;
        let later = |milliseconds| start + SignedDuration::from_millis(milliseconds);
        let first = last.of(&world, start);
        assert!((1..100).all(|at| Arc::ptr_eq(&first, &last.of(&world, later(at)))));
        let second = last.of(&world, later(1_000));
        assert!(!Arc::ptr_eq(&first, &second));
        last = Last::default();
        assert!(!Arc::ptr_eq(&second, &last.of(&world, later(1_001))));
    }
}
