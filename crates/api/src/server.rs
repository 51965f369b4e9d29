//! Connections, and which request goes where.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control::{Desk, Webhooks};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::Code;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::requests::People;
use crate::webhooks;

/// Connections at one time. Forges open a few, and whoever watches a board holds one.
const MAX_CONNECTIONS: usize = 1_024;

/// Whoever needs longer for a request's head is not a client.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What requests are answered with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handles {
    pub webhooks: Webhooks,
    /// Without it, only webhooks and probes are answered.
    pub desk: Option<Desk>,
}

/// What connections share.
#[derive(Clone, Debug)]
struct Shared {
    webhooks: Webhooks,
    people: Option<People>,
}

/// Why not, as it is told.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<Code>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Said {
    pub(crate) fn of(code: Code, message: &str, hint: &str) -> Self {
        Self {
            code: Some(code),
            message: message.to_owned(),
            hint: Some(hint.to_owned()),
        }
    }

    pub(crate) fn plain(code: Option<Code>, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            hint: None,
        }
    }
}

/// Serves connections until it is dropped, and them with it.
pub async fn serve(listener: TcpListener, handles: Handles) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let Handles { webhooks, desk } = handles;
    let shared = Shared {
        webhooks,
        people: desk.map(People::new),
    };
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, from)) = listener.accept().await else {
            // Out of files, most likely: those in use come back, so try again a little later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let shared = shared.clone();
        connections.spawn(async move {
            connection(stream, from.ip(), shared).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, from: IpAddr, shared: Shared) {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(&shared, from, request).await) }
    });
    // The client went away or spoke no HTTP: there is nobody to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(shared: &Shared, from: IpAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/healthz") => answer(StatusCode::OK, "text/plain", "ok\n".into()),
        (&Method::POST, _) if path.starts_with(webhooks::PATH) => {
            let source = path[webhooks::PATH.len()..].to_owned();
            webhooks::receive(&shared.webhooks, &source, request).await
        }
        (_, "/healthz") => refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            &Said::plain(None, "only GET is answered here"),
        ),
        _ if path.starts_with(webhooks::PATH) => refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            &Said::plain(None, "a webhook is a POST"),
        ),
        _ => match &shared.people {
            Some(people) if path.starts_with("/api/") || path == "/metrics" => {
                people.respond(from, request).await
            }
            _ => refuse(
                StatusCode::NOT_FOUND,
                &Said::plain(
                    None,
                    "nothing is here; the API is below /api/v1, webhooks go to /webhooks/CHARTSOURCE",
                ),
            ),
        },
    }
}

/// An answer that says why not, in the form of all our errors.
pub(crate) fn refuse(status: StatusCode, said: &Said) -> Response<Full<Bytes>> {
    let mut body = json!({"code": said.code.map(|code| code.id), "message": said.message});
    if let Some(hint) = &said.hint {
        body["hint"] = json!(hint);
    }
    answer(status, "application/json", body.to_string())
}

pub(crate) fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
