//! Requests that a pod's node answers: logs, commands, attached streams and forwarded ports.
//!
//! ```text
//! request ──► user ──► permission ──► pod ──► node::serve ──► a body that grows, or an upgraded connection
//! ```

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::Body;
use super::connection::{Sent, Service, header};
use super::tls::Shown;
use super::websocket::{self, Socket};
use super::{exec, forward, identity, permission, proxy};
use crate::node::Fleet;
use crate::node::serve::{self, LogRequest};
use crate::registry::failure::Failure;
use crate::registry::query::Query;
use crate::registry::route::Target;
use crate::registry::{Content, Reply};

/// Protocols of a WebSocket that carry a command's streams, the best first.
const CHANNELS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// The protocol of a WebSocket that carries the streams of forwarded ports.
const TUNNEL: &[&str] = &["SPDY/3.1+portforward.k8s.io"];

/// A request on its way to a node.
pub(super) struct Asked<'a> {
    pub(super) head: &'a Parts,
    pub(super) query: Query,
    pub(super) target: Target,
    pub(super) upgrade: OnUpgrade,
    pub(super) body: Sent,
}

/// Whether a node answers this, and not the registry.
pub(super) fn serves(target: &Target) -> bool {
    let part = target.subresource.as_deref().unwrap_or_default();
    target.group.is_empty()
        && target.version == "v1"
        && target.namespace.is_some()
        && match target.plural.as_str() {
            "pods" => matches!(part, "log" | "exec" | "attach" | "portforward" | "proxy"),
            "services" => part == "proxy",
            _ => false,
        }
}

/// Answers such a request.
///
/// # Errors
/// As the registry would: permission first, then the pod, then what is asked of it.
pub(super) async fn answer(
    service: &Service,
    asked: Asked<'_>,
    shown: &Shown,
) -> Result<Response<Body>, Reply> {
    let head = asked.head;
    let user = identity::user(&service.registry, shown, &head.headers, head.uri.path())?;
    let refuse = |failure: Failure| Reply::from(&failure);
    let access = service.registry.access();
    permission::resource(access, &user, &head.method, (&asked.target, &asked.query)).map_err(refuse)?;
    let fleet = service.fleet.as_ref().and_then(std::sync::Weak::upgrade);
    if asked.target.subresource.as_deref() == Some("proxy") {
        return proxy::proxy(service, fleet.as_deref(), asked)
            .await
            .map_err(refuse);
    }
    let pod = pod(service, &asked.target).map_err(refuse)?;
    let part = asked.target.subresource.clone().unwrap_or_default();
    match part.as_str() {
        "log" => {
            let request = LogRequest::read(
                &asked.query,
                asked.target.name.as_deref().unwrap_or_default(),
                Timestamp::now(),
            );
            let lines = request
                .and_then(|request| serve::log(fleet.as_deref(), &pod, &request))
                .map_err(refuse)?;
            Ok(plain(lines))
        }
        "portforward" => {
            let address = serve::address(fleet.as_deref(), &pod).map_err(refuse)?;
            let (response, upgrade) = upgrade(asked.head, asked.upgrade, TUNNEL).map_err(refuse)?;
            tokio::spawn(async move {
                if let Ok(upgraded) = upgrade.await {
                    let socket = Socket::new(TokioIo::new(upgraded));
                    forward::forward(socket, address).await;
                }
            });
            Ok(response)
        }
        part => command(fleet, asked, &pod, part == "attach").map_err(refuse),
    }
}

/// Runs a command, or attaches to the process that there is.
fn command(
    fleet: Option<Arc<Fleet>>,
    asked: Asked<'_>,
    pod: &Value,
    attach: bool,
) -> Result<Response<Body>, Failure> {
    let run = serve::running(fleet.as_deref(), pod, asked.query.get("container"))?;
    let wanted = exec::Wanted::read(&asked.query, asked.head.uri.query().unwrap_or_default());
    if !attach && wanted.command.is_empty() {
        return Err(Failure::bad_request(
            "you must specify at least 1 command for the container",
        ));
    }
    let (response, upgrade) = upgrade(asked.head, asked.upgrade, CHANNELS)?;
    tokio::spawn(async move {
        let (Ok(upgraded), Some(fleet)) = (upgrade.await, fleet) else {
            return;
        };
        let runs = fleet.runs.clone();
        // The pods end with the cluster, whoever looks on.
        drop(fleet);
        let socket = Socket::new(TokioIo::new(upgraded));
        if attach {
            exec::attach(socket, &run, wanted).await;
        } else {
            exec::run(socket, (&runs, &run), wanted).await;
        }
    });
    Ok(response)
}

fn pod(service: &Service, target: &Target) -> Result<Value, Failure> {
    let name = target.name.as_deref().unwrap_or_default();
    let pod = service
        .registry
        .pod(target.namespace.as_deref().unwrap_or_default(), name);
    pod.ok_or_else(|| {
        Failure::new(404, "NotFound", format!("pods \"{name}\" not found"))
            .with_details(crate::registry::failure::details("", "pods", name))
    })
}

fn plain(lines: tokio::sync::mpsc::Receiver<bytes::Bytes>) -> Response<Body> {
    let mut response = super::answer::response(Reply {
        code: 200,
        content: Content::Text(String::new()),
        warnings: Vec::new(),
    });
    *response.body_mut() = Body::Lines(lines);
    let text = hyper::header::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, text);
    response
}

/// The answer that turns a connection into a WebSocket with the first protocol that both speak.
fn upgrade(
    head: &Parts,
    upgrade: OnUpgrade,
    known: &[&'static str],
) -> Result<(Response<Body>, OnUpgrade), Failure> {
    let headers: &HeaderMap = &head.headers;
    let key = header(headers, "sec-websocket-key");
    let asked = header(headers, "sec-websocket-protocol");
    if key.is_empty() || !header(headers, "upgrade").eq_ignore_ascii_case("websocket") {
        return Err(Failure::bad_request(
            "Upgrade request required: this server speaks WebSocket, as kubectl 1.31 and later do",
        ));
    }
    let mut wanted = asked.split(',').map(str::trim);
    let protocol = wanted.find(|one| known.contains(one));
    let Some(protocol) = protocol else {
        return Err(Failure::bad_request(format!(
            "none of the protocols asked for is known: write Sec-WebSocket-Protocol: {}",
            known.join(", ")
        )));
    };
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Accept", websocket::accept(key))
        .header("Sec-WebSocket-Protocol", protocol)
        .body(Body::Whole(None));
    let response = response.map_err(|error| Failure::bad_request(error.to_string()))?;
    Ok((response, upgrade))
}
