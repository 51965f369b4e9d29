//! `POST /webhooks/CHARTSOURCE`: somebody says that a repository has something new.
//!
//! The answer says nothing that helps to forge one, and comes before anything is looked at.

use std::time::Duration;

use bytes::Bytes;
use control::{Deaf, Webhooks};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use model::Diagnose as _;
use source::webhook::{LARGEST, Refused};

use crate::server::{Said, answer, refuse};

/// Where they go, with the name of a ChartSource behind it.
pub(crate) const PATH: &str = "/webhooks/";

/// GitHub gives up after 10 s itself.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn receive(
    webhooks: &Webhooks,
    source: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, LARGEST).collect()).await;
    let body = match body {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            let message = format!("the body can't be read, or has more than {LARGEST} bytes");
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, &Said::plain(None, &message));
        }
        Err(_) => {
            let said = Said::plain(None, "the body did not come in time");
            return refuse(StatusCode::REQUEST_TIMEOUT, &said);
        }
    };
    let headers: Vec<(&str, &[u8])> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    match webhooks.receive(source, &headers, &body).await {
        Ok(()) => answer(StatusCode::ACCEPTED, "text/plain", "it is looked at\n".into()),
        Err(Deaf::NoSource) => refuse(
            StatusCode::NOT_FOUND,
            &Said::plain(None, "there is no such ChartSource"),
        ),
        Err(Deaf::Refused(refused)) => {
            let said = Said::plain(Some(refused.code()), &refused.to_string());
            refuse(status(&refused), &said)
        }
        Err(Deaf::Hub(error)) => {
            tracing::warn!(%source, code = %error.code(), %error, "a webhook is lost");
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                &Said::plain(None, "it can't be looked at now; the repository is polled too"),
            )
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
