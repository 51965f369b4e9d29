//! Connections, and which request goes where.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control::{Desk, Webhooks};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::Code;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::doors::{Door, Doors, Pass};
use crate::limits::{Limits, OF_ADDRESS};
use crate::origin::{Network, counted, origin};
use crate::requests::People;
use crate::webhooks::{self, Hooks};

/// Whoever needs longer for a request's head is not a client.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection of a probe, from its begin to its end: what kubelet waits at most by default is a second.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// What requests are answered with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handles {
    pub webhooks: Webhooks,
    /// Without it, only webhooks and probes are answered.
    pub desk: Option<Desk>,
    /// Whose word counts on where a request is from (`X-Forwarded-For`).
    pub proxies: Vec<Network>,
}

/// What connections share.
#[derive(Clone, Debug)]
struct Shared {
    hooks: Hooks,
    people: Option<People>,
    desk: Option<Desk>,
    proxies: Arc<[Network]>,
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
    let mut connections = JoinSet::new();
    let Handles {
        webhooks,
        desk,
        proxies,
    } = handles;
    let proxies: Arc<[Network]> = proxies.into();
    let of_address = Arc::new(Limits::new(OF_ADDRESS));
    let doors = Doors::new(Arc::clone(&proxies));
    let shared = Shared {
        hooks: Hooks::new(webhooks, Arc::clone(&of_address)),
        people: desk.clone().map(|desk| People::new(desk, of_address)),
        desk,
        proxies,
    };
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, from)) = listener.accept().await else {
            // Out of files, most likely: those in use come back, so try again a little later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Whoever finds no place is hung up on, and may come again.
        let Some(pass) = doors.enter(from.ip()) else {
            continue;
        };
        let shared = shared.clone();
        connections.spawn(async move { connection(stream, from.ip(), shared, pass).await });
    }
}

async fn connection(stream: TcpStream, from: IpAddr, shared: Shared, pass: Pass) {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let door = pass.door;
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move {
            Ok::<_, Infallible>(match door {
                Door::Everything => respond(&shared, from, request).await,
                Door::Probe => probed(&shared, &request),
            })
        }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    // The client went away or spoke no HTTP: there is nobody to tell.
    match door {
        Door::Everything => drop(server.serve_connection(TokioIo::new(stream), service).await),
        Door::Probe => {
            server.keep_alive(false);
            let served = server.serve_connection(TokioIo::new(stream), service);
            let _ = timeout(PROBE_TIMEOUT, served).await;
        }
    }
}

async fn respond(shared: &Shared, peer: IpAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let forwarded = request.headers().get_all("x-forwarded-for").iter();
    let forwarded = forwarded.map(|line| line.to_str().unwrap_or_default());
    let from = counted(origin(peer, forwarded, &shared.proxies));
    match (request.method(), path.as_str()) {
        (&Method::GET, "/healthz") => health(shared),
        (&Method::POST, _) if path.starts_with(webhooks::PATH) => {
            let source = path[webhooks::PATH.len()..].to_owned();
            shared.hooks.receive(&from, &source, request).await
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
                people.respond(&from, request).await
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

/// What is answered where there is no place but for probes.
fn probed(shared: &Shared, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => health(shared),
        _ => too_many(Duration::from_secs(1), "too many connections are open"),
    }
}

/// Whether all of this replica lives that answers.
fn health(shared: &Shared) -> Response<Full<Bytes>> {
    let dead = shared.desk.as_ref().map(Desk::dead).unwrap_or_default();
    match dead.is_empty() {
        true => answer(StatusCode::OK, "text/plain", "ok\n".into()),
        false => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            format!("dead: {}; restart this replica\n", dead.join(", ")),
        ),
    }
}

/// Not now.
pub(crate) fn too_many(wait: Duration, message: &str) -> Response<Full<Bytes>> {
    let seconds = wait.as_secs() + 1;
    let cure = format!("ask again in {seconds} s, and less often");
    let mut response = refuse(
        StatusCode::TOO_MANY_REQUESTS,
        &Said::of(Code::TOO_MANY, message, &cure),
    );
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
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
