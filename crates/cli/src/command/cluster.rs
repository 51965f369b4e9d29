//! `shipway cluster`: a Kubernetes-compatible cluster on this machine.
//!
//! `start` runs until it is told to stop; `kubeconfig` prints what the last start wrote. The cluster itself is the
//! crate `minicluster`; here are only its command line, the signals and the kubeconfig file.

mod nodes;

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use minicluster::schema::MINORS;
use minicluster::server::{Cluster, Error, Options};
use model::{Code, Diagnose};
use serde::Serialize;

use super::runtime::{Stop, runtime};
use crate::Failure;
use crate::console::Console;

pub(crate) use nodes::inherited;

/// Run a throw-away Kubernetes cluster on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway cluster start                       in memory, on a free port
  shipway cluster start --data ~/.shipway/dev --port 6443
                                              keeps everything in a folder
  KUBECONFIG=shipway.kubeconfig kubectl get ns
                                              once it is ready
  shipway cluster start --kubernetes-version 1.33
                                              as an older server
  shipway cluster start --nodes 5             with room for more
  shipway cluster start --pods process --images images.yaml
                                              pods really run, as processes of this machine

Its nodes are simulated unless you say otherwise: pods become ready as their spec allows, and what an image does can
be said in a behaviour file. With --pods process a container's command runs on this machine, without a sandbox.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Start(Start),
    Kubeconfig(Kubeconfig),
}

/// Start a cluster and serve until SIGINT or SIGTERM; processes of pods then have 8 seconds to end.
#[derive(Debug, clap::Args)]
struct Start {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Keep the objects in this folder; without it they are gone when the server stops.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The administrator's token; without it a random one is made, or taken from the folder.
    #[arg(long)]
    token: Option<String>,
    /// Where to write the kubeconfig.
    #[arg(long, value_name = "FILE", default_value = KUBECONFIG)]
    kubeconfig: PathBuf,
    /// The Kubernetes version to be: 1.33, 1.34 or 1.35. The newest unless given.
    #[arg(long, value_name = "VERSION", value_parser = minor)]
    kubernetes_version: Option<u32>,
    #[command(flatten)]
    nodes: nodes::Nodes,
}

/// Print the kubeconfig that `start` wrote.
#[derive(Debug, clap::Args)]
struct Kubeconfig {
    /// The file to print.
    #[arg(long, value_name = "FILE", default_value = KUBECONFIG)]
    kubeconfig: PathBuf,
}

const KUBECONFIG: &str = "shipway.kubeconfig";

/// How long pods that are processes have to end when the cluster does: a little less than supervisors wait, 10 s, before
/// they kill.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Debug, Serialize)]
struct Ready {
    server: String,
    kubeconfig: PathBuf,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("the mini cluster can't start")]
    Start(#[source] Error),
    #[error("the mini cluster can't start: no runtime")]
    Runtime(#[source] io::Error),
    #[error("can't {doing} {}", path.display())]
    Kubeconfig {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("can't {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} is not as it should be:\n{mistakes}", path.display())]
    Content { path: PathBuf, mistakes: String },
    #[error("--nodes: {most} are the most whose pods can be processes")]
    Nodes { most: usize },
    #[error("{flag} {text} is no amount")]
    Amount { flag: &'static str, text: String },
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        Code::CLUSTER
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Start(Error::Store(error)) => error.hint(),
            Self::Start(Error::Listen { address, .. }) => Some(format!(
                "another program may have port {}; leave out --port to take a free one",
                address.port()
            )),
            Self::Start(error) => error.source().map(ToString::to_string),
            Self::Runtime(_) | Self::File { .. } | Self::Content { .. } => None,
            Self::Nodes { .. } => {
                Some("each has addresses of its own in one block of 127.0.0.0/8".to_owned())
            }
            Self::Amount { .. } => Some("write it as Kubernetes does: 4, 500m, 16Gi".to_owned()),
            Self::Kubeconfig { .. } => {
                Some("`shipway cluster start --kubeconfig FILE` writes it where you want it".to_owned())
            }
        }
    }
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    match &args.command {
        Command::Start(start) => serve(start, console),
        Command::Kubeconfig(args) => {
            let text = std::fs::read_to_string(&args.kubeconfig).map_err(|source| Problem::Kubeconfig {
                doing: "read",
                path: args.kubeconfig.clone(),
                source,
            })?;
            console.text(&text)
        }
    }
}

fn serve(args: &Start, console: &mut Console) -> Result<(), Failure> {
    let runtime = runtime().map_err(Problem::Runtime)?;
    let options = Options {
        address: Some(SocketAddr::from(([127, 0, 0, 1], args.port))),
        folder: args.data.clone(),
        token: args.token.clone(),
        ..args
            .nodes
            .options(args.kubernetes_version, args.data.as_deref())?
    };
    runtime.block_on(async {
        // Before the server is ready, so that whoever stops it at once stops it properly.
        let mut stop = Stop::listen().map_err(Problem::Runtime)?;
        let cluster = Cluster::start(options).await.map_err(Problem::Start)?;
        let handle = cluster.handle();
        let kubeconfig = handle.kubeconfig().map_err(Problem::Start)?;
        write_private(&args.kubeconfig, &kubeconfig)?;
        let ready = Ready {
            server: handle.url(),
            kubeconfig: args.kubeconfig.clone(),
        };
        console.data(&ready, || {
            format!(
                "ready: {} (kubeconfig {})\n",
                ready.server,
                ready.kubeconfig.display()
            )
        })?;
        stop.wait().await;
        tokio::select! {
            () = cluster.stop(PATIENCE) => {}
            // Whoever says it twice does not want to wait.
            _ = stop.wait() => {}
        }
        Ok(())
    })
}

/// The minor version of `1.34`, `v1.34` or `1.34.2`; patches don't differ in what they serve.
fn minor(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix('v').unwrap_or(text);
    let mut parts = number.split('.');
    let (major, minor) = (parts.next(), parts.next());
    let minor = minor
        .and_then(|minor| minor.parse().ok())
        .filter(|_| major == Some("1"));
    minor.filter(|minor| MINORS.contains(minor)).ok_or_else(|| {
        let known: Vec<String> = MINORS.iter().map(|minor| format!("1.{minor}")).collect();
        format!("known are {}", known.join(", "))
    })
}

/// Writes a file that only its owner may read: it holds the administrator's token.
fn write_private(path: &Path, text: &str) -> Result<(), Problem> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| Problem::Kubeconfig {
            doing: "write",
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_people_write_them() {
        for (text, expected) in [
            ("1.33", Some(33)),
            ("v1.34", Some(34)),
            ("1.35.2", Some(35)),
            ("1.12", None),
            ("2.34", None),
            ("latest", None),
            ("", None),
        ] {
            assert_eq!(minor(text).ok(), expected, "{text}");
        }
    }
}
