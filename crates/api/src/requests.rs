//! One request of a person or program: who, how many, what, whether; then the endpoint.
//!
//! ```text
//! token ─► its buckets ─► row of the table ─► right ─► bucket of changes ─► body ─► the endpoint, within a time
//!   └► nobody's: the bucket of the address
//! ```
//!
//! An address pays for requests of nobody alone, so that a broken script behind it keeps nobody from stopping a promotion.
//! Whoever may see nothing of a namespace is told that there is none, as of one that does not exist.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control::Desk;
use control::access::{Caller, Over as Whose, Right};
use control::desk::Refused;
use control::tokens::Denied;
use delivery::World;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use model::{Code, Diagnose as _};
use percent_encoding::percent_decode_str;
use stdx::chain;
use tokio::time::{Instant, timeout};

use crate::limits::{Limits, STRANGERS, WRONG};
use crate::quotas::{Quotas, TooMuch};
use crate::route::{Answer, Ask, Over, Route, Verb};
use crate::routes::ROUTES;
use crate::server::{Said, answer, refuse, too_many};

/// What people send is short.
const LARGEST: usize = 64 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Above the longest wait for a board, and what the hub may take for a few writes.
const TIME: Duration = Duration::from_secs(60);

/// The parameter with which a request waits for something new.
const WATCH: &str = "watch";

const FROM_ADDRESS: &str = "too many requests without a good token come from this address";

/// The most parameters behind the `?`.
const QUERIES: usize = 32;

/// What requests of people are answered with. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct People {
    desk: Desk,
    of_address: Arc<Limits>,
    strangers: Arc<Limits>,
    quotas: Arc<Quotas>,
}

/// Whether a caller may.
enum May {
    Yes,
    No(String),
    /// There is nothing that he may know of.
    Nothing(String),
}

type Answered = Response<Full<Bytes>>;

impl People {
    pub(crate) fn new(desk: Desk, of_address: Arc<Limits>) -> Self {
        Self {
            desk,
            of_address,
            strangers: Arc::new(Limits::new(STRANGERS)),
            quotas: Arc::new(Quotas::new()),
        }
    }

    pub(crate) async fn respond(&self, from: &str, request: Request<Incoming>) -> Answered {
        match timeout(TIME, self.asked(from, request)).await {
            Ok(Ok(response) | Err(response)) => response,
            Err(_) => refuse(
                StatusCode::GATEWAY_TIMEOUT,
                &Said::of(Code::NO_ANSWER, "the hub did not answer in time", "try again"),
            ),
        }
    }

    async fn asked(&self, from: &str, request: Request<Incoming>) -> Result<Answered, Answered> {
        let too_much = |(wait, message): TooMuch| too_many(wait, message);
        let caller = self.caller(from, &request).await?;
        self.quotas.ask(&caller, Instant::now()).map_err(too_much)?;
        let (head, body) = request.into_parts();
        let (route, path) = found(&head).map_err(|refused| *refused)?;
        self.may(&caller, route, &path).await?;
        if route.verb != Verb::Get {
            self.quotas.change(&caller, Instant::now()).map_err(too_much)?;
        }
        let query = query(head.uri.query().unwrap_or_default());
        let _watches = match query.contains_key(WATCH) {
            true => Some(self.quotas.watch(&caller).map_err(too_much)?),
            false => None,
        };
        let body = read(body).await?;
        let ask = Ask {
            desk: self.desk.clone(),
            caller,
            path,
            query,
            body,
        };
        let running = (route.run)(ask);
        let answered = match route.verb {
            Verb::Get => running.await,
            // It is done to its end, and the end is written down, also when nobody waits for it any more.
            Verb::Post | Verb::Delete => tokio::spawn(running).await.unwrap_or_else(|_| {
                Err(Refused::NotNow {
                    problem: "shipway itself failed".to_owned(),
                    cure: "this is a bug: please report it with the controller's log".to_owned(),
                })
            }),
        };
        match answered {
            Ok(Answer::Json(value)) => Ok(answer(StatusCode::OK, "application/json", value.to_string())),
            Ok(Answer::Text(kind, text)) => Ok(answer(StatusCode::OK, kind, text)),
            Err(refused) => Err(told(&refused)),
        }
    }

    /// Whose request it is.
    async fn caller(&self, from: &str, request: &Request<Incoming>) -> Result<Caller, Answered> {
        let header = request.headers().get(AUTHORIZATION);
        let token = header
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.strip_prefix("Bearer "))
            .map(str::trim);
        let Some(token) = token else {
            self.of_address
                .take(from, 1.0, Instant::now())
                .map_err(|wait| too_many(wait, FROM_ADDRESS))?;
            return Err(unknown(&Said::of(
                Code::WHO,
                "no token came with the request",
                "send `Authorization: Bearer sw_…`; `shipway token create` makes one",
            )));
        };
        if let Err(wait) = self.of_address.look(from, WRONG, Instant::now())
            && !self.desk.is_known(token)
        {
            self.strangers
                .take("", 1.0, Instant::now())
                .map_err(|_| too_many(wait, FROM_ADDRESS))?;
        }
        let denied = match self.desk.caller(token).await {
            Ok(caller) => return Ok(caller),
            Err(denied) => denied,
        };
        let answer = refused(denied);
        if answer.status() == StatusCode::UNAUTHORIZED {
            // It is refused anyway; what it costs is what the next one finds.
            let _ = self.of_address.take(from, WRONG, Instant::now());
        }
        Err(answer)
    }

    async fn may(
        &self,
        caller: &Caller,
        route: &'static Route,
        path: &BTreeMap<&'static str, String>,
    ) -> Result<(), Answered> {
        if route.over == Over::Seen {
            return Ok(());
        }
        let (who, path) = (caller.clone(), path.clone());
        let asked = self
            .desk
            .books()
            .ask(move |world, _| may(world, &who, route, &path));
        match asked.await.map_err(|error| told(&Refused::from(error)))? {
            May::Yes => Ok(()),
            May::No(whose) => Err(told(&Refused::forbidden(&caller.name, route.right, &whose))),
            May::Nothing(what) => Err(told(&Refused::NotFound { what })),
        }
    }
}

/// The body, within bounds of size and time.
async fn read(body: Incoming) -> Result<Bytes, Answered> {
    match timeout(BODY_TIMEOUT, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => {
            let message = format!("the body can't be read, or has more than {LARGEST} bytes");
            let said = Said::of(Code::REQUEST, &message, "send less");
            Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, &said))
        }
        Err(_) => {
            let said = Said::of(Code::REQUEST, "the body did not come in time", "send it at once");
            Err(refuse(StatusCode::REQUEST_TIMEOUT, &said))
        }
    }
}

/// Whether a caller has the right that a row needs.
fn may(world: &World, caller: &Caller, route: &Route, path: &BTreeMap<&'static str, String>) -> May {
    let parameter = |name: &str| path.get(name).map(String::as_str).unwrap_or_default();
    let (tenant, what) = match route.over {
        Over::Seen => return May::Yes,
        Over::Everything => (None, "everything".to_owned()),
        Over::Tenant => {
            let name = parameter("tenant");
            let Some(tenant) = world.tenant(name) else {
                return May::Nothing(format!("tenant {name}"));
            };
            (Some(tenant), format!("tenant {name}"))
        }
        Over::Namespace => {
            let namespace = parameter("namespace");
            (world.tenant_of(namespace), format!("namespace {namespace}"))
        }
    };
    let over = tenant.map_or(Whose::Everything, Whose::Tenant);
    if caller.may(route.right, over) {
        return May::Yes;
    }
    let is_known = route.over == Over::Everything || parameter("namespace") == world.system_namespace();
    match caller.may(Right::View, over) {
        sees if (sees || is_known) && route.or_group && caller.is_person && !caller.groups.is_empty() => {
            May::Yes
        }
        sees if sees || is_known => May::No(tenant.map_or_else(
            || "everything".to_owned(),
            |tenant| format!("tenant {}", tenant.metadata.name),
        )),
        _ => May::Nothing(what),
    }
}

/// The row of a request, and the parameters of its path.
fn found(
    head: &hyper::http::request::Parts,
) -> Result<(&'static Route, BTreeMap<&'static str, String>), Box<Answered>> {
    let path = head.uri.path();
    let mut is_there = false;
    for route in ROUTES {
        let Some(parameters) = route.matches(path) else {
            continue;
        };
        if route.verb.is(&head.method) {
            return Ok((route, parameters));
        }
        is_there = true;
    }
    let cure = "/api/v1/openapi.json says what there is";
    Err(Box::new(match is_there {
        true => refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            &Said::of(Code::REQUEST, "this is not done with this method", cure),
        ),
        false => refuse(
            StatusCode::NOT_FOUND,
            &Said::of(Code::REQUEST, "nothing is here", cure),
        ),
    }))
}

fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(QUERIES);
    let read = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (read(name), read(value))
    });
    pairs.collect()
}

/// A refusal as it is told.
fn told(refused: &Refused) -> Answered {
    let status = match refused {
        Refused::NotFound { .. } => StatusCode::NOT_FOUND,
        Refused::Forbidden { .. } => StatusCode::FORBIDDEN,
        Refused::PlanChanged { .. } | Refused::NotNow { .. } => StatusCode::CONFLICT,
        Refused::Invalid { .. } => StatusCode::BAD_REQUEST,
        Refused::Hub(error) => match error.code() {
            Code::NOT_FOUND => StatusCode::NOT_FOUND,
            Code::INVALID => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        },
    };
    if let Refused::Hub(error) = refused {
        tracing::warn!(code = %error.code(), error = %chain(error), "the hub did not do what was asked");
    }
    let said = Said {
        code: Some(refused.code()),
        message: chain(refused),
        hint: refused.hint(),
    };
    refuse(status, &said)
}

/// Why somebody is not let in.
fn refused(denied: Denied) -> Answered {
    let message = match denied {
        Denied::Hub(error) => return told(&Refused::from(error)),
        Denied::Issuer => {
            let said = Said::of(
                Code::ISSUER,
                "the issuer of ID tokens can't be asked for its keys now",
                "try again in a minute; a token of `shipway token create` needs no issuer",
            );
            return refuse(StatusCode::SERVICE_UNAVAILABLE, &said);
        }
        Denied::IdToken(why) => {
            let message = format!("the ID token does not count: {why}");
            let cure =
                "get a new one of the issuer and for the client that the controller names (`--oidc-issuer`)";
            return unknown(&Said::of(Code::ID_TOKEN, &message, cure));
        }
        Denied::Expired => "the token has expired",
        Denied::Unknown => "nobody knows the token",
    };
    unknown(&Said::of(
        Code::WHO,
        message,
        "`shipway token create` makes one; whoever administers your tenant may",
    ))
}

fn unknown(said: &Said) -> Answered {
    let mut response = refuse(StatusCode::UNAUTHORIZED, said);
    let how = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, how);
    response
}
