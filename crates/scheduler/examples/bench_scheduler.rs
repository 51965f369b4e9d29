//! Measures decisions: `cargo run --release -p scheduler --example bench_scheduler [NODES] [PODS]`.
//!
//! Pods of 500 templates (five kinds of rules, each template behind a service) arrive and are bound as an engine
//! does it; then a node fails. The figures are for people; nothing fails for being slow.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use objects::control::{Action, Loop};
use objects::{Change, Key, Kind, World};
use scheduler::Scheduler;
use serde_json::{Value, json};

const TEMPLATES: usize = 500;
const ZONES: usize = 3;

struct Bench {
    world: World,
    scheduler: Scheduler,
    keys: Vec<Key>,
    touched: Duration,
    decided: Duration,
    decisions: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: usize| arguments.next().map_or(Ok(usual), |text| text.parse());
    let (nodes, pods) = (number(1_000)?, number(50_000)?);
    let mut out = std::io::stdout();
    for kind in ["plain", "service", "zones", "apart", "mixed"] {
        let mut bench = Bench::new(nodes, kind == "service" || kind == "mixed");
        let start = Instant::now();
        bench.fill(pods, kind);
        let bound = pods - bench.scheduler.waiting();
        writeln!(
            out,
            "{kind:8} {bound:6} of {pods} pods on {nodes} nodes: {:6.1} µs a decision, {:5.1} µs a change, {:5.2} s in all",
            micros(bench.decided, bench.decisions),
            micros(bench.touched, u32::try_from(2 * pods)?),
            start.elapsed().as_secs_f64(),
        )?;
        bench.fail(&mut out)?;
    }
    Ok(())
}

impl Bench {
    fn new(nodes: usize, services: bool) -> Self {
        let mut bench = Self {
            world: World::default(),
            scheduler: Scheduler::new(1),
            keys: Vec::new(),
            touched: Duration::ZERO,
            decided: Duration::ZERO,
            decisions: 0,
        };
        for number in 0..nodes {
            bench.put(Kind::NODE, node(number));
        }
        for number in 0..if services { TEMPLATES } else { 0 } {
            let service = json!({
                "metadata": {"name": format!("s{number}"), "namespace": format!("n{}", number % 10)},
                "spec": {"selector": {"app": format!("a{number}")}},
            });
            bench.put(Kind::SERVICE, service);
        }
        bench.touched = Duration::ZERO;
        bench
    }

    fn fill(&mut self, pods: usize, kind: &str) {
        for number in 0..pods {
            self.put(Kind::POD, pod(number, kind));
        }
        self.settle();
    }

    /// A node fails and its pods come back under other names.
    fn fail(&mut self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let gone: Vec<_> = self
            .world
            .on_node("node-0")
            .map(|pod| Value::clone(pod))
            .collect();
        (self.decisions, self.decided, self.touched) = (0, Duration::ZERO, Duration::ZERO);
        self.remove(&Key::new(Kind::NODE, "", "node-0"));
        for mut pod in gone {
            self.remove(&Key::of(Kind::POD, &pod));
            let name = format!("again-{}", pod["metadata"]["name"].as_str().unwrap_or_default());
            pod["metadata"]["name"] = json!(name);
            pod["metadata"]["uid"] = json!(name);
            pod["spec"]["nodeName"] = Value::Null;
            self.put(Kind::POD, pod);
        }
        self.settle();
        let spent = self.decided + self.touched;
        writeln!(
            out,
            "         a node fails: {} decisions, {:.1} ms",
            self.decisions,
            spent.as_secs_f64() * 1e3
        )?;
        Ok(())
    }

    fn settle(&mut self) {
        let mut queue = std::collections::VecDeque::from(std::mem::take(&mut self.keys));
        while let Some(key) = queue.pop_front() {
            let start = Instant::now();
            let plan = self.scheduler.decide(&self.world, &key, Timestamp::UNIX_EPOCH);
            self.decided += start.elapsed();
            self.decisions += 1;
            for action in plan.actions {
                if let Action::Bind { pod, node, .. } = action
                    && let Some(object) = self.world.get(&pod)
                {
                    let mut object = Value::clone(object);
                    object["spec"]["nodeName"] = json!(node);
                    self.put(Kind::POD, object);
                }
            }
            if plan.again == Some(Timestamp::UNIX_EPOCH) {
                queue.push_back(key);
            }
            queue.extend(self.keys.drain(..));
        }
    }

    fn put(&mut self, kind: Kind, object: Value) {
        let key = Key::of(kind, &object);
        let old = self.world.put(&key, object);
        self.tell(&key, old.as_deref());
    }

    fn remove(&mut self, key: &Key) {
        let old = self.world.remove(key);
        self.tell(key, old.as_deref());
    }

    fn tell(&mut self, key: &Key, old: Option<&Value>) {
        let new = self.world.get(key).cloned();
        let change = Change {
            key,
            old,
            new: new.as_deref(),
        };
        let start = Instant::now();
        self.scheduler.touched(&self.world, &change, &mut self.keys);
        self.touched += start.elapsed();
    }
}

fn micros(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(count.max(1))
}

fn node(number: usize) -> Value {
    let name = format!("node-{number}");
    json!({
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name,
            "topology.kubernetes.io/zone": format!("zone-{}", number % ZONES),
        }},
        "status": {"allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"}},
    })
}

fn pod(number: usize, kind: &str) -> Value {
    let template = number % TEMPLATES;
    let app = format!("a{template}");
    let terms =
        json!([{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]);
    let kind = match (kind, template % 3) {
        ("mixed", 0) => "zones",
        ("mixed", 1) => "apart",
        (kind, _) => kind,
    };
    let mut pod = json!({
        "metadata": {
            "name": format!("p{number}"),
            "namespace": format!("n{}", template % 10),
            "uid": format!("u{number}"),
            "labels": {"app": app, "pod-template-hash": "5d8f9c"},
        },
        "spec": {
            "schedulerName": "default-scheduler",
            "containers": [{
                "name": "c",
                "image": "registry.example/app:1",
                "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
            }],
        },
        "status": {"phase": "Pending"},
    });
    match kind {
        "zones" => {
            pod["spec"]["topologySpreadConstraints"] = json!([{
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": app}},
            }]);
        }
        "apart" => {
            pod["spec"]["affinity"] =
                json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
        }
        _ => {}
    }
    pod
}
