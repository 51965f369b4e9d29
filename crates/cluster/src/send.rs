//! One request, sent until it is answered or another try makes no sense.
//!
//! ```text
//! Call ─► permit ─► one try, limited in time ─┬► answer
//!            ▲                                └► failure ─► backoff ─┬► Error
//!            └──────────────── wait ◄────────────────────────────────┘
//! ```
//!
//! All waiting, counting and repeating of the crate is here and in `backoff`; a permit is held during a try only.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_util::client::legacy;
use kube::client::{AuthError, Body, Client};
use serde_json::Value;
use tokio::time::Instant;

use crate::backoff::{Repeat, Tries};
use crate::client::Cluster;
use crate::error::{Asked, Error, Source, Why, chain};
use crate::status::Status;
use crate::target::Impersonate;
use crate::transport::Lane;

/// The largest answer that is read. A page of 500 objects of usual size has a few MiB; this is 500 that are as large as
/// etcd takes them, by a third.
const MAX_ANSWER: usize = 256 << 20;

const JSON: &str = "application/json";

/// A request before it is one.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub verb: &'static str,
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// What it is about, for messages.
    pub what: String,
    pub content_type: &'static str,
    pub body: Bytes,
    pub accept: &'static str,
    pub repeat: Repeat,
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub asked: Asked,
    pub body: Bytes,
}

impl Call {
    pub(crate) fn get(path: String, what: impl Into<String>) -> Self {
        Self {
            verb: "get",
            method: Method::GET,
            path,
            what: what.into(),
            content_type: JSON,
            body: Bytes::new(),
            accept: JSON,
            repeat: Repeat::Harmless,
        }
    }
}

impl Answer {
    pub(crate) fn value(self) -> Result<Value, Error> {
        let Self { asked, body } = self;
        serde_json::from_slice(&body)
            .map_err(|error| Error::answer(asked, format!("the answer is no JSON: {error}")))
    }
}

impl Cluster {
    /// Sends a call, as often as it takes and makes sense.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let began = Instant::now();
        let mut tries = Tries::new(&self.shared.limits, call.repeat);
        loop {
            let error = match self.attempt(call, tries.lost()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match tries.after(&error, began.elapsed(), self.spread()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    /// Sends a call whose answer is JSON.
    pub(crate) async fn value(&self, call: Call) -> Result<Value, Error> {
        self.send(&call).await?.value()
    }

    /// Sends a call whose object may not be there.
    pub(crate) async fn found(&self, call: Call) -> Result<Option<Value>, Error> {
        match self.value(call).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is(&Why::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn asked(&self, call: &Call) -> Asked {
        Asked {
            verb: call.verb,
            what: call.what.clone(),
            user: self.user.as_ref().map(|who| who.user.clone()),
            repeated: false,
        }
    }

    async fn attempt(&self, call: &Call, repeated: bool) -> Result<Answer, Error> {
        // Closing the semaphore is nobody's business, so there is always a permit in the end.
        let _permit = self.shared.permits.acquire().await.ok();
        let limit = self.shared.limits.request;
        let tried = tokio::time::timeout(limit, self.exchange(call)).await;
        let asked = Asked {
            repeated,
            ..self.asked(call)
        };
        match tried {
            Ok(tried) => tried.map_err(|error| error.repeated(repeated)),
            Err(_) => Err(Error::NoAnswer { asked, after: limit }),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Answer, Error> {
        let response = self.open(call, Lane::default()).await?;
        let asked = self.asked(call);
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        match body {
            Ok(body) => Ok(Answer {
                asked,
                body: body.to_bytes(),
            }),
            Err(source) if source.is::<LengthLimitError>() => Err(Error::answer(
                asked,
                format!("the answer has more than {} MiB", MAX_ANSWER >> 20),
            )),
            Err(source) => Err(self.cut(asked, source)),
        }
    }

    /// Sends a call, and gives its answer as it begins to come; refusals are read whole. What is refused because the
    /// credentials are none any more is sent again with others, if there are.
    pub(crate) async fn open(&self, call: &Call, lane: Lane) -> Result<Response<Body>, Error> {
        let (client, age) = self.shared.credentials.client();
        match self.open_by(&client, call, lane).await {
            Err(error) if error.is(&Why::Unauthorized) => match self.shared.credentials.renewed(age).await {
                Some(client) => self.open_by(&client, call, lane).await,
                None => Err(error),
            },
            other => other,
        }
    }

    async fn open_by(&self, client: &Client, call: &Call, lane: Lane) -> Result<Response<Body>, Error> {
        let request = self.request(call, lane)?;
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let response = client.send(request).await;
        let response = response.map_err(|error| self.unsent(self.asked(call), error))?;
        self.shared.warnings.note(response.headers());
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status();
        let waits = retry_after(response.headers());
        // A refusal that breaks off is a refusal still: its code has come.
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let mut status = Status::read(code.as_u16(), &body);
        status.retry_after = status.retry_after.or(waits);
        if code.is_redirection() || code == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Error::answer(
                self.asked(call),
                format!("the answer is a redirection, {code}"),
            ));
        }
        Err(Error::refused(self.asked(call), status))
    }

    fn request(&self, call: &Call, lane: Lane) -> Result<Request<Body>, Error> {
        let request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(ACCEPT, call.accept)
            .header(USER_AGENT, &self.shared.user_agent)
            .extension(lane);
        let request = match call.body.is_empty() {
            true => request,
            false => request.header(CONTENT_TYPE, call.content_type),
        };
        let built = request.body(Body::from(call.body.clone()));
        let mut request = built.map_err(|error| Error::answer(self.asked(call), error.to_string()))?;
        if let Some(who) = &self.user {
            act_as(request.headers_mut(), who)?;
        }
        Ok(request)
    }

    /// What it means that no answer came.
    fn unsent(&self, asked: Asked, error: kube::Error) -> Error {
        let source = match error {
            kube::Error::Service(source) => source,
            other => Box::new(other),
        };
        if chain(source.as_ref()).any(<dyn std::error::Error>::is::<AuthError>) {
            return Error::Kubeconfig {
                problem: "can't get the credentials of the context".to_owned(),
                cure: "mend what the cause names in the kubeconfig, or log in again".to_owned(),
                source: Some(source),
            };
        }
        let certainly_not = |error: &(dyn std::error::Error + 'static)| {
            error.downcast_ref().is_some_and(legacy::Error::is_connect)
                || error.downcast_ref().is_some_and(hyper::Error::is_canceled)
                || error.downcast_ref().and_then(h2::Error::reason) == Some(h2::Reason::REFUSED_STREAM)
        };
        let sent = !chain(source.as_ref()).any(certainly_not);
        Error::Unreachable {
            sent,
            asked,
            address: self.shared.address.clone(),
            source,
        }
    }

    /// What it means that an answer broke off.
    pub(crate) fn cut(&self, asked: Asked, source: Source) -> Error {
        Error::Unreachable {
            asked,
            address: self.shared.address.clone(),
            sent: true,
            source,
        }
    }

    /// The next number of the source that waits are spread by: a counter, mixed as splitmix64 does.
    pub(crate) fn spread(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self
            .shared
            .seed
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Says in the headers whom to take the caller for.
fn act_as(headers: &mut HeaderMap, who: &Impersonate) -> Result<(), Error> {
    let Impersonate {
        user,
        groups,
        uid,
        extra,
    } = who;
    let bad = |text: &str| Error::Kubeconfig {
        problem: format!("can't act as {user:?}: {text:?} can't be sent in a header"),
        cure: "names of users and groups have no line breaks".to_owned(),
        source: None,
    };
    let mut add = |name: &str, value: &str| -> Result<(), Error> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(name))?;
        let value = HeaderValue::from_str(value).map_err(|_| bad(value))?;
        headers.append(name, value);
        Ok(())
    };
    add("impersonate-user", user)?;
    groups
        .iter()
        .try_for_each(|group| add("impersonate-group", group))?;
    uid.iter().try_for_each(|uid| add("impersonate-uid", uid))?;
    for (key, values) in extra {
        let mut name = "impersonate-extra-".to_owned();
        crate::resource::escape(&mut name, key);
        values.iter().try_for_each(|value| add(&name, value))?;
    }
    Ok(())
}

/// How long a server wants to be left alone. A date, which the standard allows too, is not what API servers send.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
