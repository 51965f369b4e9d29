//! Takes messages from a queue and hands the names in them to whoever looks, at least once each.
//!
//! ```text
//! receive ─► Notice ─► names, each once ─► Handler::look ─┬─ fine ────────────► delete
//!               │            (hidden on while it works)   ├─ passing ─────────► give back, later and later
//!               └─ not known ─────────────────────────────┴─ stays, too often ─► dead letter, with the reason
//! ```
//!
//! A worker may be dropped at any time: a message is deleted after its names were looked at, so what was under way comes
//! again. Looking twice has to be as good as once; that is the handler's part.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, interval_at, timeout};

use crate::error::Error;
use crate::name::Name;
use crate::notice::Notice;
use crate::place::Place;
use crate::queue::{BATCH, Letter, Message, Queue, Refused};

/// Looks at a version that a message names.
pub trait Handler: Sync {
    /// Reads what is in the store under this name and does what follows. There may be nothing: then nothing follows.
    ///
    /// Assumptions: it is called for the same name any number of times, at the same moment too by other workers, in any
    /// order, and dropped at any await.
    fn look(&self, name: &Name) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Why looking failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may be fine later.
    Passing(String),
    /// It is the same each time: a statement that nobody who is trusted signed.
    Stays(String),
}

/// How a worker goes about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long to wait for a message. SQS waits for 20 s at most, and an empty answer costs as much as a full one.
    pub wait: Duration,
    /// For how long a message is nobody else's; it is renewed three times in that while.
    pub hidden: Duration,
    /// Looking for longer has failed.
    pub longest: Duration,
    /// How often a message is tried before it is a dead letter.
    pub tries: u32,
    /// The wait after the first failure; it doubles.
    pub backoff: Duration,
    pub backoff_max: Duration,
}

impl Default for Pace {
    /// Eight tries with these waits are half an hour: longer than a hub takes to come back from a restart.
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(20),
            hidden: Duration::from_secs(60),
            longest: Duration::from_secs(300),
            tries: 8,
            backoff: Duration::from_secs(15),
            backoff_max: Duration::from_secs(900),
        }
    }
}

/// What became of the messages of one turn.
#[derive(Debug, Default)]
pub struct Report {
    pub received: usize,
    /// Distinct names.
    pub looked: usize,
    pub done: usize,
    pub given_back: usize,
    /// With the reason.
    pub dead: Vec<(Message, String)>,
    /// Requests to the queue that failed. Their messages come again.
    pub troubles: Vec<String>,
}

/// Works on one queue for one store. Several may, in several processes.
#[derive(Clone, Debug)]
pub struct Worker {
    pub queue: Arc<dyn Queue>,
    /// Where dead letters go. Without it, what fails is given back until the queue's own redrive policy takes it.
    pub dead: Option<Arc<dyn Queue>>,
    /// The store whose names are looked at.
    pub place: Place,
    pub pace: Pace,
}

/// A message until it is settled.
struct Open {
    message: Message,
    waiting: BTreeSet<Name>,
    failure: Option<Failure>,
}

/// The longest wait after the queue itself failed.
const TROUBLE_MAX: Duration = Duration::from_secs(60);

impl Worker {
    /// Works until it is dropped, and tells what became of each turn.
    pub async fn run(&self, handler: &impl Handler, mut tell: impl FnMut(Result<&Report, &Error>)) {
        let mut pause = Duration::from_secs(1);
        loop {
            match self.turn(handler).await {
                Ok(report) => {
                    tell(Ok(&report));
                    pause = Duration::from_secs(1);
                }
                Err(error) => {
                    tell(Err(&error));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(TROUBLE_MAX);
                }
            }
        }
    }

    /// Receives once and settles what came.
    ///
    /// # Errors
    /// Nothing could be received. What fails later is in the report.
    pub async fn turn(&self, handler: &impl Handler) -> Result<Report, Error> {
        let Pace {
            wait,
            hidden,
            longest,
            ..
        } = self.pace;
        let messages = self.queue.receive(BATCH, wait, hidden).await?;
        let mut report = Report {
            received: messages.len(),
            ..Report::default()
        };
        let mut open: Vec<Open> = messages.into_iter().map(|message| self.open(message)).collect();
        self.settle(&mut open, &mut report).await;
        let names: BTreeSet<Name> = open
            .iter()
            .flat_map(|open| open.waiting.iter().cloned())
            .collect();
        report.looked = names.len();
        let look = |name: Name| async move {
            let looked = timeout(longest, handler.look(&name)).await;
            let late = || {
                Err(Failure::Passing(format!(
                    "it took longer than {} s",
                    longest.as_secs()
                )))
            };
            let result = looked.unwrap_or_else(|_| late());
            (name, result)
        };
        let looks: FuturesUnordered<_> = names.into_iter().map(look).collect();
        let mut looks = looks.ready_chunks(BATCH);
        let renewal = hidden / 3;
        let mut renewals = interval_at(Instant::now() + renewal, renewal.max(Duration::from_millis(1)));
        loop {
            tokio::select! {
                looked = looks.next() => {
                    let Some(looked) = looked else { break };
                    for (name, result) in looked {
                        tell(&mut open, &name, &result);
                    }
                    self.settle(&mut open, &mut report).await;
                }
                _ = renewals.tick() => self.renew(&open, &mut report).await,
            }
        }
        Ok(report)
    }

    fn open(&self, message: Message) -> Open {
        match Notice::read(&message.body) {
            Ok(notice) => Open {
                waiting: notice.names(&self.place),
                failure: None,
                message,
            },
            Err(error) => Open {
                message,
                waiting: BTreeSet::new(),
                failure: Some(Failure::Stays(error.to_string())),
            },
        }
    }

    async fn renew(&self, open: &[Open], report: &mut Report) {
        let receipts: Vec<_> = open
            .iter()
            .map(|open| (open.message.receipt.clone(), self.pace.hidden))
            .collect();
        let renewed = self.queue.hide(&receipts).await;
        report.note("hide on", renewed);
    }

    /// Ends what waits for nothing any more.
    async fn settle(&self, open: &mut Vec<Open>, report: &mut Report) {
        let settled: Vec<Open> = open.extract_if(.., |open| open.waiting.is_empty()).collect();
        let mut delete = Vec::new();
        let mut give_back = Vec::new();
        let mut bury = Vec::new();
        for Open { message, failure, .. } in settled {
            match failure {
                None => {
                    report.done += 1;
                    delete.push(message.receipt);
                }
                Some(Failure::Passing(_)) if message.received < self.pace.tries => {
                    give_back.push((message.receipt, self.backoff(message.received)));
                }
                Some(Failure::Passing(reason)) => {
                    let tries = message.received;
                    bury.push((message, format!("failed {tries} times, the last time: {reason}")));
                }
                Some(Failure::Stays(reason)) => bury.push((message, reason)),
            }
        }
        match &self.dead {
            Some(dead) => delete.extend(self.bury(&**dead, bury, report).await),
            None => give_back.extend(
                bury.into_iter()
                    .map(|(message, _)| (message.receipt, self.pace.backoff_max)),
            ),
        }
        if !delete.is_empty() {
            report.note("delete", self.queue.delete(&delete).await);
        }
        if !give_back.is_empty() {
            report.given_back += give_back.len();
            report.note("give back", self.queue.hide(&give_back).await);
        }
    }

    /// Makes dead letters, and gives the receipts of those that may be deleted: a letter lies in both before it lies in one.
    async fn bury(&self, dead: &dyn Queue, bury: Vec<(Message, String)>, report: &mut Report) -> Vec<String> {
        if bury.is_empty() {
            return Vec::new();
        }
        let letter = |(message, reason): &(Message, String)| Letter {
            body: message.body.clone(),
            reason: Some(reason.clone()),
        };
        let letters: Vec<Letter> = bury.iter().map(letter).collect();
        let sent = dead.send(&letters).await;
        let failed: BTreeSet<usize> = match &sent {
            Ok(refused) => refused.iter().map(|refused| refused.number).collect(),
            Err(_) => (0..bury.len()).collect(),
        };
        report.note("make a dead letter of", sent);
        let buried = bury
            .into_iter()
            .enumerate()
            .filter(|(number, _)| !failed.contains(number));
        let buried: Vec<_> = buried.map(|(_, buried)| buried).collect();
        let receipts = buried
            .iter()
            .map(|(message, _)| message.receipt.clone())
            .collect();
        report.dead.extend(buried);
        receipts
    }

    fn backoff(&self, received: u32) -> Duration {
        let doubled = 1_u32.checked_shl(received.saturating_sub(1)).unwrap_or(u32::MAX);
        self.pace
            .backoff
            .saturating_mul(doubled)
            .min(self.pace.backoff_max)
    }
}

impl Report {
    fn note(&mut self, doing: &str, result: Result<Vec<Refused>, Error>) {
        match result {
            Ok(refused) => {
                let problems = refused.into_iter().map(|refused| refused.problem);
                self.troubles
                    .extend(problems.map(|problem| format!("can't {doing} a message: {problem}")));
            }
            Err(error) => self.troubles.push(error.to_string()),
        }
    }
}

/// Tells every message that waits for a name what came of it. A failure that stays outweighs one that passes.
fn tell(open: &mut [Open], name: &Name, result: &Result<(), Failure>) {
    for open in open.iter_mut().filter(|open| open.waiting.contains(name)) {
        open.waiting.remove(name);
        if let Err(failure) = result
            && !matches!(open.failure, Some(Failure::Stays(_)))
        {
            open.failure = Some(failure.clone());
        }
    }
}
