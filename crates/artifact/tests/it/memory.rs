//! A queue in memory that is as unpleasant as SQS says of itself: messages in any order and sometimes twice, receipts that
//! are old, a hidden time that runs by the clock, a limit after which a message goes to the dead letters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use artifact::objects::Doing;
use artifact::queue::{BATCH, Letter, Message, Queue, Refused};
use tokio::time::{Instant, sleep, sleep_until};

/// A stream of numbers that a seed decides.
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    /// True for so many of a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

#[derive(Debug)]
struct Kept {
    id: u64,
    letter: Letter,
    received: u32,
    visible: Instant,
    receipt: u64,
}

#[derive(Debug)]
struct State {
    kept: Vec<Kept>,
    chance: Chance,
    next: u64,
    /// Deliveries in all, and those of a message that was hidden.
    delivered: usize,
    twice: usize,
}

/// The queue.
#[derive(Debug, Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    /// After how many deliveries a message goes where.
    redrive: Option<(u32, Arc<Memory>)>,
    /// How often of a hundred times a message comes although somebody has it.
    again: usize,
}

impl Memory {
    pub fn new(seed: u64) -> Self {
        let state = State {
            kept: Vec::new(),
            chance: Chance(seed),
            next: 0,
            delivered: 0,
            twice: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            redrive: None,
            again: 0,
        }
    }

    pub fn with_again(mut self, percent: usize) -> Self {
        self.again = percent;
        self
    }

    pub fn with_redrive(mut self, after: u32, to: Memory) -> Self {
        self.redrive = Some((after, Arc::new(to)));
        self
    }

    pub fn len(&self) -> usize {
        self.state().kept.len()
    }

    pub fn delivered(&self) -> (usize, usize) {
        let state = self.state();
        (state.delivered, state.twice)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    fn put(&self, letter: Letter) {
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        state.kept.push(Kept {
            id,
            letter,
            received: 0,
            visible: Instant::now(),
            receipt: 0,
        });
    }

    /// Takes what is visible, or says when something will be.
    fn take(&self, most: usize, hidden: Duration) -> Result<Vec<Message>, Option<Instant>> {
        let now = Instant::now();
        let mut taken = Vec::new();
        let mut buried = Vec::new();
        let mut state = self.state();
        let State {
            kept,
            chance,
            next,
            delivered,
            twice,
        } = &mut *state;
        // SQS does not look everywhere either; but what is alone there is found.
        for _ in 0..most.min(BATCH) * 4 {
            if taken.len() == most || kept.is_empty() {
                break;
            }
            let at = chance.below(kept.len());
            let is_hidden = kept[at].visible > now;
            if is_hidden && !chance.percent(self.again) {
                continue;
            }
            if let Some((after, to)) = &self.redrive
                && kept[at].received >= *after
            {
                buried.push((Arc::clone(to), kept.swap_remove(at).letter));
                continue;
            }
            *next += 1;
            *delivered += 1;
            *twice += usize::from(is_hidden);
            let entry = &mut kept[at];
            entry.received += 1;
            entry.visible = now + hidden;
            entry.receipt = *next;
            taken.push(Message {
                id: entry.id.to_string(),
                receipt: entry.receipt.to_string(),
                body: entry.letter.body.clone(),
                received: entry.received,
                sent: None,
                reason: entry.letter.reason.clone(),
            });
        }
        let soonest = kept
            .iter()
            .map(|entry| entry.visible.max(now + Duration::from_millis(1)))
            .min();
        drop(state);
        for (to, letter) in buried {
            to.put(letter);
        }
        if taken.is_empty() { Err(soonest) } else { Ok(taken) }
    }

    fn with<T>(&self, receipt: &str, change: impl FnOnce(&mut Vec<Kept>, usize) -> T) -> Option<T> {
        let mut state = self.state();
        let at = state
            .kept
            .iter()
            .position(|entry| entry.receipt.to_string() == receipt)?;
        Some(change(&mut state.kept, at))
    }
}

impl Queue for Memory {
    fn receive(&self, most: usize, wait: Duration, hidden: Duration) -> Doing<'_, Vec<Message>> {
        Box::pin(async move {
            // A request takes time, in which a worker can be killed.
            sleep(Duration::from_millis(5)).await;
            let until = Instant::now() + wait;
            loop {
                match self.take(most, hidden) {
                    Ok(messages) => return Ok(messages),
                    Err(_) if Instant::now() >= until => return Ok(Vec::new()),
                    Err(soonest) => sleep_until(soonest.unwrap_or(until).min(until)).await,
                }
            }
        })
    }

    fn hide<'a>(&'a self, receipts: &'a [(String, Duration)]) -> Doing<'a, Vec<Refused>> {
        Box::pin(async move {
            assert!(receipts.len() <= BATCH);
            sleep(Duration::from_millis(5)).await;
            let now = Instant::now();
            let hide = |(number, (receipt, hidden)): (usize, &(String, Duration))| {
                let done = self.with(receipt, |kept, at| kept[at].visible = now + *hidden);
                done.is_none().then(|| Refused {
                    number,
                    problem: "InvalidParameterValue: the receipt has expired".into(),
                })
            };
            Ok(receipts.iter().enumerate().filter_map(hide).collect())
        })
    }

    fn delete<'a>(&'a self, receipts: &'a [String]) -> Doing<'a, Vec<Refused>> {
        Box::pin(async move {
            assert!(receipts.len() <= BATCH);
            sleep(Duration::from_millis(5)).await;
            // An old receipt is no error, and deletes nothing.
            for receipt in receipts {
                self.with(receipt, Vec::swap_remove);
            }
            Ok(Vec::new())
        })
    }

    fn send<'a>(&'a self, letters: &'a [Letter]) -> Doing<'a, Vec<Refused>> {
        Box::pin(async move {
            sleep(Duration::from_millis(5)).await;
            for letter in letters {
                self.put(letter.clone());
            }
            Ok(Vec::new())
        })
    }
}
