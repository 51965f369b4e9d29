//! A running cluster: options in, a handle out, an HTTPS server on loopback between them.
//!
//! ```text
//! Options ─► Cluster (store, keys, listener) ─► Handle (address, token, kubeconfig)
//!               └─ connection ─► identity ─► permission ─► discovery │ registry ─► store
//! ```
//!
//! Any number run side by side in a process; dropping a cluster ends its connections and leaves nothing behind but
//! the folder of a durable one. Callers show a certificate or a token, or are anonymous, and RBAC decides. Webhooks
//! are not here, nor are nodes and controllers.

mod answer;
mod connection;
mod discovery;
mod encoding;
mod exec;
mod forward;
mod front;
mod identity;
mod keys;
mod negotiate;
mod openid;
mod permission;
mod proxy;
mod spdy;
mod streaming;
mod tls;
mod websocket;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use jiff::Timestamp;
use kubelet::{Behaviour, Meter};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::answer::Body;
use self::keys::{Authority, Keys, Subject};
use self::tls::Tls;
use crate::auth::service_account::KeyError;
use crate::auth::signing_request::SigningRequest;
use crate::auth::token::StaticTokens;
use crate::auth::{MASTERS, UserInfo};
use crate::clock::Clock;
use crate::engine::{self, Engine, Wakes};
use crate::node::{self, Fleet, Gauge, Processes};
use crate::registry::{Registry, Surroundings, Tokens};
use crate::schema::{MINORS, NEWEST_MINOR, Table};
use crate::store::{self, Store};

/// The administrator's user name.
const ADMINISTRATOR: &str = "admin";

/// Where API servers listen that could be reached.
const PORT: u16 = 6443;

/// How long the administrator's certificate is good, as kubeadm has it.
const ADMINISTRATOR_DAYS: i64 = 365;

/// How a cluster is started. The default is in memory, on a free port of 127.0.0.1, with a random token.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `None` for a free port of 127.0.0.1.
    pub address: Option<SocketAddr>,
    /// Listens nowhere and has no thread of its own: it is reached by [`Local`] alone. Without a folder only.
    pub in_process: bool,
    /// The folder of a durable cluster.
    pub folder: Option<PathBuf>,
    /// The token of the administrator, who is in `system:masters`.
    pub token: Option<String>,
    /// The time of the cluster.
    pub clock: Clock,
    /// Has the control loops look at their keys in an order drawn from this seed.
    pub seed: Option<u64>,
    /// The Kubernetes version, as in 1.`minor`; `None` for the newest of [`MINORS`].
    pub minor: Option<u32>,
    /// The nodes that the cluster begins with, as `kubelet::nodes` makes them. Without any, pods wait for one.
    pub nodes: Vec<Value>,
    /// What the containers of simulated pods do.
    pub behaviour: Arc<Behaviour>,
    /// Has the pods of the nodes really run, as processes; `None` to simulate them. Takes the machine's clock.
    pub processes: Option<node::Options>,
    /// Serves what pods and nodes use as a metrics server does, and lets autoscalers work.
    pub metrics: bool,
}

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster {
    handle: Handle,
    local: Local,
    listener: Option<JoinHandle<()>>,
    engine: JoinHandle<()>,
    /// What keeps roles and the tokens in Secrets, and signs certificates.
    keepers: [JoinHandle<()>; 3],
    /// What runs the pods; they end with it.
    fleet: Option<Arc<Fleet>>,
    /// Last, so that the store outlives the connections.
    _store: Store,
}

/// How to reach a cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// The way in for whoever is in the same process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Local(connection::Service);

/// Where it listens, with the keys for it.
type Listening = (TcpListener, Tls);

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    token: String,
    authority: String,
    client: Authority,
    clock: Clock,
    store: store::Handle,
}

/// A certificate that names a user, and its key, both as PEM.
#[derive(Clone)]
pub struct ClientCertificate {
    pub certificate: String,
    pub key: String,
}

/// Without the key.
impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ClientCertificate")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// Why a cluster does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Kubernetes 1.{minor} is not among the versions known, 1.{} to 1.{NEWEST_MINOR}", MINORS[0])]
    Version { minor: u32 },
    #[error("can't open the store")]
    Store(#[from] store::Error),
    #[error("can't listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("can't make the certificates")]
    Certificate(#[from] rcgen::Error),
    #[error("can't keep the keys in {}", path.display())]
    Keys { path: PathBuf, source: io::Error },
    #[error("can't use the key for tokens")]
    Key(#[from] KeyError),
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
    #[error("can't run pods as processes")]
    Processes(#[source] io::Error),
    #[error("pods that are processes need the machine's clock")]
    Clock,
}

impl Cluster {
    /// Starts a cluster; when this returns it answers requests.
    ///
    /// Assumptions: runs inside a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// See [`Error`]; nothing runs then.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Options {
            address,
            in_process,
            folder,
            token,
            clock,
            seed,
            minor,
            nodes,
            behaviour,
            processes,
            metrics,
        } = options;
        let minor = minor.unwrap_or(NEWEST_MINOR);
        let table = Table::of(minor).ok_or(Error::Version { minor })?;
        let store = match &folder {
            Some(folder) => Store::open(folder, store::Options::default())?,
            None if in_process => Store::on_one_thread(store::Options::default()),
            None => Store::memory(store::Options::default())?,
        };
        let mut keys = Keys::open(folder.as_deref())?;
        if let Some(token) = token {
            keys.token = token;
        }
        let (listening, address) = match in_process {
            true => (None, SocketAddr::from(([127, 0, 0, 1], PORT))),
            false => listen(address, &keys).await?,
        };
        let Keys {
            server,
            client,
            signer,
            token,
        } = keys;
        let mut fixed = StaticTokens::default();
        fixed.insert(&token, UserInfo::authenticated(ADMINISTRATOR, &[MASTERS]));
        let gauge = Arc::new(Gauge::new(Arc::clone(&behaviour)));
        let meter: Option<Arc<dyn Meter>> = metrics.then(|| Arc::clone(&gauge) as Arc<dyn Meter>);
        let registry = Registry::new(
            store.handle(),
            &server.certificate,
            Tokens::new(fixed, signer),
            table,
            (Surroundings::new(clock.clone(), seed), meter.clone()),
        );
        registry.bootstrap().await;
        registry.publish(published(address, &clock, seed)).await;
        let handle = Handle {
            shared: Arc::new(Shared {
                address,
                token,
                authority: server.certificate,
                client,
                clock: clock.clone(),
                store: store.handle(),
            }),
        };
        let wakes = Wakes::default();
        let (fleet, host, nodes) = match processes {
            Some(_) if !matches!(clock, Clock::Machine) => return Err(Error::Clock),
            Some(options) => runner(options, nodes, (&registry, address), &wakes)?,
            None => (None, None, nodes),
        };
        if let Some(fleet) = &fleet {
            gauge.measure(&fleet.runs);
        }
        let loops = engine::loops(handle.authority(), nodes, (&behaviour, meter), seed, host);
        let engine = Engine::new(registry.clone(), clock, loops, seed).woken_by(wakes);
        Ok(Self::run(handle, (registry, engine), fleet, listening, store))
    }

    /// Begins to work and to answer.
    fn run(
        handle: Handle,
        (registry, engine): (Registry, Engine),
        fleet: Option<Arc<Fleet>>,
        listening: Option<Listening>,
        store: Store,
    ) -> Self {
        let service = connection::Service {
            registry,
            fleet: fleet.as_ref().map(Arc::downgrade),
            url: Arc::from(handle.url()),
        };
        Self {
            engine: tokio::spawn(engine.run()),
            keepers: [
                tokio::spawn(service.registry.clone().keep_aggregates()),
                tokio::spawn(service.registry.clone().keep_secret_tokens()),
                tokio::spawn(service.registry.clone().keep_requests(sign(&handle))),
            ],
            listener: listening
                .map(|(listener, tls)| tokio::spawn(connection::accept(listener, tls, service.clone()))),
            local: Local(service),
            fleet,
            handle,
            _store: store,
        }
    }

    /// Ends the cluster in peace: nothing is started any more, and pods that are processes are asked to end and have
    /// their grace for it, but no longer than is said. Dropping it kills them at once.
    pub async fn stop(self, patience: Duration) {
        self.engine.abort();
        if let Some(fleet) = &self.fleet {
            fleet.runs.stop_all(patience).await;
        }
    }

    /// What the containers use that are processes, as far as that was measured.
    #[must_use]
    pub fn usage(&self) -> Vec<node::Used> {
        self.fleet.as_ref().map_or_else(Vec::new, |fleet| fleet.usage())
    }

    /// How to reach it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves the cluster's Services over plain HTTP, `/NAMESPACE/SERVICE/PATH`, until it is dropped. For listeners on
    /// loopback addresses: nobody is asked who he is.
    pub fn front(&self, listener: TcpListener) -> impl Future<Output = ()> + Send + 'static + use<> {
        front::serve(listener, self.local.0.clone(), self.handle.token().to_owned())
    }

    /// How to reach it without a connection.
    #[must_use]
    pub fn local(&self) -> Local {
        self.local.clone()
    }
}

impl Local {
    /// Answers a request as it would be answered over a connection; whoever asks is named by its `Authorization`.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Body> {
        let request = request.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
        self.0.respond(request, &tls::Shown::Nothing).await
    }
}

/// Listens, at a free port of 127.0.0.1 if nothing else is said.
async fn listen(address: Option<SocketAddr>, keys: &Keys) -> Result<(Option<Listening>, SocketAddr), Error> {
    let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let tls = Tls::new(address.ip(), &keys.server, &keys.client)?;
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((Some((listener, tls)), address))
}

/// The address that the Service of the API server names. A history that is to be repeated must not hold a port that
/// was free by chance; nothing runs in such a cluster that could ask there.
fn published(address: SocketAddr, clock: &Clock, seed: Option<u64>) -> SocketAddr {
    match (clock, seed) {
        (Clock::Virtual(_), Some(_)) => SocketAddr::new(address.ip(), PORT),
        _ => address,
    }
}

/// What runs pods, its part in the engine, and its nodes.
type Runner = (Option<Arc<Fleet>>, Option<Processes>, Vec<Value>);

fn runner(
    options: node::Options,
    nodes: Vec<Value>,
    place: (&Registry, SocketAddr),
    wakes: &Wakes,
) -> Result<Runner, Error> {
    let ready = node::prepare(options, nodes, place, wakes.clone()).map_err(Error::Processes)?;
    Ok((Some(Arc::new(ready.fleet)), Some(ready.host), ready.nodes))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The listener's task owns the connections' tasks, so they end with it.
        self.listener.iter().for_each(JoinHandle::abort);
        self.engine.abort();
        self.keepers.iter().for_each(JoinHandle::abort);
    }
}

impl Handle {
    /// `https://127.0.0.1:6443`
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.shared.address)
    }

    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The administrator's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// The certificate of the CA, as PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.shared.authority
    }

    /// Waits until the control loops have nothing left to do at the present time, everything considered that was
    /// written before. With the machine's clock they are never known to be done, and this returns at once.
    pub async fn settle(&self) {
        self.advance(Duration::ZERO).await;
    }

    /// Lets a virtual clock go on by a span of time, everything done on the way that is due.
    pub async fn advance(&self, span: Duration) {
        if let Clock::Virtual(clock) = &self.shared.clock {
            let limit = clock.now().saturating_add(span).unwrap_or(Timestamp::MAX);
            let revision = self.shared.store.revision();
            clock.allow(limit);
            // False when the cluster is stopped: then there is nothing to wait for.
            clock.rested(limit, revision).await;
        }
    }

    /// Issues a certificate that names a user and groups, good for so many days. Its groups are believed:
    /// `system:masters` may do everything.
    ///
    /// # Errors
    /// [`Error::Certificate`] when there is no randomness, or a name that no certificate can hold.
    pub fn client_certificate(
        &self,
        user: &str,
        groups: &[&str],
        days: i64,
    ) -> Result<ClientCertificate, Error> {
        let subject = Subject { user, groups };
        let (certificate, key) = self
            .shared
            .client
            .client(subject, crate::registry::date_in(days))?;
        Ok(ClientCertificate { certificate, key })
    }

    /// A kubeconfig that reaches the cluster as its administrator, as JSON, which is YAML too. Its context uses the
    /// token; `shipway-certificate` is the same with a certificate, for clients that take no tokens.
    ///
    /// # Errors
    /// [`Error::Certificate`] when there is no randomness.
    pub fn kubeconfig(&self) -> Result<String, Error> {
        let base64 = |text: &str| crate::registry::base64(text.as_bytes());
        let authority = base64(&self.shared.authority);
        let ClientCertificate { certificate, key } =
            self.client_certificate(ADMINISTRATOR, &[MASTERS], ADMINISTRATOR_DAYS)?;
        let shown = json!({"client-certificate-data": base64(&certificate), "client-key-data": base64(&key)});
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "shipway",
                "cluster": {"server": self.url(), "certificate-authority-data": authority},
            }],
            "users": [
                {"name": "admin", "user": {"token": self.shared.token}},
                {"name": "admin-certificate", "user": shown},
            ],
            "contexts": [
                {"name": "shipway", "context": {"cluster": "shipway", "user": "admin"}},
                {"name": "shipway-certificate", "context": {"cluster": "shipway", "user": "admin-certificate"}},
            ],
            "current-context": "shipway",
        });
        Ok(format!("{config:#}\n"))
    }
}

/// What signs certificates of clients.
fn sign(handle: &Handle) -> impl Fn(&SigningRequest, u64) -> Option<String> + Send + Sync + use<> {
    let handle = handle.clone();
    move |request, until| handle.shared.client.client_of(request, until).ok()
}
