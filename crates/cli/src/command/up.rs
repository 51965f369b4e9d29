//! `shipway up`: the whole road on this machine, in one process and one folder.
//!
//! ```text
//! Folder ──► hub, staging, production ──► the hub's objects ──► controller ∥ API ∥ fronts ∥ watch on the branches
//! (lock)        (mini clusters)            (wanted: data)          until SIGINT, SIGTERM or kill -9
//! ```
//!
//! Nothing here decides anything: the clusters, the controller and the API are those of `shipway cluster`, `shipway
//! controller` and real ones. State is what these keep in the folder, so a kill anywhere is a restart like any other.

mod assembly;
mod charts;
pub(crate) mod folder;
mod mini;
mod people;
pub(crate) mod said;
pub(crate) mod waiting;
pub(crate) mod wanted;

use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use model::{Code, Diagnose};

use super::runtime::{Stop, runtime};
use crate::Failure;
use crate::console::{Console, Verbosity};
use assembly::{Plan, Road};
use folder::Folder;
use said::Said;

pub(crate) use assembly::create;
pub(crate) use people::{CLIENT, DEVELOPER_TOKEN, OPERATOR};

/// Where everything is unless said otherwise.
pub(crate) const FOLDER: &str = ".shipway";

/// A log that is larger is begun anew at the next start.
const LARGEST_LOG: u64 = 16 << 20;

/// How long the processes of pods have to end. Those of a laptop are not worth waiting for longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The parts that may have something to say at one time: all of them.
const WAITING: usize = 32;

/// Start the whole road on this machine: a hub, a staging and a production cluster, the controller, the API, and a
/// repository of charts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway up                                  everything, in .shipway
  shipway up --port 7000                      on the ports 7000 to 7005
  shipway up --fresh                          from the beginning
  git clone .shipway/charts.git               then push a branch, and `shipway verdict --wait 1m`
  KUBECONFIG=.shipway/hub.kubeconfig kubectl get applications,promotions -A

All of it is kept in the folder: after Ctrl-C or a crash the same command goes on from there. It listens on 127.0.0.1
alone. Pods are processes of this machine, without a sandbox, where it can run them, and simulated elsewhere.")]
pub(crate) struct Args {
    /// The folder that everything is kept in.
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    dir: PathBuf,
    /// Delete what is in the folder, and begin anew.
    #[arg(long)]
    fresh: bool,
    /// Take six ports of 127.0.0.1 from this one on. Default: those of the last run, or free ones.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65530))]
    port: Option<u16>,
    /// End when the standard input does: whoever started it is gone.
    #[arg(long, hide = true)]
    lifeline: bool,
    /// Simulate the pods, or run them as processes. Default: processes where this machine can.
    #[arg(long, value_enum)]
    pods: Option<mini::Pods>,
}

/// Why the road can't be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{} was not made by `shipway up`, and is not empty", path.display())]
    Strange { path: PathBuf },
    #[error("another `shipway up` runs in {}", path.display())]
    Taken { path: PathBuf },
    #[error("can't {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("git can't be started")]
    NoGit(#[source] io::Error),
    #[error("git can't make the repository of charts: {said}")]
    Git { said: String },
    #[error("no runtime can be started")]
    Runtime(#[source] io::Error),
    #[error("the {name} can't listen on {address}")]
    Listen {
        name: &'static str,
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the cluster {name} can't be started")]
    Cluster {
        name: &'static str,
        source: minicluster::server::Error,
    },
    #[error("the charts to begin with can't be made")]
    Charts(#[source] wanted::Refused),
    #[error("a part of it ended before it was ready")]
    Ended,
    #[error("{what} did not become ready within {} s", PATIENT.as_secs())]
    NotReady { what: String },
}

/// How long anything here may take to become ready. It takes well below a second; a machine that swaps needs longer.
pub(crate) const PATIENT: Duration = Duration::from_mins(2);

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let began = Instant::now();
    let Args {
        dir,
        fresh,
        port,
        pods,
        lifeline,
    } = args;
    let folder = Folder::open(dir, *fresh)?;
    log(&folder)?;
    let runtime = runtime().map_err(Problem::Runtime)?;
    let plan = Plan::new(&folder, *port, *pods)?;
    let done = runtime.block_on(async {
        let mut stop = Stop::listen().map_err(Problem::Runtime)?;
        if *lifeline {
            stop.also_at_the_end_of_input();
        }
        let (say, mut heard) = tokio::sync::mpsc::channel::<Said>(WAITING);
        let mut starting = Box::pin(Road::start(&folder, plan, say));
        let road = loop {
            tokio::select! {
                biased;
                Some(said) = heard.recv() => console.note(Verbosity::Normal, &said.line(began.elapsed())),
                road = &mut starting => break road?,
                _ = stop.wait() => return Ok(()),
            }
        };
        while let Ok(said) = heard.try_recv() {
            console.note(Verbosity::Normal, &said.line(began.elapsed()));
        }
        folder.keep_json(said::FILE, road.places())?;
        console.data(road.places(), || road.places().text(began.elapsed()))?;
        road.run(stop.wait()).await;
        folder.forget(said::FILE);
        tokio::select! {
            () = road.stop(PATIENCE) => {}
            // Whoever says it twice does not want to wait.
            _ = stop.wait() => {}
        }
        Ok(())
    });
    // What still waits for a disk or a process is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    done
}

/// The controller's log goes to a file: the terminal is for what a person does here.
fn log(folder: &Folder) -> Result<(), Problem> {
    let path = folder.at("log");
    let is_large = std::fs::metadata(&path).is_ok_and(|found| found.len() > LARGEST_LOG);
    let mut options = OpenOptions::new();
    options
        .create(true)
        .write(true)
        .append(!is_large)
        .truncate(is_large);
    let file = options
        .open(&path)
        .map_err(|source| folder::failed("open", &path, source))?;
    let subscriber = tracing_subscriber::fmt()
        .with_writer(Mutex::new(file))
        .with_ansi(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .finish();
    // Another one is there only in tests that run several commands in one process.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

/// Where a running `up` says that everything is; none if it is not running, or not ready yet.
pub(crate) fn places(dir: &Path) -> Option<said::Places> {
    folder::is_running(dir)
        .then(|| folder::read(&dir.join(said::FILE)))
        .flatten()
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Strange { .. } => Code::UP_FOLDER,
            Self::Taken { .. } => Code::UP_TAKEN,
            _ => Code::UP,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Strange { .. } => {
                "name another folder with --dir; nothing in this one was touched".to_owned()
            }
            Self::Taken { path } => format!(
                "use it, `{}` says where everything is; or name another folder with --dir",
                path.join(said::FILE).display()
            ),
            Self::File { .. } => "look whether the disk is full and whom the folder belongs to".to_owned(),
            Self::NoGit(_) => "install git, and look whether it is on the PATH".to_owned(),
            Self::Git { .. } => "git 2.28 or newer is needed".to_owned(),
            Self::Runtime(_) => "look at the limits of this user: `ulimit -a`".to_owned(),
            Self::Listen { .. } => {
                "another program may have the port; choose others with --port, or leave it out".to_owned()
            }
            Self::Cluster { source, .. } => std::error::Error::source(source).map_or_else(
                || "the log in the folder says more".to_owned(),
                ToString::to_string,
            ),
            Self::Charts(_) => "this is a bug: please report it".to_owned(),
            Self::Ended | Self::NotReady { .. } => {
                "the log in the folder says more; `shipway up --fresh` begins anew".to_owned()
            }
        })
    }
}
