//! A running cluster: options in, a handle out, an HTTPS server on loopback between them.
//!
//! ```text
//! Options ─► Cluster (store, CA, listener) ─► Handle (address, token, kubeconfig)
//!               └─ connection ─► identity ─► discovery │ registry ─► store
//! ```
//!
//! Any number run side by side in a process; dropping a cluster ends its connections and leaves nothing behind but
//! the folder of a durable one. The only identity so far is one token that may do everything; anonymous callers see
//! health and version. Client certificates, ServiceAccount tokens and RBAC are not here, nor are webhooks, nodes
//! and controllers.

mod answer;
mod connection;
mod discovery;
mod identity;
mod permission;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::auth::token::StaticTokens;
use crate::auth::{MASTERS, UserInfo};
use crate::registry::{Registry, random_hex};
use crate::store::{self, Store};

/// How a cluster is started. The default is in memory, on a free port of 127.0.0.1, with a random token.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `None` for a free port of 127.0.0.1.
    pub address: Option<SocketAddr>,
    /// The folder of a durable cluster.
    pub folder: Option<PathBuf>,
    /// The token of the administrator, who is in `system:masters`.
    pub token: Option<String>,
}

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster {
    handle: Handle,
    listener: JoinHandle<()>,
    aggregation: JoinHandle<()>,
    /// Last, so that the store outlives the connections.
    _store: Store,
}

/// How to reach a cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    token: String,
    authority: String,
}

/// Why a cluster does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't open the store")]
    Store(#[from] store::Error),
    #[error("can't listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("can't make the certificates")]
    Certificate(#[from] rcgen::Error),
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
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
            folder,
            token,
        } = options;
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let store = match folder {
            Some(folder) => Store::open(&folder, store::Options::default())?,
            None => Store::memory(store::Options::default())?,
        };
        let tls = tls::make(address.ip())?;
        let listen = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let registry = Registry::new(store.handle(), &tls.authority);
        registry.bootstrap().await;
        let handle = Handle {
            shared: Arc::new(Shared {
                address,
                token: token.unwrap_or_else(random_hex),
                authority: tls.authority,
            }),
        };
        let mut tokens = StaticTokens::default();
        tokens.insert(handle.token(), UserInfo::authenticated("admin", &[MASTERS]));
        let service = connection::Service {
            registry,
            tokens: Arc::new(tokens),
        };
        Ok(Self {
            handle,
            aggregation: tokio::spawn(service.registry.clone().keep_aggregates()),
            listener: tokio::spawn(connection::accept(listener, tls.acceptor, service)),
            _store: store,
        })
    }

    /// How to reach it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The listener's task owns the connections' tasks, so they end with it.
        self.listener.abort();
        self.aggregation.abort();
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

    /// A kubeconfig that reaches the cluster as its administrator, as JSON, which is YAML too.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let authority = crate::registry::base64(self.shared.authority.as_bytes());
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "shipway",
                "cluster": {"server": self.url(), "certificate-authority-data": authority},
            }],
            "users": [{"name": "admin", "user": {"token": self.shared.token}}],
            "contexts": [{"name": "shipway", "context": {"cluster": "shipway", "user": "admin"}}],
            "current-context": "shipway",
        });
        format!("{config:#}\n")
    }
}
