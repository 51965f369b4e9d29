//! The handle of a cluster: connecting, acting as somebody, and what is asked of the cluster as a whole.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::credentials::Credentials;
use crate::discovery::{self, Catalog};
use crate::error::{Error, Source};
use crate::kubeconfig::{self, Way};
use crate::resource::Resource;
use crate::send::Call;
use crate::target::{Impersonate, Limits, Target};
use crate::transport::{self, WatchLanes};
use crate::warning::Warnings;

/// Where requests go that name no namespace.
const DEFAULT_NAMESPACE: &str = "default";

/// A cluster. Cheap to clone; clones share connections, limits and what is known about the kinds it serves.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) shared: Arc<Shared>,
    pub(crate) user: Option<Arc<Impersonate>>,
}

pub(crate) struct Shared {
    pub credentials: Credentials,
    /// As in `https://10.0.0.1:6443`, for messages.
    pub address: String,
    /// That of the context.
    pub namespace: String,
    pub warnings: Warnings,
    pub limits: Limits,
    pub permits: Semaphore,
    pub watches: WatchLanes,
    pub user_agent: String,
    pub requests: AtomicU64,
    /// The state of the source of spread.
    pub seed: AtomicU64,
    pub catalog: discovery::Cache,
}

impl Shared {
    fn new(credentials: Credentials, (address, namespace): (String, String), target: Target) -> Self {
        let user_agent = match target.user_agent.as_str() {
            "" => concat!("shipway/", env!("CARGO_PKG_VERSION")).to_owned(),
            own => own.to_owned(),
        };
        Self {
            credentials,
            address,
            namespace,
            warnings: Warnings::default(),
            permits: Semaphore::new(target.limits.at_once.clamp(1, Semaphore::MAX_PERMITS)),
            limits: target.limits,
            watches: WatchLanes::new(),
            user_agent,
            requests: AtomicU64::new(0),
            seed: AtomicU64::new(target.seed),
            catalog: discovery::Cache::default(),
        }
    }
}

impl Cluster {
    /// Finds the way to a cluster. Nothing is sent yet, so this says nothing about whether the cluster is there; but
    /// a plugin that the kubeconfig names for credentials runs.
    ///
    /// Assumptions: runs inside a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// [`Error::Kubeconfig`].
    pub async fn connect(target: Target) -> Result<Self, Error> {
        let Way { config, user } = kubeconfig::way(&target).await?;
        let address = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = config.default_namespace.clone();
        let credentials = Credentials::new(config, &target).await?;
        Ok(Self {
            shared: Arc::new(Shared::new(credentials, (address, namespace), target)),
            user: user.map(Arc::new),
        })
    }

    /// A cluster whose API server is in this process and is called instead of being sent something. Of the target count
    /// the token, the limits and the user to act as.
    ///
    /// # Errors
    /// [`Error::Kubeconfig`], if the token can't stand in a header.
    ///
    /// Assumptions: runs inside a tokio runtime with time.
    pub fn within<F, A, B>(answer: F, target: Target) -> Result<Self, Error>
    where
        F: Fn(Request<Bytes>) -> A + Clone + Send + 'static,
        A: Future<Output = Response<B>> + Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Source>,
    {
        let token = target.overrides.token.as_deref().unwrap_or_default();
        let token =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|source| Error::Kubeconfig {
                problem: "the token can't be sent".to_owned(),
                cure: "a token is one line of printable characters".to_owned(),
                source: Some(source.into()),
            })?;
        let credentials = Credentials::fixed(transport::within(answer, &token, DEFAULT_NAMESPACE));
        let user = target.user.clone().map(Arc::new);
        let place = ("the mini cluster".to_owned(), DEFAULT_NAMESPACE.to_owned());
        Ok(Self {
            shared: Arc::new(Shared::new(credentials, place, target)),
            user,
        })
    }

    /// The namespace of the context.
    #[must_use]
    pub fn default_namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// The address of the API server.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Whom the cluster is asked to take the caller for.
    #[must_use]
    pub fn user(&self) -> Option<&Impersonate> {
        self.user.as_deref()
    }

    /// The same cluster, asked as another user. Everything else is shared.
    #[must_use]
    pub fn impersonating(&self, who: Impersonate) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            user: Some(Arc::new(who)),
        }
    }

    /// How many requests were sent so far, every try counted, by all clones together.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// What the cluster has warned of since they were taken last, each warning once, by all clones together.
    #[must_use]
    pub fn take_warnings(&self) -> Vec<String> {
        self.shared.warnings.take()
    }

    /// What the cluster says of its version: `major`, `minor`, `gitVersion`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn version(&self) -> Result<Value, Error> {
        self.value(Call::get("/version".to_owned(), "/version")).await
    }

    /// The kind in this version, if the cluster serves it. What it serves is asked once; again when a kind is missing
    /// that was not asked for lately.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn resource(&self, api_version: &str, kind: &str) -> Result<Option<Resource>, Error> {
        discovery::resource(self, api_version, kind).await
    }

    /// Everything the cluster serves, as it is known.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        discovery::catalog(self).await
    }

    /// What `.Capabilities.APIVersions` holds: `apps/v1` and `apps/v1/Deployment`, in the cluster's order.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn api_versions(&self) -> Result<Vec<String>, Error> {
        Ok(self.catalog().await?.api_versions())
    }

    /// Forgets which kinds the cluster serves; to be called after a CustomResourceDefinition was changed.
    pub async fn forget(&self) {
        self.shared.catalog.forget().await;
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("address", &self.shared.address)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
