//! Dead letters: what they are and why, and how they get another chance.
//!
//! A queue can't be read without taking from it, so letters are hidden while they are listed and given back at the end; a
//! stop in between gives them back by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{BATCH, Letter, Message, Queue, Refused};
use crate::error::Error;

/// Long enough to list as many as are listed.
const HIDDEN: Duration = Duration::from_secs(120);

/// Without waiting, SQS asks some of its machines only and may find nothing where there is something.
const WAIT: Duration = Duration::from_secs(2);

/// More are told to be more. People read this.
pub const MAX_LISTED: usize = 1_000;

/// What became of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub replayed: usize,
    /// Letters that were asked for and are there no more, by id.
    pub missing: BTreeSet<String>,
    pub problems: Vec<String>,
}

/// Lists the oldest dead letters and leaves them where they are.
pub async fn list(dead: &dyn Queue) -> Result<Vec<Message>, Error> {
    let letters = take(dead).await?;
    give_back(dead, letters.iter()).await?;
    Ok(letters)
}

/// Sends letters back to where they came from: all, or those named by id.
///
/// A letter is sent before it is deleted, so a stop in between makes it come twice, never not.
pub async fn replay(
    dead: &dyn Queue,
    to: &dyn Queue,
    only: Option<&BTreeSet<String>>,
) -> Result<Replayed, Error> {
    let (chosen, others): (Vec<_>, Vec<_>) = take(dead)
        .await?
        .into_iter()
        .partition(|letter| only.is_none_or(|only| only.contains(&letter.id)));
    give_back(dead, others.iter()).await?;
    let mut replayed = Replayed {
        missing: only.cloned().unwrap_or_default(),
        ..Replayed::default()
    };
    for batch in chosen.chunks(BATCH) {
        let letters: Vec<Letter> = batch
            .iter()
            .map(|letter| Letter {
                body: letter.body.clone(),
                reason: None,
            })
            .collect();
        let refused = to.send(&letters).await?;
        let sent = sent(batch, &refused);
        replayed
            .problems
            .extend(refused.into_iter().map(|refused| refused.problem));
        let receipts: Vec<String> = sent.iter().map(|letter| letter.receipt.clone()).collect();
        let kept = dead.delete(&receipts).await?;
        replayed
            .problems
            .extend(kept.into_iter().map(|refused| refused.problem));
        replayed.replayed += sent.len();
        for letter in batch {
            replayed.missing.remove(&letter.id);
        }
    }
    Ok(replayed)
}

fn sent<'a>(batch: &'a [Message], refused: &[Refused]) -> Vec<&'a Message> {
    let numbers: BTreeSet<usize> = refused.iter().map(|refused| refused.number).collect();
    let sent = batch.iter().enumerate();
    sent.filter(|(number, _)| !numbers.contains(number))
        .map(|(_, letter)| letter)
        .collect()
}

async fn take(dead: &dyn Queue) -> Result<Vec<Message>, Error> {
    let mut seen = BTreeSet::new();
    let mut letters = Vec::new();
    while letters.len() < MAX_LISTED {
        let batch = dead.receive(BATCH, WAIT, HIDDEN).await?;
        if batch.is_empty() {
            break;
        }
        letters.extend(batch.into_iter().filter(|letter| seen.insert(letter.id.clone())));
    }
    letters.sort_by(|a, b| a.sent.cmp(&b.sent).then_with(|| a.id.cmp(&b.id)));
    Ok(letters)
}

async fn give_back(dead: &dyn Queue, letters: impl Iterator<Item = &Message>) -> Result<(), Error> {
    let receipts: Vec<_> = letters
        .map(|letter| (letter.receipt.clone(), Duration::ZERO))
        .collect();
    for batch in receipts.chunks(BATCH) {
        // What is not given back comes by itself.
        dead.hide(batch).await?;
    }
    Ok(())
}
