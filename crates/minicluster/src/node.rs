//! Nodes whose pods are processes of this machine.
//!
//! ```text
//! engine ──► kubelet::Kubelet on host ──► images, environment, files ──► launch ──► runs ──► keeper ──► the program
//!                                                                                    │
//! server ──► serve: log, exec, attach, port-forward, proxy ◄─────────────────────────┘
//! ```
//!
//! This is no sandbox: a process sees the machine's files, network and users as whoever started the cluster does, and
//! it runs only what the image map names. Every pod has an address of its own out of 127.0.0.0/8, which only Linux
//! gives to everybody. Not here: cluster addresses of Services are not routed.

mod attach;
mod descent;
pub mod echo;
mod environment;
mod exec;
mod files;
mod gauge;
mod health;
mod host;
mod images;
pub mod keeper;
mod launch;
mod log;
mod meter;
mod probe;
mod runs;
pub(crate) mod serve;
mod spawn;
mod swap;
mod tls;
mod volumes;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubelet::nodes;
use objects::meta;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::engine::Wakes;
use crate::registry::Registry;
use files::Folders;
use launch::Ground;
use runs::Runs;
use spawn::Starter;
use volumes::{Issuer, Volumes};

pub(crate) use gauge::Gauge;
pub(crate) use host::Processes;
pub use images::{ECHO, Error as ImagesError, Images};
pub(crate) use probe::port;

/// What carries a command's streams needs to know of it.
pub(crate) mod serve_exec {
    pub(crate) use super::exec::{Streams, start};
    pub(crate) use super::keeper::code;
    pub(crate) use super::runs::{Run, Runs};
    pub(crate) use super::spawn::{Group, Spawned};
}

/// The blocks of 127.0.0.0/8 that clusters take, one each; 127.0 and 127.1 belong to others.
const BLOCKS: std::ops::RangeInclusive<u8> = 64..=254;

/// Who listens here has the block.
const CLAIM_PORT: u16 = 10250;

/// How pods are run as processes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which programs there are.
    pub images: Images,
    /// Our own program: started again to keep processes, and as the built-in image.
    pub program: PathBuf,
    /// Where volumes, logs and sockets are. What an earlier run left there is removed.
    pub folder: PathBuf,
    /// Whether the folder goes when the cluster does.
    pub keep: bool,
    /// What every process finds in its environment: `PATH`, `HOME` and whatever else it can't do without.
    pub environment: Vec<(String, String)>,
}

/// What one container uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// In thousandths of a CPU.
    pub cpu_milli: i64,
    pub memory_bytes: i64,
}

/// What runs the pods of a cluster; dropping it ends them all.
pub(crate) struct Fleet {
    pub(crate) runs: Runs,
    pub(crate) logs: PathBuf,
    folder: Option<PathBuf>,
    meter: JoinHandle<()>,
    _claim: TcpListener,
}

/// A fleet that was made ready, and what the engine needs of it.
pub(crate) struct Ready {
    pub(crate) fleet: Fleet,
    pub(crate) host: Processes,
    pub(crate) nodes: Vec<Value>,
}

/// Makes ready to run processes.
///
/// # Errors
/// When the folder can't be used, or this system has no more loopback addresses than one.
pub(crate) fn prepare(
    options: Options,
    fleet: Vec<Value>,
    (registry, api): (&Registry, SocketAddr),
    wakes: Wakes,
) -> io::Result<Ready> {
    let Options {
        images,
        program,
        folder,
        keep,
        environment,
    } = options;
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let block_file = folder.join("block");
    let wanted = fs::read_to_string(&block_file)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let (block, claim) = claim(wanted)?;
    fs::write(&block_file, block.to_string())?;
    let logs = folder.join("logs").join("pods");
    clean(&folder, &logs, registry)?;
    let lifeline = folder.join("lifeline");
    let held = spawn::lifeline(&lifeline)?;
    let starter = Starter {
        own: program.clone(),
        lifeline,
    };
    let runs = Runs::new(starter, held, wakes);
    let ground = Ground {
        folders: Folders {
            run: folder.clone(),
            claims: folder.join("claims"),
        },
        inherited: environment,
        api: (api.ip().to_string(), api.port()),
        own: program,
    };
    let host = Processes {
        images,
        ground,
        logs: logs.clone(),
        runs: runs.clone(),
        addresses: kubelet::Addresses::default(),
        issuer: Box::new(registry.clone()),
        volumes: Volumes::default(),
        sandboxes: HashSet::new(),
    };
    let meter = tokio::spawn(meter::measure(runs.clone()));
    let fleet = nodes::of_processes(fleet, block).into_iter();
    Ok(Ready {
        fleet: Fleet {
            runs,
            logs,
            folder: (!keep).then_some(folder),
            meter,
            _claim: claim,
        },
        host,
        nodes: fleet.collect(),
    })
}

impl Fleet {
    /// What containers used when they were last looked at.
    pub(crate) fn usage(&self) -> Vec<Used> {
        let used = |run: &Arc<runs::Run>| {
            let usage = run.usage()?;
            Some(Used {
                namespace: run.key.namespace.to_string(),
                pod: run.key.name.to_string(),
                container: run.id.container.clone(),
                cpu_milli: usage.cpu_milli,
                memory_bytes: usage.bytes,
            })
        };
        self.runs.running().iter().filter_map(used).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.meter.abort();
        self.runs.end();
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Fleet")
            .field("logs", &self.logs)
            .finish_non_exhaustive()
    }
}

impl Issuer for Registry {
    fn token(&self, pod: &Value, audience: &str, seconds: i64) -> Option<String> {
        self.token_of_pod(pod, audience, seconds)
    }
}

/// Takes a block of addresses that no other cluster of this machine has: the wanted one if it is free.
fn claim(wanted: Option<u8>) -> io::Result<(u8, TcpListener)> {
    // Clusters that start at the same time look from different places.
    let count = u32::from(*BLOCKS.end() - *BLOCKS.start()) + 1;
    let first = u8::try_from(std::process::id() % count).unwrap_or(0);
    let turned =
        |at: u8| BLOCKS.start() + u8::try_from((u32::from(first) + u32::from(at)) % count).unwrap_or(0);
    let all = (0..u8::try_from(count).unwrap_or(u8::MAX)).map(turned);
    let mut last = None;
    for block in wanted
        .filter(|block| BLOCKS.contains(block))
        .into_iter()
        .chain(all)
    {
        match TcpListener::bind((Ipv4Addr::new(127, block, 255, 254), CLAIM_PORT)) {
            Ok(listener) => return Ok((block, listener)),
            Err(error) => last = Some(error),
        }
    }
    let cause = last.map_or(String::new(), |error| format!(": {error}"));
    Err(io::Error::other(format!(
        "pods that are processes need addresses of their own in 127.0.0.0/8, which this system does not give{cause}; use --pods simulated"
    )))
}

/// Removes what an earlier run left: volumes of pods, and logs of pods that are gone.
fn clean(folder: &Path, logs: &Path, registry: &Registry) -> io::Result<()> {
    let pods = folder.join("pods");
    if pods.exists() {
        fs::remove_dir_all(&pods)?;
    }
    fs::create_dir_all(&pods)?;
    fs::create_dir_all(logs)?;
    let known = registry.pods();
    let known: Vec<&str> = known.iter().map(meta::uid).collect();
    for entry in fs::read_dir(logs)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let uid = name.rsplit('_').next().unwrap_or_default();
        if !known.contains(&uid) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
