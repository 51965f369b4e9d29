//! Whatever is asked of a cluster and whenever it is stopped and started again: in the end everything is as its spec
//! says, and nothing is left of what is gone.
//!
//! Time is virtual and the control loops look at their keys in an order drawn from the seed, so a failure comes again:
//! `SHIPWAY_RESTARTS_SEED=7`. `SHIPWAY_RESTARTS=100` runs many seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use kubelet::nodes::{self, Shape};
use minicluster::clock::{Clock, Virtual};
use minicluster::server::{Cluster, Options};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::server::{ask, json};

const SEED: &str = "SHIPWAY_RESTARTS_SEED";
const SEEDS: &str = "SHIPWAY_RESTARTS";

/// What one seed does: enough that names are used again and rollouts overlap.
const DEEDS: usize = 40;
const NODES: u64 = 3;

const KINDS: [(&str, &str); 4] = [
    ("/apis/apps/v1/namespaces/default/deployments", "Deployment"),
    ("/apis/apps/v1/namespaces/default/statefulsets", "StatefulSet"),
    ("/apis/apps/v1/namespaces/default/daemonsets", "DaemonSet"),
    ("/apis/batch/v1/namespaces/default/jobs", "Job"),
];
const PODS: &str = "/api/v1/namespaces/default/pods";
const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";

fn options(folder: &Path, clock: &Virtual, seed: u64) -> Options {
    Options {
        folder: Some(folder.to_owned()),
        clock: Clock::Virtual(clock.clone()),
        seed: Some(seed),
        nodes: nodes::fleet(usize::try_from(NODES).unwrap(), &Shape::default()),
        ..Options::default()
    }
}

fn workload(kind: &str, name: &str, size: u64) -> Value {
    let restart = if kind == "Job" { "Never" } else { "Always" };
    let pod = json!({"restartPolicy": restart, "containers": [{"name": "c", "image": "app:1"}]});
    let labels = json!({"app": format!("{}-{name}", kind.to_lowercase())});
    let template = json!({"metadata": {"labels": labels}, "spec": pod});
    let spec = match kind {
        "Job" => json!({"completions": size + 1, "parallelism": 2, "template": template}),
        "DaemonSet" => json!({"selector": {"matchLabels": labels}, "template": template}),
        _ => json!({"replicas": size, "selector": {"matchLabels": labels}, "template": template}),
    };
    json!({"metadata": {"name": name}, "spec": spec})
}

/// A cluster that is asked for things and stopped at any time.
struct Story {
    cluster: Cluster,
    folder: tempfile::TempDir,
    clock: Virtual,
    dice: Dice,
    done: Vec<String>,
}

impl Story {
    async fn begin(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Virtual::at(Timestamp::now());
        Self {
            cluster: Cluster::start(options(folder.path(), &clock, seed))
                .await
                .unwrap(),
            folder,
            clock,
            dice: Dice(seed),
            done: Vec::new(),
        }
    }

    async fn deed(&mut self) {
        let (path, kind) = KINDS[usize::try_from(self.dice.below(4)).unwrap()];
        let name = format!("w{}", self.dice.below(3));
        let object = format!("{path}/{name}");
        let size = self.dice.below(5);
        let handle = self.cluster.handle();
        let said = match self.dice.below(10) {
            0..=2 => {
                let (code, _) = json(&handle, "POST", path, &workload(kind, &name, size)).await;
                format!("create {kind} {name} of {size}: {code}")
            }
            3 if kind != "Job" && kind != "DaemonSet" => {
                let code = self.patch(&object, &json!({"spec": {"replicas": size}})).await;
                format!("scale {kind} {name} to {size}: {code}")
            }
            4 if kind != "Job" => {
                let image = json!([{"name": "c", "image": format!("app:{}", self.dice.below(1000))}]);
                let spec = json!({"spec": {"template": {"spec": {"containers": image}}}});
                format!("roll {kind} {name}: {}", self.patch(&object, &spec).await)
            }
            5 => {
                let policy = ["Background", "Foreground"][usize::from(self.dice.below(2) == 0)];
                let (code, _) = json(&handle, "DELETE", &object, &json!({"propagationPolicy": policy})).await;
                format!("delete {kind} {name} {policy}: {code}")
            }
            6 => {
                let (_, pods) = json(&handle, "GET", PODS, &Value::Null).await;
                let pods = pods["items"].as_array().unwrap();
                let Some(at) = u64::try_from(pods.len()).ok().filter(|many| *many > 0) else {
                    return;
                };
                let pod = pods[usize::try_from(self.dice.below(at)).unwrap()]["metadata"]["name"].clone();
                let path = format!("{PODS}/{}", pod.as_str().unwrap());
                format!(
                    "delete pod {pod}: {}",
                    json(&handle, "DELETE", &path, &Value::Null).await.0
                )
            }
            7 | 8 => {
                self.stop_amid_work().await;
                "restart".to_owned()
            }
            _ => {
                let span = Duration::from_secs(self.dice.below(40));
                handle.advance(span).await;
                format!("{span:?} go by")
            }
        };
        if std::env::var(SEED).is_ok() {
            let _ = writeln!(std::io::stderr(), "{} {said}", self.clock.now());
        }
        self.done.push(said);
    }

    async fn patch(&self, path: &str, patch: &Value) -> u16 {
        let handle = self.cluster.handle();
        let token = handle.token();
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/merge-patch+json\r\n");
        ask(&handle, "PATCH", path, &headers, &patch.to_string()).await.0
    }

    /// Lets the loops work for a while, stops everything in the midst of it, and starts again.
    async fn stop_amid_work(&mut self) {
        let handle = self.cluster.handle();
        let span = Duration::from_secs(self.dice.below(20));
        let working = tokio::spawn(async move { handle.advance(span).await });
        for _ in 0..self.dice.below(60) {
            tokio::task::yield_now().await;
        }
        working.abort();
        self.restart().await;
    }

    async fn restart(&mut self) {
        let seed = self.dice.below(u64::MAX);
        let options = options(self.folder.path(), &self.clock, seed);
        // In memory for a moment: a folder belongs to one cluster.
        let nothing = Cluster::start(Options::default()).await.unwrap();
        drop(std::mem::replace(&mut self.cluster, nothing));
        self.cluster = Cluster::start(options).await.unwrap();
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let (code, list) = json(&self.cluster.handle(), "GET", path, &Value::Null).await;
        assert_eq!(code, 200);
        list["items"].as_array().unwrap().clone()
    }

    /// Everything that is wrong when nothing more happens.
    async fn faults(&self) -> Vec<String> {
        let pods = self.list(PODS).await;
        let sets = self.list(REPLICA_SETS).await;
        let mut owners = BTreeSet::new();
        let mut faults = Vec::new();
        let mut pods_of: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for pod in &pods {
            pods_of.entry(owner(pod)).or_default().push(pod);
        }
        for set in &sets {
            owners.insert(uid(set));
            let pods = pods_of.remove(&uid(set)).unwrap_or_default();
            pods_of.entry(owner(set)).or_default().extend(pods);
        }
        for (path, kind) in KINDS {
            for object in self.list(path).await {
                owners.insert(uid(&object));
                let pods = pods_of.remove(&uid(&object)).unwrap_or_default();
                let name = &object["metadata"]["name"];
                let wrong = unfinished(kind, &object, &pods).into_iter();
                faults.extend(wrong.map(|fault| format!("{kind} {name}: {fault}\n{}", object["status"])));
            }
        }
        for object in pods.iter().chain(&sets) {
            if !owners.contains(&owner(object)) {
                faults.push(format!("an orphan: {}", object["metadata"]["name"]));
            }
            if object["metadata"].get("deletionTimestamp").is_some() {
                faults.push(format!("still going: {}", object["metadata"]["name"]));
            }
        }
        faults
    }
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn owner(object: &Value) -> String {
    let owner = &object["metadata"]["ownerReferences"][0]["uid"];
    owner.as_str().unwrap_or("nobody").to_owned()
}

/// What a workload lacks.
fn unfinished(kind: &str, object: &Value, pods: &[&Value]) -> Vec<String> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let wanted = match kind {
        "Job" => spec["completions"].as_u64().unwrap(),
        "DaemonSet" => NODES,
        _ => spec["replicas"].as_u64().unwrap(),
    };
    let counts: &[&str] = match kind {
        "Job" => &["succeeded"],
        "DaemonSet" => &["desiredNumberScheduled", "numberReady", "updatedNumberScheduled"],
        _ => &["replicas", "readyReplicas", "updatedReplicas"],
    };
    let mut faults = Vec::new();
    for count in counts {
        let is = status[count].as_u64().unwrap_or(0);
        if is != wanted {
            faults.push(format!("{count} is {is}, not {wanted}"));
        }
    }
    // Whoever deletes a pod that has succeeded gets no other for it.
    let may_be_fewer = kind == "Job" && pods.len() as u64 <= wanted;
    if pods.len() as u64 != wanted && !may_be_fewer {
        faults.push(format!("{} pods, not {wanted}", pods.len()));
    }
    let observed = &status["observedGeneration"];
    if kind != "Job" && *observed != object["metadata"]["generation"] {
        faults.push(format!("generation {observed} was observed at last"));
    }
    if kind != "Job" {
        let image = &spec["template"]["spec"]["containers"][0]["image"];
        let old = pods
            .iter()
            .filter(|pod| pod["spec"]["containers"][0]["image"] != *image);
        faults.extend(old.map(|pod| format!("pod {} is old", pod["metadata"]["name"])));
    }
    if kind == "StatefulSet" {
        let mut names: Vec<_> = pods
            .iter()
            .map(|pod| pod["metadata"]["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        let name = object["metadata"]["name"].as_str().unwrap();
        let expected: Vec<_> = (0..wanted).map(|ordinal| format!("{name}-{ordinal}")).collect();
        if names != expected {
            faults.push(format!("its pods are {names:?}"));
        }
    }
    faults
}

async fn run(seed: u64) {
    let mut story = Story::begin(seed).await;
    for _ in 0..DEEDS {
        story.deed().await;
    }
    story.restart().await;
    // More than any back-off and grace.
    story.cluster.handle().advance(Duration::from_secs(1200)).await;
    let faults = story.faults().await;
    assert!(
        faults.is_empty(),
        "{SEED}={seed}\n{}\n\n{}",
        story.done.join("\n"),
        faults.join("\n")
    );
}

#[tokio::test]
async fn restarts_leave_nothing_undone_and_nothing_behind() {
    if let Ok(seed) = std::env::var(SEED) {
        return run(seed.parse().unwrap()).await;
    }
    let seeds: u64 = std::env::var(SEEDS).map_or(4, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        run(seed).await;
    }
}
