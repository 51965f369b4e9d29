//! One mini cluster of the road: its folder, its nodes, its kubeconfig, and the front of its Services.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use kubelet::nodes::{Shape, fleet};
use minicluster::node::{self, Images};
use minicluster::server::{Cluster, Error, Options};
use tokio::net::TcpListener;

use super::Problem;
use crate::command::cluster::inherited;

/// How many nodes a target has: enough that pods lie apart.
const NODES: usize = 3;

/// Who runs the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pods {
    Simulated,
    Process,
}

/// How a cluster is to be.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) name: &'static str,
    pub(super) folder: PathBuf,
    /// 0 for a free one.
    pub(super) port: u16,
    /// Without nodes there are no pods, and it is a hub.
    pub(super) pods: Option<Pods>,
    /// Whether processes are taken only if the machine can run them.
    pub(super) may_simulate: bool,
}

/// A cluster that runs.
#[derive(Debug)]
pub(super) struct Mini {
    pub(super) cluster: Cluster,
    pub(super) kubeconfig: String,
    /// Who runs its pods in the end.
    pub(super) pods: Pods,
}

/// Starts a cluster. It answers when this returns.
pub(super) async fn start(wish: Wish) -> Result<Mini, Problem> {
    let failed = |source| Problem::Cluster {
        name: wish.name,
        source,
    };
    let pods = wish.pods.unwrap_or(Pods::Simulated);
    let (cluster, pods) = match Cluster::start(options(&wish, pods)?).await {
        Ok(cluster) => (cluster, pods),
        Err(Error::Processes(_)) if wish.may_simulate => {
            let simulated = options(&wish, Pods::Simulated)?;
            (Cluster::start(simulated).await.map_err(failed)?, Pods::Simulated)
        }
        Err(error) => return Err(failed(error)),
    };
    let kubeconfig = cluster.handle().kubeconfig().map_err(failed)?;
    Ok(Mini {
        cluster,
        kubeconfig,
        pods,
    })
}

fn options(wish: &Wish, pods: Pods) -> Result<Options, Problem> {
    let nodes = match wish.pods {
        Some(_) => fleet(NODES, &Shape::default()),
        None => Vec::new(),
    };
    let processes = (pods == Pods::Process).then(|| processes(wish)).transpose()?;
    Ok(Options {
        address: Some(loopback(wish.port)),
        folder: Some(wish.folder.clone()),
        metrics: wish.pods.is_some(),
        nodes,
        processes,
        ..Options::default()
    })
}

fn processes(wish: &Wish) -> Result<node::Options, Problem> {
    let program = std::env::current_exe()
        .map_err(|source| super::folder::failed("find", &PathBuf::from("shipway"), source))?;
    Ok(node::Options {
        images: Images::default(),
        program,
        folder: wish.folder.join("pods"),
        keep: true,
        environment: inherited(),
    })
}

/// Listens on a port of this machine alone: the one that was given, or else the wanted one if it is free.
pub(super) async fn listen(name: &'static str, port: u16) -> Result<TcpListener, Problem> {
    let address = loopback(port);
    TcpListener::bind(address)
        .await
        .map_err(|source| Problem::Listen {
            name,
            address,
            source,
        })
}

pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
