//! Waiting for the end of a promotion.

use std::time::{Duration, Instant};

use control::desk::{Done, PromotionShown};
use kinds::Phase;
use model::{Code, Diagnose};

use super::client::Client;
use super::show;
use crate::Failure;
use crate::command::release::operate::duration;
use crate::console::{Console, Verbosity};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Whether it is waited for.
#[derive(Debug, clap::Args)]
pub(crate) struct WaitArgs {
    /// Wait until the promotion has ended; exit code 1 unless it succeeded.
    #[arg(long)]
    wait: bool,
    /// How long to wait.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    timeout: Duration,
}

/// A promotion that did not get there.
#[derive(Debug, thiserror::Error)]
#[error("{name} is {phase:?}: {state}")]
struct NotThere {
    name: String,
    phase: Phase,
    state: String,
}

impl WaitArgs {
    pub(crate) fn of(wait: bool, timeout: Duration) -> Self {
        Self { wait, timeout }
    }

    /// Prints what was done, and waits for the end if that is asked for.
    pub(super) fn follow(&self, client: &Client, done: &Done, console: &mut Console) -> Result<(), Failure> {
        if !self.wait || done.promotion.is_empty() {
            return show::done(console, done);
        }
        console.note(Verbosity::Normal, &done.said);
        let until = Instant::now() + self.timeout;
        let path = format!("/api/v1/promotions/{}", done.promotion);
        let mut said = String::new();
        loop {
            let now: PromotionShown = client.get_until(&path, until)?;
            match now.phase {
                Phase::Waiting | Phase::Running if Instant::now() < until => {}
                Phase::Succeeded => return console.data(&now, || show::promotion(&now)),
                phase => {
                    return Err(NotThere {
                        name: now.name,
                        phase,
                        state: now.state,
                    }
                    .into());
                }
            }
            if now.state != said {
                console.note(Verbosity::Normal, &now.state);
                said = now.state;
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Diagnose for NotThere {
    fn code(&self) -> Code {
        Code::NOT_THERE_YET
    }

    fn hint(&self) -> Option<String> {
        let name = &self.name;
        Some(format!(
            "`shipway explain promotion {name}` says what it waits for or why it failed"
        ))
    }
}
