//! Probes and hooks, really done: an HTTP request, a connection, a command, a gRPC health check.
//!
//! A probe begins after its delay and goes on in its period; readiness and liveness wait for startup. What a
//! certificate says is not looked at.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use kubelet::runtime::{Failure, Probe};
use objects::meta;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::exec;
use super::health;
use super::runs::{Run, Runs};
use super::tls;

/// A hook is part of the grace or of the start, both of which are bounded elsewhere; this is the end of it all.
const LONGEST_HOOK: Duration = Duration::from_secs(3600);

/// A body that says more than this is not looked at further.
const MOST_OUTPUT: usize = 10 << 10;

/// The probe of a kind that a container has.
pub(crate) fn of(spec: &Value, kind: Probe) -> Option<&Value> {
    spec.get(kind.field()).filter(|probe| probe.is_object())
}

/// Probes until the run is over.
pub(crate) async fn run(runs: Runs, run: Arc<Run>, kind: Probe, spec: Value) {
    tokio::select! {
        () = forever(&runs, &run, kind, &spec) => {}
        () = run.ended() => {}
    }
}

async fn forever(runs: &Runs, run: &Run, kind: Probe, spec: &Value) {
    let number = |field: &str, default: u32, least: u32| -> u32 {
        let given = spec.get(field).and_then(Value::as_u64);
        given
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(default)
            .max(least)
    };
    let seconds = |field: &str, default, least| Duration::from_secs(number(field, default, least).into());
    let (period, timeout) = (seconds("periodSeconds", 10, 1), seconds("timeoutSeconds", 1, 1));
    let (successes, failures) = (number("successThreshold", 1, 1), number("failureThreshold", 3, 1));
    tokio::time::sleep(seconds("initialDelaySeconds", 0, 0)).await;
    // What succeeds or fails again and again is one row of it.
    let (mut good, mut bad) = (0_u32, 0_u32);
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The program needs a moment to listen: what fails at first is tried again soon, and not counted.
    let mut eager = 20_u32;
    loop {
        ticks.tick().await;
        if kind != Probe::Startup {
            while !run.is_started() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let result = match tokio::time::timeout(timeout, act(runs, run, spec)).await {
            Ok(result) => result,
            Err(_) => Err(late(spec, timeout)),
        };
        match result {
            Ok(()) => {
                (good, bad) = (good.saturating_add(1), 0);
                if good >= successes {
                    runs.judge(run, kind, None);
                    if kind == Probe::Startup {
                        return;
                    }
                }
            }
            Err(_) if good == 0 && bad == 0 && eager > 0 => {
                eager -= 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
                ticks.reset_immediately();
            }
            Err(cause) => {
                (good, bad) = (0, bad.saturating_add(1));
                let last = bad >= failures;
                let failure = Failure {
                    probe: kind,
                    message: format!("{} probe failed: {cause}", kind.title()),
                    at: Timestamp::now(),
                    final_one: last && kind != Probe::Readiness,
                };
                if last {
                    runs.judge(run, kind, Some(failure));
                } else {
                    runs.note(run, failure);
                }
                if last && kind != Probe::Readiness {
                    return;
                }
            }
        }
    }
}

/// Does what a probe or hook says, once.
///
/// # Errors
/// In the words that follow `probe failed: `.
pub(crate) async fn act(runs: &Runs, run: &Run, spec: &Value) -> Result<(), String> {
    if let Some(get) = spec.get("httpGet") {
        return http(run, get).await;
    }
    if let Some(socket) = spec.get("tcpSocket") {
        return connect(run, socket).await.map(|_| ());
    }
    if let Some(grpc) = spec.get("grpc") {
        let (host, port) = place(run, grpc)?;
        let place = format!("{host}:{port}");
        let stream = connect(run, grpc).await;
        let stream =
            stream.map_err(|cause| format!("error: failed to connect service at \"{place}\": {cause}"))?;
        return health::check(stream, &place, meta::text(grpc, "service")).await;
    }
    if let Some(seconds) = spec.pointer("/sleep/seconds").and_then(Value::as_u64) {
        tokio::time::sleep(Duration::from_secs(seconds).min(LONGEST_HOOK)).await;
        return Ok(());
    }
    let words = meta::list_at(spec, "/exec/command")
        .iter()
        .filter_map(Value::as_str);
    let words: Vec<String> = words.map(str::to_owned).collect();
    if words.is_empty() {
        return Ok(());
    }
    let (code, output) = exec::output(runs, run, &words, MOST_OUTPUT).await?;
    let said = String::from_utf8_lossy(&output).into_owned();
    match code {
        0 => Ok(()),
        code if said.is_empty() => Err(format!("command exited with {code}")),
        _ => Err(said),
    }
}

/// The port of a container by number or name.
pub(crate) fn port(spec: &Value, port: &Value) -> Option<u16> {
    let number = match port {
        Value::Number(number) => number.as_u64(),
        Value::String(name) => {
            let mut ports = meta::list_at(spec, "/ports").iter();
            let named = ports.find(|one| meta::text(one, "name") == name);
            named
                .and_then(|one| one.get("containerPort")?.as_u64())
                .or_else(|| name.parse().ok())
        }
        _ => None,
    };
    u16::try_from(number?).ok()
}

fn place(run: &Run, action: &Value) -> Result<(String, u16), String> {
    let host = match meta::text(action, "host") {
        "" => run.address.clone(),
        host => host.to_owned(),
    };
    let port = action.get("port").and_then(|port| self::port(&run.spec, port));
    Ok((host, port.ok_or("the container has no such port")?))
}

async fn connect(run: &Run, action: &Value) -> Result<TcpStream, String> {
    let (host, port) = place(run, action)?;
    let stream = TcpStream::connect((host.as_str(), port)).await;
    stream.map_err(|error| format!("dial tcp {host}:{port}: connect: {}", cause(&error)))
}

async fn http(run: &Run, get: &Value) -> Result<(), String> {
    let (host, port) = place(run, get)?;
    let path = match meta::text(get, "path") {
        "" => "/".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{path}"),
    };
    let is_secure = meta::text(get, "scheme").eq_ignore_ascii_case("https");
    let scheme = if is_secure { "https" } else { "http" };
    let wrong = |error: &dyn std::fmt::Display| format!("Get \"{scheme}://{host}:{port}{path}\": {error}");
    let stream = connect(run, get).await.map_err(|cause| wrong(&cause))?;
    let mut request = Request::get(&path);
    // The pod's own headers take the place of these.
    let given = meta::list_at(get, "/httpHeaders");
    let own = [
        ("Host", format!("{host}:{port}")),
        ("User-Agent", "kube-probe/1.35".to_owned()),
        ("Accept", "*/*".to_owned()),
    ];
    for (name, value) in own {
        let is_given = |one: &Value| meta::text(one, "name").eq_ignore_ascii_case(name);
        if !given.iter().any(is_given) {
            request = request.header(name, value);
        }
    }
    for header in given {
        request = request.header(meta::text(header, "name"), meta::text(header, "value"));
    }
    let request = request.body(Full::default()).map_err(|error| wrong(&error))?;
    let code = if is_secure {
        let stream = tls::begin(stream, &host).await.map_err(|error| wrong(&error))?;
        send(stream, request).await
    } else {
        send(stream, request).await
    };
    match code.map_err(|error| wrong(&error))? {
        200..400 => Ok(()),
        code => Err(format!("HTTP probe failed with statuscode: {code}")),
    }
}

/// Sends a request; the code of the answer.
async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> hyper::Result<u16>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.status().as_u16())
}

fn late(spec: &Value, timeout: Duration) -> String {
    if spec.get("exec").is_some() {
        "command timed out".to_owned()
    } else if spec.get("grpc").is_some() {
        format!(
            "timeout: health rpc did not complete within {}s",
            timeout.as_secs()
        )
    } else {
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
    }
}

/// As Go names what the system says.
fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => error.to_string(),
    }
}
