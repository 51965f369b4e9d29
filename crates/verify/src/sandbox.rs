//! A mini cluster whose time passes by itself, and only when nothing is left to do.
//!
//! ```text
//! one thread, one paused runtime:   release engine ──requests, as values──► mini cluster
//!                                          └── timers ──┐          ┌── appointments ──┘
//!                                                       next of both: the time moves there
//! ```
//!
//! There is no socket and no other thread: the runtime sees all work there is, so the time never moves while somebody
//! is at it, and a rollout of ten minutes takes as long as its decisions.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Apply, Cluster, Impersonate, Limits, Overrides, Target, Why};
use jiff::Timestamp;
use kubelet::Behaviour;
use minicluster::clock::{Clock, Runtime as RuntimeClock};
use minicluster::server;
use model::{Code, Diagnose};
use objects::meta;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// Who writes what was there before.
const SEEDER: &str = "shipway-verify";

/// How long a kind may take to be served after its definition was applied, in simulated time.
const SERVED: Duration = Duration::from_secs(30);

/// What a sandbox is made from.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    pub minor: u32,
    pub nodes: &'a [Value],
    pub behaviour: &'a Arc<Behaviour>,
    pub seed: u64,
}

/// A cluster to try things on. Its work is waited for from outside of the runtime.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub cluster: Cluster,
    began: Instant,
    /// Kept running.
    _mini: server::Cluster,
    /// Last: what runs in it goes before it.
    runtime: Arc<Runtime>,
}

/// Why there is no sandbox, which is no fault of the chart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't make a runtime for the mini cluster")]
    Runtime(#[from] std::io::Error),
    #[error("the mini cluster does not start")]
    Start(#[from] server::Error),
    #[error(transparent)]
    Cluster(Box<cluster::Error>),
    #[error("{what} can't be put into the mini cluster")]
    Seed {
        what: String,
        source: Box<cluster::Error>,
    },
    #[error("{what} is of a kind that the mini cluster does not serve: {api_version}")]
    Kind { what: String, api_version: String },
}

impl Sandbox {
    pub(crate) fn start(plan: &Plan<'_>) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let (mini, cluster) = runtime.block_on(async {
            let options = server::Options {
                in_process: true,
                clock: Clock::Runtime(RuntimeClock::at(Timestamp::now())),
                seed: Some(plan.seed),
                minor: Some(plan.minor),
                nodes: plan.nodes.to_vec(),
                behaviour: Arc::clone(plan.behaviour),
                ..server::Options::default()
            };
            let mini = server::Cluster::start(options).await?;
            let local = mini.local();
            let target = Target {
                overrides: Overrides {
                    token: Some(mini.handle().token().to_owned()),
                    ..Overrides::default()
                },
                limits: Limits::default(),
                user_agent: SEEDER.to_owned(),
                ..Target::default()
            };
            let answer = move |request| {
                let local = local.clone();
                async move { local.answer(request).await }
            };
            Ok::<_, Error>((mini, Cluster::within(answer, target)?))
        })?;
        let began = runtime.block_on(async { Instant::now() });
        Ok(Self {
            cluster,
            began,
            _mini: mini,
            runtime: Arc::new(runtime),
        })
    }

    /// Waits for work, everything else going on meanwhile.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// How to wait for those that do it themselves.
    pub(crate) fn runtime(&self) -> Arc<Runtime> {
        Arc::clone(&self.runtime)
    }

    /// When it began, by its own clock.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The same cluster, asked as somebody else.
    pub(crate) fn as_user(&self, user: &str) -> Cluster {
        self.cluster.impersonating(Impersonate {
            user: user.to_owned(),
            ..Impersonate::default()
        })
    }

    /// Puts objects in, in their order, as its administrator. Definitions are served before what follows them is put in.
    pub(crate) fn seed<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) -> Result<(), Error> {
        self.wait(async {
            for object in objects {
                self.put(object).await?;
            }
            Ok(())
        })
    }

    async fn put(&self, object: &Value) -> Result<(), Error> {
        let (version, kind) = (meta::text(object, "apiVersion"), meta::text(object, "kind"));
        let what = || format!("{kind} {}", meta::name(object));
        let Some(resource) = self.served(version, kind).await? else {
            return Err(Error::Kind {
                what: what(),
                api_version: version.to_owned(),
            });
        };
        let how = Apply {
            manager: SEEDER,
            force: true,
            dry_run: false,
        };
        let at = resource.at(meta::namespace(object), meta::name(object));
        let done = self.cluster.apply(at, object, how).await;
        if kind == "CustomResourceDefinition" {
            self.cluster.forget().await;
        }
        match done {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::Seed {
                what: what(),
                source: Box::new(source),
            }),
        }
    }

    /// A kind, once it is served.
    async fn served(&self, version: &str, kind: &str) -> Result<Option<cluster::Resource>, cluster::Error> {
        let until = Instant::now() + SERVED;
        loop {
            match self.cluster.resource(version, kind).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) if Instant::now() >= until => return Ok(None),
                Err(error) if error.why() != Some(&Why::NotFound) => return Err(error),
                _ => {
                    // The time of the sandbox: nobody waits for it.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    self.cluster.forget().await;
                }
            }
        }
    }
}

impl From<cluster::Error> for Error {
    fn from(error: cluster::Error) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::SANDBOX
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Runtime(_) => "the machine gives no more threads or files; close something and run it again".to_owned(),
            Self::Start(_) | Self::Cluster(_) => {
                "run it again with another --kube-version; if it stays, this is a fault of shipway".to_owned()
            }
            Self::Seed { .. } => "correct the object, or leave it out: it is put in before the release".to_owned(),
            Self::Kind { .. } => {
                "give its CustomResourceDefinition as well: `kubectl get crd NAME -o yaml` prints that of a cluster".to_owned()
            }
        })
    }
}
