//! Whether something is tried again, and after which wait: a decision from data, without a clock.
//!
//! ```text
//! failure, may it be repeated, tries so far, time so far ──► a wait, or none
//! ```

use std::time::Duration;

use crate::error::{Error, Why, chain};
use crate::target::Limits;

/// No wait is longer than this, unless the server asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What doing a request twice would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The same as doing it once.
    Harmless,
    /// Something else, so it is sent again only if it certainly was not done.
    IfNotDone,
}

/// The tries of one request.
#[derive(Debug)]
pub(crate) struct Tries<'a> {
    limits: &'a Limits,
    repeat: Repeat,
    done: u32,
    /// A try before the last may have been done.
    lost: bool,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(limits: &'a Limits, repeat: Repeat) -> Self {
        Self {
            limits,
            repeat,
            done: 0,
            lost: false,
        }
    }

    /// The tries of something that has failed so often already.
    pub(crate) fn resumed(limits: &'a Limits, repeat: Repeat, done: u32) -> Self {
        Self {
            done,
            ..Self::new(limits, repeat)
        }
    }

    /// Whether an earlier try may have been done.
    pub(crate) fn lost(&self) -> bool {
        self.lost
    }

    /// The wait before the next try after a failure; `None` if there is none. `spread` is any number.
    pub(crate) fn after(&mut self, error: &Error, spent: Duration, spread: u64) -> Option<Duration> {
        self.done += 1;
        let again = match self.repeat {
            Repeat::Harmless => is_passing(error),
            Repeat::IfNotDone => is_passing(error) && !error.may_be_done(),
        };
        let doubled = self.limits.first_wait * 2_u32.saturating_pow(self.done.min(16) - 1);
        let asked = error.status().and_then(|status| status.retry_after);
        let wait = asked
            .unwrap_or(Duration::ZERO)
            .max(part(doubled.min(LONGEST_WAIT), spread));
        let fits = self.done < self.limits.tries && spent.saturating_add(wait) < self.limits.total;
        (again && fits).then(|| {
            self.lost |= error.may_be_done();
            wait
        })
    }
}

/// Whether a failure passes by itself.
pub(crate) fn is_passing(error: &Error) -> bool {
    match error {
        Error::Unreachable { source, .. } => !is_distrust(source.as_ref()),
        Error::NoAnswer { .. } => true,
        Error::Refused { why, .. } => matches!(why, Why::Busy | Why::Server | Why::NoAnswer),
        Error::Kubeconfig { .. } | Error::Answer { .. } => false,
    }
}

/// Between half of a wait and the whole.
fn part(wait: Duration, spread: u64) -> Duration {
    let half = wait / 2;
    half + half.mul_f64(f64::from(u16::try_from(spread % 1024).unwrap_or(0)) / 1024.0)
}

/// Whether a connection failed because one end does not trust the other: time does not heal that.
fn is_distrust(error: &(dyn std::error::Error + 'static)) -> bool {
    let tells = |error: &(dyn std::error::Error + 'static)| {
        matches!(
            error.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))
        )
    };
    chain(error).any(tells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Asked;
    use crate::status::Status;

    fn refused(code: u16) -> Error {
        let status = Status {
            code,
            ..Status::default()
        };
        Error::refused(Asked::default(), status)
    }

    fn unreachable(sent: bool) -> Error {
        Error::Unreachable {
            asked: Asked::default(),
            address: String::new(),
            sent,
            source: "reset".into(),
        }
    }

    fn is_tried_again(error: &Error, repeat: Repeat) -> bool {
        let limits = Limits::default();
        let mut tries = Tries::new(&limits, repeat);
        tries.after(error, Duration::ZERO, 0).is_some()
    }

    #[test]
    fn what_can_be_done_twice_is_never_sent_twice() {
        let no_answer = Error::NoAnswer {
            asked: Asked::default(),
            after: Duration::from_secs(1),
        };
        let cases = [
            (refused(429), true, true),
            (refused(500), true, false),
            (refused(503), true, false),
            (refused(504), true, false),
            (unreachable(false), true, true),
            (unreachable(true), true, false),
            (no_answer, true, false),
            (refused(404), false, false),
            (refused(409), false, false),
            (refused(422), false, false),
        ];
        for (error, harmless, otherwise) in cases {
            assert_eq!(is_tried_again(&error, Repeat::Harmless), harmless, "{error:?}");
            assert_eq!(is_tried_again(&error, Repeat::IfNotDone), otherwise, "{error:?}");
        }
    }

    #[test]
    fn waits_double_and_end() {
        let limits = Limits::default();
        let mut tries = Tries::new(&limits, Repeat::Harmless);
        let error = refused(500);
        let waits: Vec<_> = std::iter::from_fn(|| tries.after(&error, Duration::ZERO, 0)).collect();
        let milliseconds: Vec<_> = waits.iter().map(Duration::as_millis).collect();
        assert_eq!(milliseconds, [50, 100, 200, 400, 800, 1600]);
    }

    #[test]
    fn a_server_is_left_alone_for_as_long_as_it_wants_or_not_asked_again() {
        let limits = Limits::default();
        let busy = |seconds| {
            let status = Status {
                code: 429,
                retry_after: Some(Duration::from_secs(seconds)),
                ..Status::default()
            };
            Error::refused(Asked::default(), status)
        };
        let after = |seconds, spent| {
            let mut tries = Tries::new(&limits, Repeat::IfNotDone);
            tries.after(&busy(seconds), Duration::from_secs(spent), 0)
        };
        assert_eq!(after(7, 0), Some(Duration::from_secs(7)));
        assert_eq!(after(7, 119), None);
        assert_eq!(after(3600, 0), None);
    }
}
