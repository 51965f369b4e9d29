//! The nodes of a cluster as the command line says them: how many and how large, or copied, and what their pods do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubelet::nodes::{self, MOST_NODES, Shape};
use kubelet::{Behaviour, behaviour};
use minicluster::server::Options;

use super::Problem;

/// The nodes of the cluster.
#[derive(Debug, clap::Args)]
pub(super) struct Nodes {
    /// How many nodes there are; their pods are simulated, nothing runs.
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
    /// Serve what pods and nodes use, for `kubectl top` and autoscalers.
    #[arg(long)]
    metrics: bool,
}

impl Nodes {
    /// The options of a cluster with these nodes.
    pub(super) fn options(&self, minor: Option<u32>) -> Result<Options, Problem> {
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
            ..Options::default()
        })
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
