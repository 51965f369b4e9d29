//! Connections: accepted, limited, and each request carried to whoever answers it.
//!
//! A client can hold at most one connection's worth of memory: heads and bodies are bounded in size and time, and
//! a watch waits for a slow reader without collecting for it.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::answer::{self, Body};
use super::negotiate::{self, Offer};
use super::tls::{Shown, Tls};
use super::{discovery, encoding, identity, openid, permission, streaming};
use crate::auth::UserInfo;
use crate::node::Fleet;
use crate::registry::body::translate;
use crate::registry::failure::Failure;
use crate::registry::query::Query;
use crate::registry::route::{Route, Target};
use crate::registry::{Call, Form, Registry, Reply, Verb};

/// What a real API server takes as a request body.
const MAX_BODY: usize = 3 << 20;

/// Connections at one time: a thousand watchers with room to spare, below the usual limit of open files.
const MAX_CONNECTIONS: usize = 4096;

/// A TLS handshake or a request's head takes milliseconds; whoever needs longer is not a client.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// 3 MiB over a very slow line.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The body of a request.
pub(super) type Sent = UnsyncBoxBody<Bytes, hyper::Error>;

/// What every connection shares.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub registry: Registry,
    /// What runs pods; gone when the cluster is.
    pub fleet: Option<Weak<Fleet>>,
    /// `https://127.0.0.1:6443`
    pub url: Arc<str>,
}

/// Serves connections until the task is dropped, and them with it.
pub(super) async fn accept(listener: TcpListener, tls: Tls, service: Service) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, most likely: those in use come back, so try again a little later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (tls, service) = (tls.clone(), service.clone());
        connections.spawn(async move {
            serve(stream, tls, service).await;
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, tls: Tls, service: Service) {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HEAD_TIMEOUT, tls.acceptor.accept(stream)).await else {
        return;
    };
    let shown = Arc::new(tls.judge(stream.get_ref().1.peer_certificates()));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(1000)
        .keep_alive_interval(Some(HEAD_TIMEOUT));
    let service = service_fn(move |request| {
        let (service, shown) = (service.clone(), Arc::clone(&shown));
        async move {
            let request = request.map(Incoming::boxed_unsync);
            Ok::<_, Infallible>(service.respond(request, &shown).await)
        }
    });
    // The client went away or spoke no HTTP: there is nobody to tell.
    let _ = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
}

impl Service {
    /// Answers one request, wherever it comes from.
    pub(super) async fn respond(&self, mut request: Request<Sent>, shown: &Shown) -> Response<Body> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (head, body) = request.into_parts();
        let query = Query::parse(head.uri.query().unwrap_or_default());
        if let Route::Resource(target) = Route::parse(head.uri.path())
            && streaming::serves(&target)
        {
            let asked = streaming::Asked {
                head: &head,
                query,
                target,
                upgrade,
                body,
            };
            let answer = streaming::answer(self, asked, shown).await;
            return answer.unwrap_or_else(answer::response);
        }
        let (agent, wanted) = (header(&head.headers, USER_AGENT.as_str()), query.get("pretty"));
        let (agent, wanted) = (agent.to_owned(), wanted.to_owned());
        let accept = header(&head.headers, ACCEPT.as_str()).to_owned();
        let reply = self
            .reply(head, query, body, shown)
            .await
            .unwrap_or_else(|failure| {
                // A refusal is written as an object would be; who accepts nothing we have gets JSON.
                let plain = negotiate::negotiate(&accept, Offer::default()).unwrap_or_default();
                encoding::encode(Reply::from(&failure), plain.0)
            });
        answer::response(encoding::pretty(reply, &wanted, &agent))
    }

    async fn reply(&self, head: Parts, query: Query, body: Sent, shown: &Shown) -> Result<Reply, Failure> {
        let path = head.uri.path();
        let user = match identity::user(&self.registry, shown, &head.headers, path) {
            Ok(user) => user,
            Err(refusal) => return Ok(refusal),
        };
        let accept = header(&head.headers, ACCEPT.as_str());
        let access = self.registry.access();
        let target = match Route::parse(path) {
            Route::Resource(target) => target,
            route => {
                permission::path(access, &user, &head.method, path)?;
                let known = openid::answer(&self.registry.tokens().signer, path, &self.url);
                if let Some(reply) = known {
                    return Ok(reply);
                }
                let reply = discovery::answer(&self.registry, &route, accept);
                let plain = negotiate::negotiate(accept, Offer::default()).unwrap_or_default();
                // Health, version and OpenAPI have forms of their own.
                let is_object = !matches!(route, Route::Other(_));
                return Ok(if is_object {
                    encoding::encode(reply, plain.0)
                } else {
                    reply
                });
            }
        };
        permission::resource(access, &user, &head.method, (&target, &query))?;
        let (verb, call) = self.call(&head.method, user, (target, query))?;
        let offer = Offer {
            custom: call.served.custom.is_some(),
            watch: verb == Verb::Watch,
        };
        let (encoding, form) = negotiate::negotiate(accept, offer)?;
        let mut call = Call {
            form,
            content_type: header(&head.headers, CONTENT_TYPE.as_str()).to_owned(),
            manager: manager(&call.query, header(&head.headers, USER_AGENT.as_str())),
            body: read(body).await?,
            ..call
        };
        translate(verb, &mut call)?;
        let mut reply = self.registry.answer(verb, &call).await?;
        if call.served.is("", "endpoints") {
            let text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
            reply.warnings.push(text.to_owned());
        }
        Ok(encoding::encode(reply, encoding))
    }

    /// Finds the resource of a path and what is asked of it.
    fn call(
        &self,
        method: &Method,
        user: UserInfo,
        (target, query): (Target, Query),
    ) -> Result<(Verb, Call), Failure> {
        let catalog = self.registry.catalog();
        let found = catalog.find(&target.group, &target.version, &target.plural);
        let Some(served) = found else {
            return Err(if target.group.is_empty() || catalog.has_group(&target.group) {
                Failure::no_resource()
            } else {
                Failure::page_not_found()
            });
        };
        let verb = verb(method, &target, &query)?;
        let resource = &served.resource;
        if let Some(name) = &target.subresource
            && resource.subresource(name).is_none()
        {
            return Err(Failure::no_resource());
        }
        let of_namespace = target.namespace.is_some();
        let collection = target.name.is_none();
        let across = collection && matches!(verb, Verb::List | Verb::Watch);
        if of_namespace && !resource.namespaced || !of_namespace && resource.namespaced && !across {
            return Err(if collection {
                Failure::method_not_allowed()
            } else {
                Failure::no_resource()
            });
        }
        let verbs = match &target.subresource {
            Some(name) => resource
                .subresource(name)
                .map(|one| one.verbs.clone())
                .unwrap_or_default(),
            None => resource.verbs.clone(),
        };
        if !verbs.iter().any(|one| one == verb.name()) {
            return Err(Failure::method_not_allowed());
        }
        let call = Call {
            around: self.registry.around().clone(),
            served: Arc::clone(served),
            target,
            query,
            user,
            manager: String::new(),
            form: Form::default(),
            content_type: String::new(),
            body: Bytes::new(),
            given: None,
        };
        Ok((verb, call))
    }
}

fn verb(method: &Method, target: &Target, query: &Query) -> Result<Verb, Failure> {
    let named = target.name.is_some();
    Ok(match (method.as_str(), named) {
        ("GET" | "HEAD", true) => Verb::Get,
        ("GET" | "HEAD", false) if query.flag("watch") => Verb::Watch,
        ("GET" | "HEAD", false) => Verb::List,
        ("POST", false) => Verb::Create,
        ("POST", true) if target.subresource.is_some() => Verb::Create,
        ("PUT", true) => Verb::Update,
        ("PATCH", true) => Verb::Patch,
        ("DELETE", true) => Verb::Delete,
        ("DELETE", false) => Verb::DeleteCollection,
        _ => return Err(Failure::method_not_allowed()),
    })
}

async fn read(body: Sent) -> Result<Bytes, Failure> {
    // A length that is announced is believed: nothing of such a body is read.
    if hyper::body::Body::size_hint(&body).lower() > MAX_BODY as u64 {
        return Err(Failure::too_large(&format!("limit is {MAX_BODY}")));
    }
    let limited = Limited::new(body, MAX_BODY);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Failure::too_large(&format!("limit is {MAX_BODY}")))
        }
        Ok(Err(error)) => Err(Failure::bad_request(format!(
            "the body could not be read: {error}"
        ))),
        Err(_) => Err(Failure::new(408, "Timeout", "the body did not arrive in time")),
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// The owner of fields: as the client says, or else the start of its user agent.
fn manager(query: &Query, agent: &str) -> String {
    if query.has("fieldManager") {
        return query.get("fieldManager").to_owned();
    }
    let name = agent.split('/').next().unwrap_or_default();
    let name = if name.is_empty() { "unknown" } else { name };
    // The real server's limit for the name of a manager.
    name.chars().take(128).collect()
}
