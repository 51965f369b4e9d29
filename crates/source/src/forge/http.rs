//! One request to the API of a forge: with its token, within bounds, tried again while that can help.
//!
//! The token goes to the host of the API and nowhere else: redirects are not followed, and `http://` is for this machine
//! alone. A request that may not be done twice is not sent twice. Short waits that a forge asks for are waited for; longer
//! ones are the caller's.

mod fetch;
mod waits;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LINK, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use crate::secret::{Secret, cleaned};

/// The first try and two more: what a restart of a forge's server costs.
const TRIES: u32 = 3;

/// Between tries, growing.
const PAUSE: Duration = Duration::from_secs(1);

/// Forges answer in milliseconds, a large list in a few seconds.
const TIME: Duration = Duration::from_secs(30);

const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A page of fifty proposals with long descriptions has some 4 MiB.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Waited for in here; a forge that wants to be left alone for longer holds up everybody behind.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a forge says of a refusal.
const LONGEST_SAID: usize = 300;

/// The connections to forges; cheap to clone, and shared by all repositories.
#[derive(Clone)]
pub struct Link {
    client: Way,
    pause: Duration,
}

#[derive(Clone)]
enum Way {
    Direct(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    Proxied(Client<HttpsConnector<Tunnel<HttpConnector>>, Full<Bytes>>),
}

/// The API of one forge.
#[derive(Clone)]
pub(super) struct Api {
    link: Link,
    pub(super) forge: &'static str,
    base: String,
    authorization: HeaderValue,
    secrets: Vec<String>,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Ask {
    /// In words, for errors: `list the open proposals of acme/charts`.
    pub(super) task: String,
    pub(super) method: Method,
    /// From the API's base on, with its query.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// Whether it may be sent again when nobody knows whether it arrived.
    pub(super) repeatable: bool,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// How one try failed.
enum Failed {
    /// Nothing arrived there.
    Unsent(String),
    /// It may have been done.
    Lost(String),
}

impl Link {
    /// Makes the connections; `proxy` is `http://HOST:PORT` where requests have to go through one.
    ///
    /// # Errors
    /// This machine trusts no certificates, or the proxy's address is none.
    pub fn new(proxy: Option<&str>) -> Result<Self, Error> {
        let direct = connector();
        let client = match proxy {
            None => Way::Direct(client(secured(direct)?)),
            Some(address) => {
                let refuse = || Error::Address {
                    address: address.rsplit('@').next().unwrap_or_default().to_owned(),
                    problem: "is not a proxy: write http://HOST:PORT".to_owned(),
                };
                let proxy: Uri = address.parse().map_err(|_| refuse())?;
                if proxy.scheme_str() != Some("http") {
                    return Err(refuse());
                }
                Way::Proxied(client(secured(Tunnel::new(proxy, direct))?))
            }
        };
        Ok(Self { client, pause: PAUSE })
    }

    /// Sets how long is waited before another try.
    #[must_use]
    pub fn pausing(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(link: &Link, forge: &'static str, base: &str, token: &Secret) -> Result<Self, Error> {
        let refuse = |problem: &str| Error::Address {
            address: base.rsplit('@').next().unwrap_or_default().to_owned(),
            problem: problem.to_owned(),
        };
        let uri: Uri = base.parse().map_err(|_| refuse("is not an address"))?;
        if !is_safe(&uri) || uri.query().is_some() || base.contains('@') {
            return Err(refuse(
                "is not an API's: it begins with https:// and has no name or query in it",
            ));
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| refuse("can't be asked: the token has a character that HTTP can't carry"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            link: link.clone(),
            forge,
            base: base.trim_end_matches('/').to_owned(),
            authorization,
            secrets: vec![token.expose().to_owned()],
        })
    }

    /// Asks, and takes an answer that is a success.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, Error> {
        let answer = self.answer(ask).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refusal(ask, &answer))
    }

    /// Asks, and takes an answer that is a success or a refusal which trying again does not change.
    pub(super) async fn answer(&self, ask: &Ask) -> Result<Answer, Error> {
        let mut problem = String::new();
        for again in 0..TRIES {
            if again > 0 {
                tokio::time::sleep(self.link.pause * again).await;
            }
            let answer = match self.once(ask).await {
                Ok(answer) => answer,
                Err(Failed::Lost(why)) if !ask.repeatable => return Err(self.failed(ask, why)),
                Err(Failed::Lost(why) | Failed::Unsent(why)) => {
                    problem = why;
                    continue;
                }
            };
            if let Some(wait) = waits::asked_for(answer.status, &answer.headers, &answer.body) {
                if wait > LONGEST_WAIT || again + 1 == TRIES {
                    return Err(Error::Busy {
                        forge: self.forge,
                        wait,
                        said: self.said(&answer.body),
                    });
                }
                tokio::time::sleep(wait).await;
                continue;
            }
            if answer.status.is_server_error() {
                problem = format!("{} {}", answer.status.as_u16(), self.said(&answer.body));
                if ask.repeatable {
                    continue;
                }
                break;
            }
            if answer.status.is_redirection() {
                return Err(self.failed(ask, "it redirects to another place".to_owned()));
            }
            return Ok(answer);
        }
        Err(self.failed(ask, problem))
    }

    /// Reads all pages of a list, up to so many items.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        task: &str,
        path: &str,
        page_size: usize,
        most: usize,
    ) -> Result<Vec<T>, Error> {
        let mut items: Vec<T> = Vec::new();
        let joint = if path.contains('?') { '&' } else { '?' };
        for page in 1..=most.div_ceil(page_size) {
            let ask = Ask::get(task, format!("{path}{joint}per_page={page_size}&page={page}"));
            let answer = self.ask(&ask).await?;
            let found: Vec<T> = self.read(&ask, &answer)?;
            let count = found.len();
            items.extend(found);
            // Only whether there is more is believed: the address of it could be anywhere.
            let link = answer.headers.get(LINK).and_then(|link| link.to_str().ok());
            let is_more = link.map_or(count == page_size, |link| link.contains("rel=\"next\""));
            if !is_more || count == 0 {
                break;
            }
        }
        items.truncate(most);
        Ok(items)
    }

    pub(super) fn read<T: DeserializeOwned>(&self, ask: &Ask, answer: &Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| self.failed(ask, format!("its answer is not what its API gives: {error}")))
    }

    pub(super) fn refusal(&self, ask: &Ask, answer: &Answer) -> Error {
        Error::Refused {
            forge: self.forge,
            task: ask.task.clone(),
            status: answer.status.as_u16(),
            said: self.said(&answer.body),
        }
    }

    /// What an answer says, in words.
    pub(super) fn said(&self, body: &[u8]) -> String {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let words = match (
            answer.get("message"),
            answer.get("error_description"),
            answer.get("error"),
        ) {
            (Some(Value::String(message)), ..) => match answer.get("errors") {
                Some(errors) => format!("{message} {errors}"),
                None => message.clone(),
            },
            (Some(other), ..) => other.to_string(),
            (None, Some(Value::String(words)), _) | (None, None, Some(Value::String(words))) => words.clone(),
            _ => String::new(),
        };
        let words: String = words.chars().take(LONGEST_SAID).collect();
        cleaned(&words, &self.secrets).replace('\n', " ")
    }

    fn failed(&self, ask: &Ask, problem: String) -> Error {
        Error::Answer {
            forge: self.forge,
            task: ask.task.clone(),
            problem,
        }
    }

    async fn once(&self, ask: &Ask) -> Result<Answer, Failed> {
        let body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{}", self.base, ask.path))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, "shipway")
            .header(ACCEPT, "application/json");
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::from(body))
            .map_err(|error| Failed::Unsent(error.to_string()))?;
        let work = async {
            let response = self.link.client.send(request).await.map_err(|error| {
                let said = stdx::chain(&error);
                if error.is_connect() {
                    Failed::Unsent(said)
                } else {
                    Failed::Lost(said)
                }
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await;
            let body = body.map_err(|error| Failed::Lost(format!("its answer is not whole: {error}")))?;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
            })
        };
        let late = |_| Failed::Lost(format!("no answer within {} s", TIME.as_secs()));
        tokio::time::timeout(TIME, work).await.map_err(late)?
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Ask {
    pub(super) fn get(task: impl Into<String>, path: String) -> Self {
        Self {
            task: task.into(),
            method: Method::GET,
            path,
            body: None,
            repeatable: true,
        }
    }

    /// Something that is the same when it is done twice.
    pub(super) fn set(task: impl Into<String>, method: Method, path: String, body: Value) -> Self {
        Self {
            task: task.into(),
            method,
            path,
            body: Some(body),
            repeatable: true,
        }
    }

    /// Something that would be there twice.
    pub(super) fn make(task: impl Into<String>, path: String, body: Value) -> Self {
        Self {
            repeatable: false,
            ..Self::set(task, Method::POST, path, body)
        }
    }
}

impl Way {
    fn send(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Self::Direct(client) => client.request(request),
            Self::Proxied(client) => client.request(request),
        }
    }
}

/// Whether nobody on the way can read or change what is said.
fn is_safe(uri: &Uri) -> bool {
    let is_local = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && is_local
}

fn connector() -> HttpConnector {
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    direct.set_connect_timeout(Some(CONNECT_TIME));
    direct
}

fn secured<C>(connector: C) -> Result<HttpsConnector<C>, Error> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider);
    let builder = builder.map_err(|error| Error::Address {
        address: "of any forge".to_owned(),
        problem: format!("can't be trusted, for this machine has no certificates: {error}"),
    })?;
    Ok(builder
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector))
}

fn client<C>(connector: C) -> Client<C, Full<Bytes>>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
{
    let mut builder = Client::builder(TokioExecutor::new());
    // Sending again is decided here, where it is known what may be sent twice.
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .retry_canceled_requests(false);
    builder.build(connector)
}
