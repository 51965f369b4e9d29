//! The world as this replica knows it, for whoever asks: one task owns a [`Feed`] and answers.
//!
//! ```text
//! Books::ask(closure) ──bounded channel──► the task ──► closure(&World, now) ──► the answer
//!                                           ▲ Feed::next: what changed in the hub
//! ```
//!
//! Every replica has one, whether it leads or not. Nothing is decided here.

use std::time::Duration;

use delivery::{Seen, World};
use jiff::Timestamp;
use kinds::Object;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::error::Error;
use crate::feed::Feed;
use crate::hub::Hub;

/// Questions that wait. Each takes milliseconds, and connections are bounded to fewer.
const WAITING: usize = 256;

/// How long somebody waits for an answer: as long as it takes a hub to list its objects when a replica starts.
const PATIENCE: Duration = Duration::from_secs(10);

type Question = Box<dyn FnOnce(&mut Feed) + Send>;

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
        hub: Hub,
        clock: fn() -> Timestamp,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (questions, receiver) = mpsc::channel(WAITING);
        let (sender, version) = watch::channel(0);
        let books = Self {
            questions,
            version,
            clock,
        };
        (books, keep(hub, receiver, sender))
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
        let question: Question = Box::new(move |feed| {
            // Whoever asked may have gone.
            let _ = sender.send(question(feed.world(), now));
        });
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
        let question: Question = Box::new(move |feed| feed.put(object));
        // The watch tells of it too.
        drop(timeout(PATIENCE, self.questions.send(question)).await);
    }

    /// What changes whenever the world did.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.clone()
    }
}

async fn keep(hub: Hub, mut questions: mpsc::Receiver<Question>, version: watch::Sender<u64>) {
    let mut feed = Feed::new(&hub);
    feed.next().await;
    loop {
        tokio::select! {
            question = questions.recv() => match question {
                Some(question) => question(&mut feed),
                None => return std::future::pending().await,
            },
            _ = feed.next() => version.send_modify(|version| *version += 1),
        }
    }
}
