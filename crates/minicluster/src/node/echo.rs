//! `shipway.dev/echo`: a small HTTP server for trying things out, told by its environment what to be like.
//!
//! `PORT` (8080), `VERSION` (the image's tag), `LATENCY_MS`, `ERROR_RATE` (0 to 1), `MEMORY_MB`, `READY_AFTER_MS`,
//! `SICK_AFTER_MS`. It answers `/healthz`, `/readyz` and `/metrics`, and any other path with what it was asked. On SIGTERM
//! it says that it isn't ready any more, ends what it is answering, and goes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

/// How long answers that are under way have after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);

/// More memory than this is no experiment any more.
const MOST_MEMORY: usize = 64 << 10;

/// What the environment says.
struct Settings {
    address: SocketAddr,
    version: String,
    pod: String,
    latency: Duration,
    error_rate: f64,
    memory: usize,
    ready_after: Duration,
    /// When it begins to say that it is neither alive nor ready; never if there is none.
    sick_after: Option<Duration>,
}

struct State {
    settings: Settings,
    began: Instant,
    leaving: AtomicBool,
    requests: AtomicU64,
    errors: AtomicU64,
    /// What takes the memory.
    _ballast: Vec<u8>,
}

/// Serves until SIGTERM.
///
/// # Errors
/// When a setting is no number or the address is taken.
pub fn serve(environment: &BTreeMap<String, String>) -> io::Result<()> {
    let settings = Settings::read(environment).map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(settings))
}

impl Settings {
    fn read(environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = |name: &str| environment.get(name).map_or("", String::as_str);
        let number = |name: &str, default: f64| match text(name) {
            "" => Ok(default),
            given => given
                .parse::<f64>()
                .ok()
                .filter(|number| *number >= 0.0 && number.is_finite())
                .ok_or_else(|| format!("{name}={given} is no number: write {name}={default}")),
        };
        let millis =
            |name: &str| number(name, 0.0).map(|millis| Duration::from_secs_f64(millis.min(1e9) / 1000.0));
        let port = number("PORT", 8080.0)?;
        // On its own address if it has one: two pods can then listen on the same port.
        let host = if text("POD_IP").is_empty() {
            "127.0.0.1"
        } else {
            text("POD_IP")
        };
        let address = format!("{host}:{port}");
        Ok(Self {
            address: address
                .parse()
                .map_err(|_| format!("{address} is no address: see POD_IP and PORT"))?,
            version: text("VERSION").to_owned(),
            pod: text("HOSTNAME").to_owned(),
            latency: millis("LATENCY_MS")?,
            error_rate: number("ERROR_RATE", 0.0)?.min(1.0),
            memory: (number("MEMORY_MB", 0.0)? as usize).min(MOST_MEMORY),
            ready_after: millis("READY_AFTER_MS")?,
            sick_after: Some(millis("SICK_AFTER_MS")?).filter(|after| !after.is_zero()),
        })
    }
}

async fn run(settings: Settings) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(settings.address)
        .await
        .map_err(|error| io::Error::other(format!("can't listen on {}: {error}", settings.address)))?;
    let state = Arc::new(State {
        // Not zeroes, which the system would lend without any memory.
        _ballast: vec![1; settings.memory << 20],
        settings,
        began: Instant::now(),
        leaving: AtomicBool::new(false),
        requests: AtomicU64::new(0),
        errors: AtomicU64::new(0),
    });
    let graceful = GracefulShutdown::new();
    let builder = auto::Builder::new(TokioExecutor::new());
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = terminate.recv() => break,
        };
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(state.answer(request).await) }
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(connection);
    }
    state.leaving.store(true, Ordering::Relaxed);
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        match path {
            "/healthz" | "/readyz" if self.is_sick() => {
                return text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "sick, as SICK_AFTER_MS has it\n".to_owned(),
                );
            }
            "/healthz" => return text(StatusCode::OK, "ok\n".to_owned()),
            "/readyz" if self.is_ready() => return text(StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => return text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
            "/metrics" => return text(StatusCode::OK, self.metrics()),
            _ => {}
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.settings.latency).await;
        let settings = &self.settings;
        if fails(number, settings.error_rate) {
            self.errors.fetch_add(1, Ordering::Relaxed);
            return text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "an error, as ERROR_RATE has it\n".to_owned(),
            );
        }
        let answer = json!({
            "version": settings.version,
            "pod": settings.pod,
            "method": request.method().as_str(),
            "path": path,
        });
        text(StatusCode::OK, format!("{answer}\n"))
    }

    fn is_ready(&self) -> bool {
        !self.leaving.load(Ordering::Relaxed) && self.began.elapsed() >= self.settings.ready_after
    }

    fn is_sick(&self) -> bool {
        let after = self.settings.sick_after;
        after.is_some_and(|after| self.began.elapsed() >= after)
    }

    fn metrics(&self) -> String {
        let (requests, errors) = (
            self.requests.load(Ordering::Relaxed),
            self.errors.load(Ordering::Relaxed),
        );
        let version = &self.settings.version;
        format!(
            "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n\
             http_requests_total{{code=\"200\",version={version:?}}} {}\n\
             http_requests_total{{code=\"500\",version={version:?}}} {errors}\n",
            requests.saturating_sub(errors)
        )
    }
}

/// Whether a request fails: evenly spread, so that ten requests at 0.1 have one error, without any chance.
fn fails(number: u64, rate: f64) -> bool {
    let number = number as f64;
    ((number + 1.0) * rate).floor() > (number * rate).floor()
}

fn text(code: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_as_often_as_they_should() {
        for (rate, expected) in [(0.0, 0), (0.1, 10), (0.5, 50), (1.0, 100)] {
            let failed = (0..100).filter(|number| fails(*number, rate)).count();
            assert_eq!(failed, expected, "{rate}");
        }
    }

    #[test]
    fn a_setting_that_is_no_number_is_named() {
        let environment = BTreeMap::from([("ERROR_RATE".to_owned(), "often".to_owned())]);
        let error = Settings::read(&environment).err().unwrap();
        assert_eq!(error, "ERROR_RATE=often is no number: write ERROR_RATE=0");
    }
}
