//! The connections to an API server: HTTP/2 where it is spoken, through a proxy where one is named.
//!
//! ```text
//! kube::Client: address, credentials ──► lane 0: requests
//!                                    └─► lanes 1…: watches, each lane a connection
//! ```
//!
//! A watch holds a stream for as long as it lasts, and a server allows only so many on a connection: requests must never
//! wait behind watches, so these have connections of their own.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client as Http, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, Client, ConfigExt as _};
use kube::config::Config;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::error::{Error, Source};

/// Longer than any handshake takes that will still succeed.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A connection that does not answer a ping is dead. Both together stay below the time of a request, so that its
/// next try finds a new connection.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIME: Duration = Duration::from_secs(10);

/// API servers allow 100 streams on a connection or more.
const WATCHES_ON_LANE: usize = 64;

/// 1,024 watches at once. A release needs one for each kind and namespace.
const WATCH_LANES: usize = 16;

/// Which connection a request takes; in its extensions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lane(usize);

/// The room for watches.
#[derive(Debug)]
pub(crate) struct WatchLanes(Vec<Arc<Semaphore>>);

/// The connections, as a service that picks one.
#[derive(Clone)]
struct Lanes<C>(Vec<Http<C, Body>>);

/// Makes the client. Credential plugins run in here, and block.
pub(crate) fn client(config: &Config) -> Result<Client, Error> {
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    direct.set_connect_timeout(Some(CONNECT_TIME));
    match &config.proxy_url {
        None => over(config, &secured(config, direct)?),
        Some(proxy) if proxy.scheme_str() == Some("http") => {
            let mut tunnel = Tunnel::new(proxy.clone(), direct);
            if let Some(login) = login(proxy) {
                tunnel = tunnel.with_auth(login);
            }
            over(config, &secured(config, tunnel)?)
        }
        Some(proxy) => Err(Error::Kubeconfig {
            problem: format!("can't use the proxy {}", proxy.host().unwrap_or_default()),
            cure: "only proxies that are reached by http:// can be used".to_owned(),
            source: None,
        }),
    }
}

/// Makes the client of an API server in the same process: requests are values that it is called with.
pub(crate) fn within<F, A, B>(answer: F, token: &HeaderValue, namespace: &str) -> Client
where
    F: Fn(Request<Bytes>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Source>,
{
    let token = token.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, token) = (answer.clone(), token.clone());
        async move {
            let (mut head, body) = request.into_parts();
            head.headers.insert(AUTHORIZATION, token);
            let body = body.collect().await?.to_bytes();
            Ok::<_, Source>(answer(Request::from_parts(head, body)).await)
        }
    });
    Client::new(service, namespace)
}

impl WatchLanes {
    pub(crate) fn new() -> Self {
        let lane = || Arc::new(Semaphore::new(WATCHES_ON_LANE));
        Self(std::iter::repeat_with(lane).take(WATCH_LANES).collect())
    }

    /// A place for one more watch, for as long as the permit is kept; `None` if there are too many.
    pub(crate) fn place(&self) -> Option<(Lane, OwnedSemaphorePermit)> {
        let mut lanes = self.0.iter().enumerate();
        lanes.find_map(|(index, lane)| {
            let permit = Arc::clone(lane).try_acquire_owned().ok()?;
            Some((Lane(index + 1), permit))
        })
    }
}

fn secured<C>(config: &Config, connector: C) -> Result<HttpsConnector<C>, Error> {
    let tls = config.rustls_client_config().map_err(unusable)?;
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(unusable)?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_all_versions().wrap_connector(connector))
}

fn over<C>(config: &Config, connector: &C) -> Result<Client, Error>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let mut builder = Http::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_TIME);
    let lanes = Lanes(
        (0..=WATCH_LANES)
            .map(|_| builder.build(connector.clone()))
            .collect(),
    );
    let namespace = config.default_namespace.clone();
    let address = config.base_uri_layer();
    Ok(match config.auth_layer().map_err(unusable)? {
        None => Client::new(address.layer(lanes), namespace),
        Some(credentials) => {
            let lanes = lanes.map_err(Source::from);
            Client::new(address.layer(credentials.layer(lanes)), namespace)
        }
    })
}

/// The login that a proxy's address holds, as the header that the proxy wants.
fn login(proxy: &Uri) -> Option<HeaderValue> {
    use base64::Engine as _;

    let (login, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    let login: Vec<u8> = percent_encoding::percent_decode_str(login).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(login);
    HeaderValue::from_str(&format!("Basic {encoded}")).ok()
}

fn unusable(source: impl Into<Source>) -> Error {
    Error::Kubeconfig {
        problem: "can't use the credentials of the context".to_owned(),
        cure: "mend what the cause names in the kubeconfig, or log in again".to_owned(),
        source: Some(source.into()),
    }
}

impl<C> Service<Request<Body>> for Lanes<C>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper_util::client::legacy::Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Lane(lane) = request.extensions().get().copied().unwrap_or_default();
        self.0[lane.min(WATCH_LANES)].request(request)
    }
}
