//! Connections, and which request goes where.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control::Webhooks;
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

use crate::webhooks;

/// Connections at one time. Forges open a few; the rest is not for us.
const MAX_CONNECTIONS: usize = 256;

/// Whoever needs longer for a request's head is not a client.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What requests are answered with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handles {
    pub webhooks: Webhooks,
}

/// Serves connections until it is dropped, and them with it.
pub async fn serve(listener: TcpListener, handles: Handles) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, most likely: those in use come back, so try again a little later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let handles = handles.clone();
        connections.spawn(async move {
            connection(stream, handles).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, handles: Handles) {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let handles = handles.clone();
        async move { Ok::<_, Infallible>(respond(&handles, request).await) }
    });
    // The client went away or spoke no HTTP: there is nobody to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(handles: &Handles, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/healthz") => answer(StatusCode::OK, "text/plain", "ok\n".into()),
        (&Method::POST, _) if path.starts_with(webhooks::PATH) => {
            let source = path[webhooks::PATH.len()..].to_owned();
            webhooks::receive(&handles.webhooks, &source, request).await
        }
        (_, "/healthz") => refuse(StatusCode::METHOD_NOT_ALLOWED, None, "only GET is answered here"),
        _ if path.starts_with(webhooks::PATH) => {
            refuse(StatusCode::METHOD_NOT_ALLOWED, None, "a webhook is a POST")
        }
        _ => refuse(
            StatusCode::NOT_FOUND,
            None,
            "nothing is here; webhooks go to /webhooks/CHARTSOURCE",
        ),
    }
}

/// An answer that says why not, in the form of all our errors.
pub(crate) fn refuse(status: StatusCode, code: Option<Code>, message: &str) -> Response<Full<Bytes>> {
    let body = json!({"code": code.map(|code| code.id), "message": message}).to_string();
    answer(status, "application/json", body)
}

pub(crate) fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
