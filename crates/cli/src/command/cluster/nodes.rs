//! The nodes of a cluster as the command line says them: how many and how large, or copied, and what their pods do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubelet::nodes::{self, MOST_NODES, MOST_PROCESS_NODES, Shape};
use kubelet::{Behaviour, behaviour};
use minicluster::node::{self, Images};
use minicluster::server::Options;

use super::Problem;

/// The nodes of the cluster.
#[derive(Debug, clap::Args)]
pub(super) struct Nodes {
    /// How many nodes there are.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    nodes: usize,
    /// The CPUs of each node.
    #[arg(long, value_name = "QUANTITY", default_value = "8")]
    node_cpu: String,
    /// The memory of each node.
    #[arg(long, value_name = "QUANTITY", default_value = "32Gi")]
    node_memory: String,
    /// Copy the nodes of a real cluster instead: the output of `kubectl get nodes -o json`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nodes", "node_cpu", "node_memory"])]
    nodes_from: Option<PathBuf>,
    /// What the containers do, by image: a behaviour file. Without it they start at once and stay.
    #[arg(long, value_name = "FILE")]
    behaviour: Option<PathBuf>,
    /// Simulate the pods, or really run them as processes of this machine: no sandbox, and only programs of --images.
    #[arg(long, value_enum, default_value_t = Pods::Simulated)]
    pods: Pods,
    /// Which program stands for which image: an image map. `shipway.dev/echo` is always there.
    #[arg(long, value_name = "FILE")]
    images: Option<PathBuf>,
    /// Serve what pods and nodes use, for `kubectl top` and autoscalers.
    #[arg(long)]
    metrics: bool,
}

/// Who runs the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Pods {
    Simulated,
    Process,
}

/// What processes find in their environment: without these few, programs are not found and don't feel at home.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "TMPDIR"];

/// The folders of clusters in memory, which the number of the process follows.
const FOLDER: &str = "shipway-pods-";

impl Nodes {
    /// The options of a cluster with these nodes.
    pub(super) fn options(&self, minor: Option<u32>, data: Option<&Path>) -> Result<Options, Problem> {
        let fleet = match &self.nodes_from {
            Some(path) => {
                let text = read(path, "read the nodes in")?;
                let list = serde_json::from_str(&text).map_err(|error| bad(path, error.to_string()))?;
                nodes::copied(&list).map_err(|problem| bad(path, problem))?
            }
            None => nodes::fleet(self.nodes, &self.shape(minor)?),
        };
        let behaviour = match &self.behaviour {
            Some(path) => {
                let text = read(path, "read the behaviour in")?;
                behaviour::parse(&text).map_err(|error| bad(path, error.to_string()))?
            }
            None => Behaviour::default(),
        };
        Ok(Options {
            nodes: fleet,
            behaviour: Arc::new(behaviour),
            metrics: self.metrics,
            minor,
            processes: self.processes(data)?,
            ..Options::default()
        })
    }

    /// How processes are run, when pods are some.
    fn processes(&self, data: Option<&Path>) -> Result<Option<node::Options>, Problem> {
        if self.pods == Pods::Simulated {
            return match &self.images {
                Some(path) => Err(bad(path, "an image map is for --pods process".to_owned())),
                None => Ok(None),
            };
        }
        if self.nodes > MOST_PROCESS_NODES {
            return Err(Problem::Nodes {
                most: MOST_PROCESS_NODES,
            });
        }
        let images = match &self.images {
            Some(path) => {
                let text = read(path, "read the image map in")?;
                let base = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                let base = base.parent().unwrap_or(Path::new("/"));
                Images::parse(&text, base).map_err(|error| bad(path, error.to_string()))?
            }
            None => Images::default(),
        };
        let program = std::env::current_exe().map_err(|source| Problem::File {
            doing: "find our own program at",
            path: PathBuf::from("shipway"),
            source,
        })?;
        if data.is_none() {
            sweep(&std::env::temp_dir());
        }
        let temporary = || std::env::temp_dir().join(format!("{FOLDER}{}", std::process::id()));
        Ok(Some(node::Options {
            images,
            program,
            folder: data.map_or_else(temporary, |data| data.join("pods")),
            keep: data.is_some(),
            environment: inherited(),
        }))
    }

    fn shape(&self, minor: Option<u32>) -> Result<Shape, Problem> {
        let shape = Shape::default();
        for (flag, text) in [
            ("--node-cpu", &self.node_cpu),
            ("--node-memory", &self.node_memory),
        ] {
            let amount = objects::Quantity::parse(text);
            if amount.is_none_or(|amount| amount <= objects::Quantity::ZERO) {
                return Err(Problem::Amount {
                    flag,
                    text: text.clone(),
                });
            }
        }
        Ok(Shape {
            cpu: self.node_cpu.clone(),
            memory: self.node_memory.clone(),
            version: minor.map_or(shape.version, |minor| format!("v1.{minor}.0")),
            ..shape
        })
    }
}

/// What processes of pods find in their environment.
pub(crate) fn inherited() -> Vec<(String, String)> {
    let found = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    INHERITED.iter().filter_map(found).collect()
}

/// Removes the folders of clusters that died without a word. Where there is no `/proc`, nobody knows who lives.
fn sweep(temporary: &Path) {
    let alive = |id: &str| Path::new("/proc").join(id).exists();
    if !alive("self") {
        return;
    }
    for entry in std::fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(FOLDER));
        if id.is_some_and(|id| id.parse::<u32>().is_ok() && !alive(id)) {
            // Another user's folder stays.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn count(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "it is no number".to_owned())?;
    if count > MOST_NODES {
        return Err(format!("{MOST_NODES} are the most"));
    }
    Ok(count)
}

fn read(path: &Path, doing: &'static str) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|source| Problem::File {
        doing,
        path: path.to_owned(),
        source,
    })
}

fn bad(path: &Path, mistakes: String) -> Problem {
    Problem::Content {
        path: path.to_owned(),
        mistakes,
    }
}
