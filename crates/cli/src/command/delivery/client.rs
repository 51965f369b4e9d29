//! One request to a Shipway server, and its answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use model::{Code, Diagnose};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Failure;
use crate::command::runtime::runtime;

/// A server ends what takes longer by itself.
const TIME: Duration = Duration::from_secs(90);

const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The wait before something is asked again: the first, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// A board of ten thousand applications has some ten MiB.
const LARGEST: usize = 64 << 20;

/// A server, and a runtime to speak to it.
pub(crate) struct Client {
    pub(super) address: String,
    token: String,
    way: Way,
    runtime: tokio::runtime::Runtime,
}

enum Way {
    Plain(Connections<HttpConnector, Full<Bytes>>),
    Secured(Connections<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// The server's own words.
    #[error("{message}")]
    Refused {
        status: StatusCode,
        code: Code,
        message: String,
        hint: Option<String>,
    },
    #[error("{problem}")]
    Way { problem: String, cure: String },
    #[error("no answer from {address}")]
    Unreachable {
        address: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{address} answers what no Shipway server says: {status} {said}")]
    Answer {
        address: String,
        status: StatusCode,
        said: String,
    },
}

impl Client {
    pub(super) fn new(address: &str, token: String) -> Result<Self, Failure> {
        let wrong = |problem: &str| Problem::Way {
            problem: format!("{address:?} {problem}"),
            cure: "say where the server is, as `--server https://shipway.example.com`".to_owned(),
        };
        let uri: http::Uri = address.parse().map_err(|_| wrong("is no address"))?;
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIME));
        let builder = || Connections::builder(TokioExecutor::new());
        let way = match uri.scheme_str() {
            Some("http") => Way::Plain(builder().build(connector)),
            Some("https") => {
                let provider = rustls::crypto::ring::default_provider();
                let secured = HttpsConnectorBuilder::new()
                    .with_provider_and_native_roots(provider)
                    .map_err(|error| wrong(&format!("can't be trusted: {error}")))?;
                let secured = secured
                    .https_only()
                    .enable_all_versions()
                    .wrap_connector(connector);
                Way::Secured(builder().build(secured))
            }
            _ => return Err(wrong("does not begin with http:// or https://").into()),
        };
        let runtime = runtime().map_err(|error| wrong(&format!("can't be asked: {error}")))?;
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            token,
            way,
            runtime,
        })
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Ok(self.ask("GET", path, Bytes::new())?)
    }

    /// As [`Client::get`], again until then while the server is away, has too much to do or is being restarted.
    pub(super) fn get_until<T: DeserializeOwned>(&self, path: &str, until: Instant) -> Result<T, Failure> {
        let mut wait = AGAIN.0;
        loop {
            match self.ask("GET", path, Bytes::new()) {
                Err(problem) if problem.may_pass() && Instant::now() + wait < until => {
                    std::thread::sleep(wait);
                    wait = (wait * 2).min(AGAIN.1);
                }
                answered => return Ok(answered?),
            }
        }
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).expect("bodies have text keys");
        Ok(self.ask("POST", path, body.into())?)
    }

    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Ok(self.ask("DELETE", path, Bytes::new())?)
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, path: &str, body: Bytes) -> Result<T, Problem> {
        let answered = self.runtime.block_on(async {
            match tokio::time::timeout(TIME, self.send(method, path, body)).await {
                Ok(answered) => answered,
                Err(late) => Err(self.unreachable(late.into())),
            }
        });
        let (status, body) = answered?;
        let strange = || Problem::Answer {
            address: self.address.clone(),
            status,
            said: said(&body),
        };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| strange());
        }
        let told: Option<Value> = serde_json::from_slice(&body).ok();
        let message = told.as_ref().and_then(|told| told["message"].as_str());
        let (Some(told), Some(message)) = (&told, message) else {
            return Err(strange());
        };
        let code = told["code"].as_str().and_then(Code::find);
        Err(Problem::Refused {
            status,
            code: code.unwrap_or(Code::SERVER_ANSWER),
            message: message.to_owned(),
            hint: told["hint"].as_str().map(str::to_owned),
        })
    }

    async fn send(&self, method: &str, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), Problem> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("user-agent", concat!("shipway/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| self.unreachable(error.into()))?;
        let response = match &self.way {
            Way::Plain(connections) => connections.request(request).await,
            Way::Secured(connections) => connections.request(request).await,
        };
        let response = response.map_err(|error| self.unreachable(error.into()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| self.unreachable(error))?;
        Ok((status, body.to_bytes()))
    }

    fn unreachable(&self, source: Box<dyn std::error::Error + Send + Sync>) -> Problem {
        Problem::Unreachable {
            address: self.address.clone(),
            source,
        }
    }
}

impl Problem {
    /// Whether the same request may be answered a little later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } | Self::Answer { status, .. } => matches!(
                *status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Unreachable { .. } => true,
            Self::Way { .. } => false,
        }
    }
}

/// The beginning of an answer, for a person.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().take(200).filter(|one| !one.is_control()).collect()
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Way { .. } => Code::SERVER_ADDRESS,
            Self::Unreachable { .. } => Code::SERVER_UNREACHABLE,
            Self::Answer { .. } => Code::SERVER_ANSWER,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Refused { hint, .. } => return hint.clone(),
            Self::Way { cure, .. } => cure.clone(),
            Self::Unreachable { .. } => {
                "look whether the controller runs with `--listen`, and whether this machine may reach it"
                    .to_owned()
            }
            Self::Answer { .. } => {
                "look whether `--server` is a Shipway server, and not what stands before it".to_owned()
            }
        })
    }
}
