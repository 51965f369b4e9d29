//! What a webhook says: look again, at this repository.
//!
//! ```text
//! headers, body ──► size ──► signature ──► age ──► seen before? ──► which repository, which ref
//! ```
//!
//! Pure: the time and the memory of deliveries are given. Nothing in a body is believed but the repository's name, and the
//! ref only as a hint where to look first; whatever it says happened is asked of git again. So a lost webhook costs the
//! time to the next poll, and one that was played again costs one look. Signatures are compared in constant time, before
//! anything of the body is read.

mod github;
mod gitlab;
mod seen;
mod signed;

use std::fmt;

use jiff::Timestamp;
use model::{Code, Diagnose};

use crate::refs::RefName;
use crate::secret::Secret;

pub use seen::Seen;

/// GitHub sends 25 MiB at most and caps what it sends there; a push of 2,000 commits has some 2 MiB.
pub const LARGEST: usize = 25 * 1024 * 1024;

/// The longest id of a delivery that is remembered; they are UUIDs, or as Standard Webhooks has them.
const LONGEST_ID: usize = 200;

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    GitHub,
    GitLab,
    /// Anything that signs as <https://www.standardwebhooks.com> says, with a body of
    /// `{"repository": "URL", "ref": "refs/heads/main"}`.
    Generic,
}

/// What arrived.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Names in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    pub body: &'a [u8],
}

/// Where to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The addresses and the path of the repository, as the sender has them; compare by [`Look::is_about`].
    pub repository: Vec<String>,
    pub at: At,
}

/// What to look at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The sender only tries whether it gets through.
    Nothing,
    /// A branch or a tag.
    Reference(RefName),
    /// A pull or merge request, by number.
    Proposal(u64),
    /// Something else happened.
    Everything,
}

/// Why a webhook is refused. Shown to its sender, so it says nothing that helps to forge one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the webhook has {size} bytes; {LARGEST} are the most")]
    TooLarge { size: usize },
    #[error("the webhook has no usable {header}")]
    Header { header: &'static str },
    #[error("the webhook is not signed with the secret of this repository")]
    Forged,
    #[error("the webhook was signed {} s from now; {} are the most", seconds, signed::TOLERANCE.as_secs())]
    Stale { seconds: u64 },
    #[error("delivery {id} was here before")]
    Again { id: String },
    #[error("the webhook's body {problem}")]
    Body { problem: &'static str },
    #[error("there is no secret for webhooks of this repository")]
    NoSecret,
}

/// A delivery that proved to be from its sender.
struct Proven<'a> {
    /// What it is remembered by; each alone is enough to know it again.
    ids: Vec<&'a str>,
}

/// Reads a webhook. `secrets` has the secret, and the one before it while both are in use.
///
/// # Errors
/// It is forged, stale, was here before, is too large, or is not what its sender sends.
pub fn receive(
    sender: Sender,
    delivery: Delivery<'_>,
    secrets: &[Secret],
    seen: &mut Seen,
    now: Timestamp,
) -> Result<Look, Refused> {
    let size = delivery.body.len();
    if size > LARGEST {
        return Err(Refused::TooLarge { size });
    }
    if secrets.is_empty() || secrets.iter().any(Secret::is_empty) {
        return Err(Refused::NoSecret);
    }
    let proven = match sender {
        Sender::GitHub => github::prove(delivery, secrets)?,
        Sender::GitLab => gitlab::prove(delivery, secrets, now)?,
        Sender::Generic => signed::prove(delivery, secrets, now)?,
    };
    delivery.must_be_json()?;
    seen.first(&proven.ids, now)?;
    match sender {
        Sender::GitHub => github::read(delivery),
        Sender::GitLab => gitlab::read(delivery.body),
        Sender::Generic => signed::read(delivery.body),
    }
}

impl Look {
    /// Whether it is about a repository: one of the addresses is the same, or its host and path are.
    pub fn is_about(&self, remote: &crate::Remote) -> bool {
        let mut known = self
            .repository
            .iter()
            .filter_map(|address| crate::Remote::parse(address).ok());
        known.any(|address| address.is_same(remote) || address.url() == remote.url())
    }
}

impl<'a> Delivery<'a> {
    /// A header by its name; none if it is there twice, for who knows which one another would read.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let value = std::str::from_utf8(value).ok()?.trim();
        (!value.is_empty()).then_some(value)
    }

    fn id(&self, header: &'static str) -> Result<&'a str, Refused> {
        let is_fit = |id: &&str| id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
        self.header(header)
            .filter(is_fit)
            .ok_or(Refused::Header { header })
    }

    fn must_be_json(&self) -> Result<(), Refused> {
        let kind = self.header("Content-Type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refused::Body {
                problem: "is not application/json: set the webhook's content type",
            });
        }
        match self.header("Content-Encoding") {
            None | Some("identity") => Ok(()),
            Some(_) => Err(Refused::Body {
                problem: "is compressed",
            }),
        }
    }
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A header may be the secret itself.
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let mut shown = f.debug_struct("Delivery");
        shown
            .field("headers", &names)
            .field("size", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Diagnose for Refused {
    fn code(&self) -> Code {
        Code::WEBHOOK
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Forged | Self::NoSecret | Self::Header { .. } => {
                "give the webhook the same secret as in the Secret that `webhook` names, on both sides"
            }
            Self::Stale { .. } => "the clocks of both machines have to agree",
            Self::Again { .. } => "nothing has to be done: it was looked at then",
            Self::TooLarge { .. } => "nothing is lost: the repository is polled too",
            Self::Body { .. } => "choose `application/json` and only the events of the guide",
        };
        Some(hint.to_owned())
    }
}

fn not_json(_: serde_json::Error) -> Refused {
    Refused::Body {
        problem: "is not the JSON that this sender sends",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_of_any_case_and_there_once() {
        let headers: &[(&str, &[u8])] = &[
            ("x-ONE", b" 1 "),
            ("x-two", b"1"),
            ("X-Two", b"2"),
            ("x-bad", b"\xff"),
            ("x-none", b""),
        ];
        let delivery = Delivery { headers, body: b"" };
        assert_eq!(delivery.header("X-One"), Some("1"));
        for name in ["X-Two", "X-Bad", "X-None", "X-Three"] {
            assert_eq!(delivery.header(name), None, "{name}");
        }
    }

    #[test]
    fn a_secret_in_a_header_is_not_shown() {
        let headers: &[(&str, &[u8])] = &[("X-Gitlab-Token", b"hunter2")];
        let shown = format!(
            "{:?}",
            Delivery {
                headers,
                body: b"hunter2"
            }
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
