//! Requests handed on to a port of a pod, or of a pod behind a Service, over plain HTTP.
//!
//! `pods/NAME:PORT/proxy/…` and `services/NAME:PORT/proxy/…`; the port may be a name, and is the first one without.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use objects::{Selector, meta};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::answer::Body;
use super::connection::Service;
use super::streaming::Asked;
use crate::node::Fleet;
use crate::node::serve;
use crate::registry::failure::Failure;

/// Both ways; whoever moves more uses port-forward.
const MOST_BYTES: usize = 32 << 20;

/// As long as the real server waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn proxy(
    service: &Service,
    fleet: Option<&Fleet>,
    asked: Asked<'_>,
) -> Result<Response<Body>, Failure> {
    let whole = asked.target.name.as_deref().unwrap_or_default();
    let parts: Vec<&str> = whole.split(':').collect();
    let (name, port) = match parts.as_slice() {
        [name] => (*name, ""),
        [name, port] => (*name, *port),
        ["http" | "", name, port] => (*name, *port),
        _ => {
            return Err(Failure::bad_request(format!(
                "invalid proxy request \"{whole}\": write NAME:PORT"
            )));
        }
    };
    let namespace = asked.target.namespace.as_deref().unwrap_or_default();
    let (address, port) = if asked.target.plural == "services" {
        of_service(service, (namespace, name), port)?
    } else {
        let pod = service
            .registry
            .pod(namespace, name)
            .ok_or_else(|| missing("pods", name))?;
        let containers = meta::list_at(&pod, "/spec/containers");
        let first = containers
            .iter()
            .find_map(|one| one.pointer("/ports/0/containerPort"));
        let number = containers
            .iter()
            .find_map(|one| crate::node::port(one, &json!(port)));
        let number = number.or_else(|| u16::try_from(first?.as_u64()?).ok().filter(|_| port.is_empty()));
        let number = number.or_else(|| port.is_empty().then_some(80));
        (
            serve::address(fleet, &pod)?,
            number.ok_or_else(|| unavailable(format!("no port \"{port}\"")))?,
        )
    };
    let answer = tokio::time::timeout(TIMEOUT, hand_on(&address, port, asked)).await;
    answer.unwrap_or_else(|_| Err(unavailable(format!("{address}:{port} does not answer"))))
}

/// A pod behind a Service, and its port there.
fn of_service(
    service: &Service,
    (namespace, name): (&str, &str),
    port: &str,
) -> Result<(String, u16), Failure> {
    let object = service
        .registry
        .service(namespace, name)
        .ok_or_else(|| missing("services", name))?;
    let ports = meta::list_at(&object, "/spec/ports");
    let fits = |one: &&Value| {
        port.is_empty()
            || meta::text(one, "name") == port
            || port.parse::<i64>().is_ok_and(|number| one["port"] == number)
    };
    let found = ports
        .iter()
        .find(fits)
        .ok_or_else(|| unavailable(format!("no service port \"{port}\" found for service \"{name}\"")))?;
    let selector = Selector::from_json(&json!({"matchLabels": object["spec"]["selector"]}));
    let mut pods = service.registry.pods();
    // As in the Service's endpoints: who is on his way out gets no new requests, though he still answers.
    pods.retain(|pod| {
        meta::namespace(pod) == namespace
            && selector.selects(pod)
            && objects::pod::is_ready(pod)
            && !meta::is_deleted(pod)
    });
    let pod = pods
        .first()
        .ok_or_else(|| unavailable(format!("no endpoints available for service \"{name}\"")))?;
    let target = found.get("targetPort").unwrap_or(&found["port"]);
    let number = meta::list_at(pod, "/spec/containers")
        .iter()
        .find_map(|one| crate::node::port(one, target));
    let number =
        number.ok_or_else(|| unavailable(format!("no endpoints available for service \"{name}\"")))?;
    Ok((meta::text_at(pod, "/status/podIP").to_owned(), number))
}

async fn hand_on(address: &str, port: u16, asked: Asked<'_>) -> Result<Response<Body>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        unavailable(format!("error trying to reach {address}:{port}: {error}"))
    };
    let body = Limited::new(asked.body, MOST_BYTES).collect().await;
    let body = body.map_err(|error| Failure::bad_request(format!("the body could not be read: {error}")))?;
    let stream = TcpStream::connect((address, port))
        .await
        .map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    tokio::spawn(connection);
    let query = asked
        .head
        .uri
        .query()
        .map_or(String::new(), |query| format!("?{query}"));
    let slash = if asked.head.uri.path().ends_with('/') && !asked.target.rest.is_empty() {
        "/"
    } else {
        ""
    };
    let path = format!("/{}{slash}{query}", asked.target.rest);
    let mut request = Request::builder().method(asked.head.method.clone()).uri(path);
    // The cluster's credentials are not the pod's business, and connections are between neighbours.
    let own = [
        AUTHORIZATION,
        CONNECTION,
        CONTENT_LENGTH,
        HOST,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for (name, value) in asked.head.headers.iter().filter(|(name, _)| !own.contains(name)) {
        request = request.header(name, value);
    }
    let request = request
        .header(HOST, format!("{address}:{port}"))
        .body(Full::new(body.to_bytes()));
    let request = request.map_err(|error| Failure::bad_request(error.to_string()))?;
    let (head, body) = sender
        .send_request(request)
        .await
        .map_err(|error| failed(&error))?
        .into_parts();
    let body = Limited::new(body, MOST_BYTES)
        .collect()
        .await
        .map_err(|error| failed(&error))?;
    let mut response = Response::new(Body::Whole(Some(body.to_bytes())));
    *response.status_mut() = head.status;
    let kept = head.headers.iter().filter(|(name, _)| !own.contains(name));
    response
        .headers_mut()
        .extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    Ok(response)
}

fn missing(plural: &str, name: &str) -> Failure {
    Failure::new(404, "NotFound", format!("{plural} \"{name}\" not found"))
        .with_details(crate::registry::failure::details("", plural, name))
}

fn unavailable(message: String) -> Failure {
    Failure::new(503, "ServiceUnavailable", message)
}
