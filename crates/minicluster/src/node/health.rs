//! The client of gRPC's health protocol: one `grpc.health.v1.Health/Check` over HTTP/2 without TLS, as a kubelet asks.
//!
//! Only what the question needs of gRPC and protobuf is here: one small request, one small answer, no compression.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

const PATH: &str = "/grpc.health.v1.Health/Check";

/// An answer has two bytes and five before them; whoever says more than this says something else.
const MOST_ANSWER: usize = 4096;

/// The statuses of a service by their numbers; the second one is the good one.
const STATUSES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING: usize = 1;

/// gRPC's codes by their numbers, as Go prints them.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];
const UNKNOWN: usize = 2;
const PERMISSION_DENIED: usize = 7;
const UNIMPLEMENTED: usize = 12;
const INTERNAL: usize = 13;
const UNAVAILABLE: usize = 14;
const UNAUTHENTICATED: usize = 16;

/// A call that failed: its code and what was said about it.
type Refusal = (usize, String);

/// Asks whether a service is serving; "" is the server itself.
///
/// # Errors
/// In the words of a kubelet's probe.
pub(crate) async fn check(stream: TcpStream, authority: &str, service: &str) -> Result<(), String> {
    match call(stream, authority, service).await {
        Ok(SERVING) => Ok(()),
        Ok(status) => {
            let name = STATUSES
                .get(status)
                .map_or_else(|| status.to_string(), |name| (*name).to_owned());
            Err(format!("service unhealthy (responded with \"{name}\")"))
        }
        Err((UNIMPLEMENTED, said)) => Err(format!(
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {said}"
        )),
        Err((code, said)) => {
            let code = CODES
                .get(code)
                .map_or_else(|| format!("Code({code})"), |name| (*name).to_owned());
            Err(format!(
                "error: health rpc probe failed: rpc error: code = {code} desc = {said}"
            ))
        }
    }
}

async fn call(stream: TcpStream, authority: &str, service: &str) -> Result<usize, Refusal> {
    let broken = |error: &dyn std::fmt::Display| (UNAVAILABLE, format!("connection error: {error}"));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    let request = Request::post(format!("http://{authority}{PATH}"))
        .header("content-type", "application/grpc")
        .header("user-agent", "kube-probe/1.35")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(question(service))))
        .map_err(|error| broken(&error))?;
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| broken(&error))?;
    let (parts, body) = answer.into_parts();
    if parts.status != StatusCode::OK {
        return Err(not_grpc(parts.status));
    }
    // An error without an answer comes in the first headers.
    refusal(&parts.headers)?;
    let body = Limited::new(body, MOST_ANSWER).collect().await;
    let body = body.map_err(|error| (INTERNAL, format!("the answer can't be read: {error}")))?;
    match body.trailers() {
        Some(trailers) => refusal(trailers)?,
        None => {
            return Err((
                INTERNAL,
                "server closed the stream without sending trailers".to_owned(),
            ));
        }
    }
    status(&body.to_bytes()).ok_or((INTERNAL, "the answer is no HealthCheckResponse".to_owned()))
}

/// A `HealthCheckRequest` in gRPC's frame.
fn question(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut rest = service.len();
        while rest > 0x7f {
            message.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
            rest >>= 7;
        }
        message.push(u8::try_from(rest).unwrap_or_default());
        message.extend_from_slice(service.as_bytes());
    }
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend(message);
    framed
}

/// The status in a framed `HealthCheckResponse`: its first field, and the first status where it is left out.
fn status(body: &[u8]) -> Option<usize> {
    let (head, message) = body.split_at_checked(5)?;
    let length = u32::from_be_bytes(head.get(1..)?.try_into().ok()?);
    let is_whole = usize::try_from(length).ok() == Some(message.len());
    // The first byte says whether it is compressed, which nobody was told to do.
    match message {
        _ if head[0] != 0 || !is_whole => None,
        [] => Some(0),
        [0x08, status, ..] if *status < 0x80 => Some(usize::from(*status)),
        _ => None,
    }
}

/// What headers or trailers say went wrong.
fn refusal(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        None | Some("0") => Ok(()),
        Some(code) => Err((
            code.parse().unwrap_or(UNKNOWN),
            decode(text("grpc-message").unwrap_or_default()),
        )),
    }
}

/// What an answer means that does not come from a gRPC server.
fn not_grpc(status: StatusCode) -> Refusal {
    let code = match status.as_u16() {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let number = status.as_u16();
    (
        code,
        format!("unexpected HTTP status code received from server: {number} ({reason})"),
    )
}

/// A message is percent-encoded.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::combinators::BoxBody;
    use hyper::Response;
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use tokio::net::TcpListener;

    use super::*;

    /// A health server: what it says depends on the service that it is asked for.
    async fn answer(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        assert_eq!(request.uri().path(), PATH);
        assert_eq!(request.headers()["te"], "trailers");
        let asked = request.into_body().collect().await.unwrap().to_bytes();
        let service = String::from_utf8_lossy(asked.get(7..).unwrap_or_default()).into_owned();
        let ok: &[(&str, &str)] = &[("grpc-status", "0")];
        let (message, trailers): (&[u8], _) = match service.as_str() {
            "" => (&[0, 0, 0, 0, 2, 8, 1], ok),
            long if long.len() > 200 => (&[0, 0, 0, 0, 2, 8, 1], ok),
            "down" => (&[0, 0, 0, 0, 2, 8, 2], ok),
            "empty" => (&[0, 0, 0, 0, 0], ok),
            "short" => (&[0, 0, 0, 0, 9, 8], ok),
            "packed" => (&[1, 0, 0, 0, 2, 8, 1], ok),
            "abrupt" => (&[0, 0, 0, 0, 2, 8, 1], &[][..]),
            "gone" => (
                &[],
                &[("grpc-status", "5"), ("grpc-message", "unknown%20service")][..],
            ),
            "other" => (
                &[],
                &[("grpc-status", "12"), ("grpc-message", "unknown method")][..],
            ),
            "first" => {
                let refused = Response::builder()
                    .header("grpc-status", "14")
                    .header("grpc-message", "busy");
                return Ok(refused.body(Full::default().boxed()).unwrap());
            }
            _ => {
                let page = Response::builder().status(404);
                return Ok(page.body(Full::default().boxed()).unwrap());
            }
        };
        let body = Full::new(Bytes::copy_from_slice(message));
        if trailers.is_empty() {
            return Ok(Response::new(body.boxed()));
        }
        let mut map = HeaderMap::new();
        for (name, value) in trailers {
            map.insert(*name, value.parse().unwrap());
        }
        let body = body.with_trailers(async { Some(Ok(map)) });
        Ok(Response::new(body.boxed()))
    }

    #[tokio::test]
    async fn a_service_is_healthy_when_it_says_that_it_serves() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
            }
        });
        let long = "s".repeat(300);
        let failed = |rest: &str| Err(format!("error: health rpc probe failed: rpc error: {rest}"));
        let lacks =
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ";
        for (service, expected) in [
            ("", Ok(())),
            (long.as_str(), Ok(())),
            (
                "down",
                Err("service unhealthy (responded with \"NOT_SERVING\")".to_owned()),
            ),
            (
                "empty",
                Err("service unhealthy (responded with \"UNKNOWN\")".to_owned()),
            ),
            (
                "short",
                failed("code = Internal desc = the answer is no HealthCheckResponse"),
            ),
            (
                "packed",
                failed("code = Internal desc = the answer is no HealthCheckResponse"),
            ),
            (
                "abrupt",
                failed("code = Internal desc = server closed the stream without sending trailers"),
            ),
            ("gone", failed("code = NotFound desc = unknown service")),
            ("first", failed("code = Unavailable desc = busy")),
            ("other", Err(format!("{lacks}unknown method"))),
            (
                "web",
                Err(format!(
                    "{lacks}unexpected HTTP status code received from server: 404 (Not Found)"
                )),
            ),
        ] {
            let stream = TcpStream::connect(address).await.unwrap();
            assert_eq!(check(stream, "service", service).await, expected, "{service}");
        }
    }
}
