//! A queue as SQS has it: what is received is hidden for a while, and comes again unless it is deleted.
//!
//! A message can come twice, late, and in any order; a receipt is good until the message is received again. Nothing here
//! relies on more. A store in a folder needs no queue: whoever publishes there looks himself, and the sweep finds the rest.

pub mod dead;
mod sqs;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use sqs::Sqs;

use crate::objects::Doing;

/// How many messages SQS takes or gives in one request.
pub const BATCH: usize = 10;

/// SQS hides nothing for longer.
pub const MAX_HIDDEN: Duration = Duration::from_secs(12 * 60 * 60);

/// A message as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same each time it comes.
    pub id: String,
    /// Good until it comes again.
    pub receipt: String,
    pub body: String,
    /// How often it has come, this time included.
    pub received: u32,
    pub sent: Option<Timestamp>,
    /// Of a dead letter: why it is one.
    pub reason: Option<String>,
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    pub body: String,
    /// Why it is a dead letter.
    pub reason: Option<String>,
}

/// One of several that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which, from 0.
    pub number: usize,
    pub problem: String,
}

/// A queue. Of what is given in a list at most [`BATCH`] are done at once; what could not be done is told.
pub trait Queue: fmt::Debug + Send + Sync {
    /// Waits for up to `most` messages and hides them from others.
    fn receive(&self, most: usize, wait: Duration, hidden: Duration) -> Doing<'_, Vec<Message>>;

    /// Hides messages for so long from now; zero gives them back.
    fn hide<'a>(&'a self, receipts: &'a [(String, Duration)]) -> Doing<'a, Vec<Refused>>;

    /// Deletes messages.
    fn delete<'a>(&'a self, receipts: &'a [String]) -> Doing<'a, Vec<Refused>>;

    /// Sends messages.
    fn send<'a>(&'a self, letters: &'a [Letter]) -> Doing<'a, Vec<Refused>>;
}
