//! `POST /webhooks/CHARTSOURCE`: somebody says that a repository has something new.
//!
//! ```text
//! address: its bucket ──► the source, and its secrets ──► a place, if it is large ──► body ──► control's Webhooks
//! ```
//!
//! The answer says nothing that helps to forge one, and comes before anything is looked at.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control::{Deaf, Webhooks};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response, StatusCode};
use model::Diagnose as _;
use source::webhook::{LARGEST, Refused};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::limits::{Limits, WRONG};
use crate::server::{Said, answer, refuse, too_many};

/// Where they go, with the name of a ChartSource behind it.
pub(crate) const PATH: &str = "/webhooks/";

/// GitHub gives up after 10 s itself.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the body of one that is refused anyway is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a push of some commits has at most. Of larger bodies, so many are held at once: a hundred megabytes together.
const SMALL: u64 = 128 * 1024;
const LARGE: usize = 4;

/// What webhooks are received with. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Hooks {
    webhooks: Webhooks,
    of_address: Arc<Limits>,
    large: Arc<Semaphore>,
}

type Answered = Response<Full<Bytes>>;

impl Hooks {
    pub(crate) fn new(webhooks: Webhooks, of_address: Arc<Limits>) -> Self {
        Self {
            webhooks,
            of_address,
            large: Arc::new(Semaphore::new(LARGE)),
        }
    }

    /// Receives one, from an address, for a source.
    pub(crate) async fn receive(&self, from: &str, source: &str, request: Request<Incoming>) -> Answered {
        match self.received(from, source, request).await {
            Ok(()) => answer(StatusCode::ACCEPTED, "text/plain", "it is looked at\n".into()),
            Err(refused) => refused,
        }
    }

    async fn received(&self, from: &str, source: &str, request: Request<Incoming>) -> Result<(), Answered> {
        self.of_address
            .take(from, 1.0, Instant::now())
            .map_err(|wait| too_many(wait, "too many webhooks come from this address"))?;
        let (head, body) = request.into_parts();
        let awaited = match self.webhooks.awaited(source).await {
            Ok(awaited) => awaited,
            Err(deaf) => {
                let refused = self.refused(from, source, &deaf);
                // It is heard to its end, if that is near: who still speaks hears no answer.
                let _ = timeout(PATIENCE, discard(body)).await;
                return Err(refused);
            }
        };
        let body = self.body(body).await?;
        let headers: Vec<(&str, &[u8])> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let received = self.webhooks.receive(&awaited, &headers, &body).await;
        received.map_err(|deaf| self.refused(from, source, &deaf))
    }

    /// The whole body. Nobody knows yet whose it is, so few large ones are held at once.
    async fn body(&self, body: Incoming) -> Result<Bytes, Answered> {
        let read = async {
            let is_small = body.size_hint().upper().is_some_and(|size| size <= SMALL);
            let _place = match is_small {
                true => None,
                // It is never closed.
                false => self.large.acquire().await.ok(),
            };
            Limited::new(body, LARGEST).collect().await
        };
        match timeout(BODY_TIMEOUT, read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(_)) => {
                let message = format!("the body can't be read, or has more than {LARGEST} bytes");
                Err(refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    &Said::plain(None, &message),
                ))
            }
            Err(_) => {
                let said = Said::plain(None, "the body did not come in time");
                Err(refuse(StatusCode::REQUEST_TIMEOUT, &said))
            }
        }
    }

    /// Why not, as it is told. Who guesses pays for it.
    fn refused(&self, from: &str, source: &str, deaf: &Deaf) -> Answered {
        // It is refused anyway; what it costs is what the next one finds.
        let guessed = || {
            let _ = self.of_address.take(from, WRONG, Instant::now());
        };
        match deaf {
            Deaf::NoSource => {
                guessed();
                refuse(
                    StatusCode::NOT_FOUND,
                    &Said::plain(None, "there is no such ChartSource"),
                )
            }
            Deaf::Refused(refused) => {
                let status = status(refused);
                if status == StatusCode::UNAUTHORIZED {
                    guessed();
                }
                refuse(status, &Said::plain(Some(refused.code()), &refused.to_string()))
            }
            Deaf::Hub(error) => {
                tracing::warn!(%source, code = %error.code(), %error, "a webhook is lost");
                refuse(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &Said::plain(None, "it can't be looked at now; the repository is polled too"),
                )
            }
        }
    }
}

/// Reads a body away, as far as a small one goes.
async fn discard(mut body: Incoming) {
    let mut left = SMALL;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size as u64) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refused::Forged | Refused::NoSecret | Refused::Stale { .. } => StatusCode::UNAUTHORIZED,
        Refused::Again { .. } => StatusCode::CONFLICT,
        Refused::Header { .. } | Refused::Body { .. } => StatusCode::BAD_REQUEST,
    }
}
