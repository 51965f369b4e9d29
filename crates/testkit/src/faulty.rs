//! A bad connection to a good cluster: an HTTPS proxy that fails at the requests it is told to.
//!
//! ```text
//! client ─TLS─► Faulty ─► number, log ─► plan(request) ─┬─ None ──► mini cluster ──► answer, as it comes
//!                                                       └─ Fault ─► refused, cut, lost, hung, broken off
//! ```
//!
//! The client reaches it by [`Faulty::kubeconfig`]; what it sends, credentials included, is passed on unchanged, save
//! certificates of clients. Nothing here is random: the same plan fails at the same requests.

mod body;

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use minicluster::server::Handle;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use self::body::Cutting;

type Source = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, Source>;
type Plan = Box<dyn FnMut(&Seen) -> Option<Fault> + Send>;

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answered in the cluster's stead; the cluster does not see the request.
    Answer {
        code: u16,
        /// Seconds, as the header says them.
        retry_after: Option<u32>,
        body: String,
    },
    /// The connection is cut; the cluster does not see the request.
    Cut,
    /// The cluster does it, and the connection is cut before the answer is passed on. Not for watches, which are never
    /// done; nor is [`Fault::Swallow`].
    Lose,
    /// Never answered; the cluster does not see the request.
    Hang,
    /// The cluster does it, and the answer is never passed on.
    Swallow,
    /// The answer ends after so many lines, as a watch does that the server ends.
    End { lines: usize },
    /// The answer breaks off after so many lines.
    Break { lines: usize },
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// From 1, since the plan was made.
    pub number: usize,
    pub method: Method,
    /// With the query.
    pub path: String,
    /// The connection it came by, from 1.
    pub connection: usize,
}

/// The proxy. Dropping it ends its connections.
#[derive(Debug)]
pub struct Faulty {
    address: SocketAddr,
    certificate: String,
    token: String,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

struct Shared {
    upstream: Client<HttpsConnector<HttpConnector>, Incoming>,
    url: String,
    state: Mutex<State>,
    refuses: AtomicBool,
    connections: AtomicUsize,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    seen: Vec<Seen>,
}

impl Fault {
    /// A refusal as an API server words it.
    #[must_use]
    pub fn status(code: u16, reason: &str) -> Self {
        let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("a fault: {reason}"), "reason": reason, "code": code});
        Self::Answer {
            code,
            retry_after: None,
            body: body.to_string(),
        }
    }

    /// 429, and when to come again.
    #[must_use]
    pub fn busy(seconds: u32) -> Self {
        match Self::status(429, "TooManyRequests") {
            Self::Answer { code, body, .. } => Self::Answer {
                code,
                retry_after: Some(seconds),
                body,
            },
            other => other,
        }
    }

    /// Lines, as a watch sends them, and their end.
    #[must_use]
    pub fn lines(lines: &[serde_json::Value]) -> Self {
        Self::Answer {
            code: 200,
            retry_after: None,
            body: lines.iter().map(|line| format!("{line}\n")).collect(),
        }
    }
}

impl Faulty {
    /// Starts a proxy in front of a cluster; without a plan it passes everything on.
    ///
    /// Assumptions: runs inside a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// When there is no port or no randomness.
    pub async fn start(cluster: &Handle) -> io::Result<Self> {
        let own =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .map_err(io::Error::other)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let shared = Arc::new(Shared {
            upstream: upstream(cluster.authority())?,
            url: cluster.url(),
            state: Mutex::default(),
            refuses: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        });
        Ok(Self {
            address: listener.local_addr()?,
            certificate: own.cert.pem(),
            token: cluster.token().to_owned(),
            listener: tokio::spawn(accept(
                listener,
                TlsAcceptor::from(Arc::new(tls)),
                Arc::clone(&shared),
            )),
            shared,
        })
    }

    /// Reaches the cluster as its administrator, by this proxy.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let authority = base64::engine::general_purpose::STANDARD.encode(&self.certificate);
        let server = format!("https://{}", self.address);
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "faulty", "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "faulty", "context": {"cluster": "faulty", "user": "admin"}}],
            "current-context": "faulty",
        });
        config.to_string()
    }

    /// From here on, asks the plan about every request, numbered from 1; what was seen before is forgotten.
    pub fn plan(&self, plan: impl FnMut(&Seen) -> Option<Fault> + Send + 'static) {
        *self.shared.state() = State {
            plan: Some(Box::new(plan)),
            seen: Vec::new(),
        };
    }

    /// From here on, one request fails: the one of this number.
    pub fn fail_at(&self, number: usize, fault: Fault) {
        self.plan(move |seen| (seen.number == number).then(|| fault.clone()));
    }

    /// What came since the plan was made, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.state().seen.clone()
    }

    /// Whether new connections are closed at once. Those that there are stay.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::SeqCst);
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        // Its task owns the connections' tasks, so they end with it.
        self.listener.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request, and what is to go wrong with it.
    fn note(&self, request: &Request<Incoming>, connection: usize) -> Option<Fault> {
        let mut state = self.state();
        let seen = Seen {
            number: state.seen.len() + 1,
            method: request.method().clone(),
            path: request
                .uri()
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            connection,
        };
        let fault = state.plan.as_mut().and_then(|plan| plan(&seen));
        state.seen.push(seen);
        fault
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        (cut, connection): (&Notify, usize),
    ) -> Response<Body> {
        match self.note(&request, connection) {
            None => self
                .forward(request)
                .await
                .map(|body| body.map_err(Source::from).boxed()),
            Some(Fault::Answer {
                code,
                retry_after,
                body,
            }) => answered(code, retry_after, body),
            Some(Fault::Cut) => gone(cut).await,
            Some(Fault::Lose) => {
                self.done(request).await;
                gone(cut).await
            }
            Some(Fault::Hang) => pending().await,
            Some(Fault::Swallow) => {
                self.done(request).await;
                pending().await
            }
            Some(Fault::End { lines }) => {
                let answer = self.forward(request).await;
                answer.map(|body| Cutting::new(body, lines, false).boxed())
            }
            Some(Fault::Break { lines }) => {
                let answer = self.forward(request).await;
                answer.map(|body| Cutting::new(body, lines, true).boxed())
            }
        }
    }

    /// Has the cluster do it to the end.
    async fn done(&self, request: Request<Incoming>) {
        drop(self.forward(request).await.collect().await);
    }

    async fn forward(&self, mut request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let address: Result<Uri, _> = format!("{}{path}", self.url).parse();
        let failed = |error: Source| {
            let mut response = Response::new(
                Full::new(Bytes::from(error.to_string()))
                    .map_err(Source::from)
                    .boxed(),
            );
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        };
        match address {
            Ok(address) => *request.uri_mut() = address,
            Err(error) => return failed(error.into()),
        }
        request.headers_mut().remove(hyper::header::HOST);
        *request.version_mut() = hyper::Version::HTTP_11;
        match self.upstream.request(request).await {
            Ok(answer) => answer.map(|body| body.map_err(Source::from).boxed()),
            Err(error) => failed(error.into()),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn upstream(authority: &str) -> io::Result<Client<HttpsConnector<HttpConnector>, Incoming>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).map_err(io::Error::other)?;
    roots.add(authority).map_err(io::Error::other)?;
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        if !shared.refuses.load(Ordering::SeqCst) {
            connections.spawn(serve(stream, tls.clone(), Arc::clone(&shared)));
        }
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let connection = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
    let cut = Arc::new(Notify::new());
    let ends = Arc::clone(&cut);
    let service = service_fn(move |request| {
        let (shared, cut) = (Arc::clone(&shared), Arc::clone(&cut));
        async move { Ok::<_, Infallible>(shared.respond(request, (&cut, connection)).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = ends.notified() => {}
    }
}

fn answered(code: u16, retry_after: Option<u32>, body: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(Source::from).boxed());
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::IM_A_TEAPOT);
    let headers = response.headers_mut();
    headers.insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = retry_after {
        headers.insert(hyper::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Cuts the connection, and waits for the end that this is.
async fn gone(cut: &Notify) -> Response<Body> {
    cut.notify_one();
    pending().await
}
