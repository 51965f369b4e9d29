//! A write under way: a future for the server, a wait for plain threads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::error::Error;
use super::event::Event;
use super::sync::block_on;

pub(super) type Outcome = Result<Arc<Event>, Error>;

/// The answer to a write: ready at once in memory, after the disk has it in a durable store. Dropping the ticket
/// does not take the write back.
#[derive(Debug)]
pub struct Ticket(State);

#[derive(Debug)]
enum State {
    Ready(Option<Outcome>),
    Waiting(oneshot::Receiver<Outcome>),
}

impl Ticket {
    pub(super) fn ready(outcome: Outcome) -> Self {
        Self(State::Ready(Some(outcome)))
    }

    pub(super) fn waiting() -> (oneshot::Sender<Outcome>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(State::Waiting(receiver)))
    }

    /// Waits on a plain thread; a task awaits the ticket instead.
    pub fn wait(self) -> Outcome {
        block_on(self)
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        match &mut self.0 {
            State::Ready(outcome) => Poll::Ready(outcome.take().unwrap_or(Err(Error::Closed))),
            State::Waiting(receiver) => {
                let answer = ready!(Pin::new(receiver).poll(context));
                Poll::Ready(answer.unwrap_or(Err(Error::Closed)))
            }
        }
    }
}
