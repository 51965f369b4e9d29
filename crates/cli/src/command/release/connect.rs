//! Which cluster a command is about, and as whom.

use std::future::Future;
use std::path::PathBuf;
use std::time::SystemTime;

use cluster::run::{Options, Release, Watching};
use cluster::{Cluster, Files, Impersonate, Target};
use jiff::Timestamp;
use model::{Code, Diagnose, ReleaseName};
use release::storage::Driver;

use super::liveness;
use crate::Failure;
use crate::command::runtime::runtime;
use crate::console::{Console, Verbosity};

/// The cluster, the namespace, and the user.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// The namespace of the release; the context's own unless given.
    #[arg(short, long, env = "HELM_NAMESPACE", hide_env = true)]
    namespace: Option<String>,
    /// Act as this tenant's deploy identity: what is not the tenant's, the cluster refuses.
    #[arg(long, value_name = "TENANT", conflicts_with = "user")]
    tenant: Option<model::TenantName>,
    #[command(flatten)]
    way: WayArgs,
}

/// The cluster and the user.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct WayArgs {
    /// The kubeconfig file; $KUBECONFIG and ~/.kube/config otherwise.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(
        long,
        visible_alias = "context",
        value_name = "NAME",
        env = "HELM_KUBECONTEXT",
        hide_env = true
    )]
    kube_context: Option<String>,
    /// Act as this user.
    #[arg(long = "as", alias = "kube-as-user", value_name = "USER")]
    user: Option<String>,
    /// Act as a member of this group; may be given several times.
    #[arg(
        long = "as-group",
        alias = "kube-as-group",
        value_name = "GROUP",
        requires = "user"
    )]
    groups: Vec<String>,
}

/// A cluster, and a runtime to speak to it.
pub(crate) struct Connection {
    pub(crate) cluster: Cluster,
    runtime: tokio::runtime::Runtime,
}

/// A command's way to its cluster.
pub(crate) struct Session {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    runtime: tokio::runtime::Runtime,
}

/// No runtime to speak to a network with.
#[derive(Debug, thiserror::Error)]
#[error("can't start")]
struct NoRuntime(#[source] std::io::Error);

impl Diagnose for NoRuntime {
    fn code(&self) -> Code {
        Code::BUG
    }
}

impl ClusterArgs {
    pub(crate) fn connect(&self) -> Result<Session, Failure> {
        let Connection { mut cluster, runtime } = self.way.connect()?;
        if let Some(tenant) = &self.tenant {
            cluster = cluster.impersonating(Impersonate {
                user: tenancy::names::deploy_identity(tenant.as_str()),
                ..Impersonate::default()
            });
        }
        let namespace = self.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| cluster.default_namespace().to_owned());
        namespace.parse::<model::Namespace>()?;
        Ok(Session {
            cluster,
            namespace,
            runtime,
        })
    }
}

impl WayArgs {
    /// A context that was named, and nothing of the environment but where kubeconfig files are.
    pub(crate) fn named(kubeconfig: Option<PathBuf>, context: String, user: Option<String>) -> Self {
        Self {
            kubeconfig,
            kube_context: Some(context),
            user,
            groups: Vec::new(),
        }
    }

    /// Whether a cluster was named.
    pub(crate) fn is_named(&self) -> bool {
        self.kubeconfig.is_some() || self.kube_context.is_some()
    }

    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        let Self {
            kubeconfig,
            kube_context,
            user,
            groups,
        } = self;
        let mut target = Target::found(|name| std::env::var_os(name));
        if let Some(path) = kubeconfig {
            target.kubeconfig = Files::One(path.clone());
        }
        target.context.clone_from(kube_context);
        target.user = user.as_ref().map(|user| Impersonate {
            user: user.clone(),
            groups: groups.clone(),
            ..Impersonate::default()
        });
        target.seed = random();
        let runtime = runtime().map_err(NoRuntime)?;
        let cluster = runtime.block_on(Cluster::connect(target))?;
        Ok(Connection { cluster, runtime })
    }
}

impl Connection {
    /// Runs something that needs the network.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }
}

impl Session {
    /// Runs something that needs the network.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The same, and what the cluster warns of is said, as kubectl does.
    pub(crate) fn look<T>(&self, console: &mut Console, work: impl Future<Output = T>) -> T {
        let done = self.wait(work);
        self.warn(console);
        done
    }

    /// Says what the cluster has warned of.
    pub(crate) fn warn(&self, console: &mut Console) {
        for text in self.cluster.take_warnings() {
            console.note(Verbosity::Normal, &format!("Warning: {text}"));
        }
    }

    /// Reads the records of a release.
    pub(crate) fn open(&self, name: &ReleaseName, options: Options) -> Result<Release, Failure> {
        let place = (self.namespace.as_str(), name.as_str());
        Ok(self.wait(Release::open(&self.cluster, place, options, Watching::nobody()))?)
    }

    pub(crate) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }
}

/// Now, by the machine's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The policies of an operation of this process, as helm has them until flags say otherwise.
pub(crate) fn options() -> Options {
    Options {
        process: liveness::own(),
        is_gone: liveness::is_gone,
        driver: driver(std::env::var("HELM_DRIVER").unwrap_or_default().as_str()),
        ..Options::new(identity(), now)
    }
}

/// Who this process is: another name for every run.
pub(crate) fn identity() -> String {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    format!("{host}/{}/{:08x}", std::process::id(), random() as u32)
}

/// What records are kept in, in the words of `HELM_DRIVER`. Helm's drivers outside of the cluster are none of ours.
fn driver(name: &str) -> Driver {
    match name {
        "configmap" | "configmaps" => Driver::ConfigMap,
        _ => Driver::Secret,
    }
}

/// What no other run has.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("an operating system that runs this has randomness");
    u64::from_le_bytes(bytes)
}
