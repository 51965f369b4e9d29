//! The Services of a cluster over plain HTTP on this machine: what an ingress does elsewhere, for browsers, `curl` and
//! whoever watches a rollout from outside.
//!
//! ```text
//! GET /shop/web/some/path ──► services/web/proxy/some/path in the namespace shop ──► a ready pod
//! ```
//!
//! It is the API's own proxy without its credentials, so it belongs on loopback addresses and nowhere else. A request is
//! handed on once: nothing is tried again, so that who counts failures counts all of them.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::answer::{self, Body};
use super::connection::{HEAD_TIMEOUT, Service};
use super::tls::Shown;
use crate::registry::failure::Failure;

/// Connections at one time: for the browsers and load generators of one machine.
const MAX_CONNECTIONS: usize = 512;

/// Serves connections until it is dropped, and them with it.
pub(super) async fn serve(listener: TcpListener, service: Service, token: String) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    // A token is of characters that headers take; without one every request is refused, which is no harm.
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
    let bearer = bearer.unwrap_or_else(|_| HeaderValue::from_static(""));
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, most likely: those in use come back, so try again a little later.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let (service, bearer) = (service.clone(), bearer.clone());
        connections.spawn(async move {
            connection(stream, service, bearer).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, service: Service, bearer: HeaderValue) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (service, bearer) = (service.clone(), bearer.clone());
        async move { Ok::<_, Infallible>(respond(&service, request, bearer).await) }
    });
    // The client went away or spoke no HTTP: there is nobody to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(service: &Service, mut request: Request<Incoming>, bearer: HeaderValue) -> Response<Body> {
    let Some(uri) = inner(request.uri()) else {
        let message = "nothing is here; the Services of this cluster are at /NAMESPACE/SERVICE/";
        return answer::response((&Failure::new(404, "NotFound", message.to_owned())).into());
    };
    *request.uri_mut() = uri;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    service
        .respond(request.map(Incoming::boxed_unsync), &Shown::Nothing)
        .await
}

/// Where the API has what a path of ours names; `None` if it names no Service.
fn inner(uri: &Uri) -> Option<Uri> {
    let mut parts = uri.path().strip_prefix('/')?.splitn(3, '/');
    let (namespace, service) = (parts.next()?, parts.next()?);
    // Names of objects and nothing that a path could mean beside them; a port may follow the Service's.
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte))
            && !text.starts_with('.')
    };
    if !is_name(namespace) || !is_name(service) {
        return None;
    }
    let rest = parts.next().unwrap_or_default();
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    let path = format!("/api/v1/namespaces/{namespace}/services/{service}/proxy/{rest}{query}");
    Some(Uri::from(path.parse::<PathAndQuery>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_service_and_what_is_asked_of_it() {
        for (path, expected) in [
            ("/shop/web", Some("/api/v1/namespaces/shop/services/web/proxy/")),
            ("/shop/web/", Some("/api/v1/namespaces/shop/services/web/proxy/")),
            (
                "/shop/web:http/a/b?c=d",
                Some("/api/v1/namespaces/shop/services/web:http/proxy/a/b?c=d"),
            ),
            ("/", None),
            ("/shop", None),
            ("/shop/", None),
            ("/../secrets/", None),
            ("/shop%2Fpods/web", None),
        ] {
            let uri: Uri = path.parse().unwrap();
            let found = inner(&uri).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }
}
