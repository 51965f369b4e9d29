//! What goes wrong while versions are delivered, and what has to hold nevertheless: each is deployed once per stage, none is lost,
//! no approval counts for another plan, and the audit log is whole.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::run::Releases;
use cluster::{Cluster, Files, Limits, Patch, Target, Write};
use control::Options;
use jiff::{SignedDuration, Timestamp};
use kinds::{Object, Phase, Promotion};
use release::storage::Driver;
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::deliveries::{approve, stages};
use crate::ground::now;
use crate::road::{DEPLOYMENT, Road};

/// How the clock of the controllers is off, in seconds.
static OFF: AtomicI64 = AtomicI64::new(0);

/// What is done to the controller.
#[derive(Clone, Copy, Debug)]
enum Fault {
    LeaderLost,
    HubFails,
    ClusterRefuses,
    ClusterHangs,
    EventsDoubledAndLost,
    ClockJumps,
}

const FAULTS: &[Fault] = &[
    Fault::LeaderLost,
    Fault::HubFails,
    Fault::ClusterRefuses,
    Fault::ClusterHangs,
    Fault::EventsDoubledAndLost,
    Fault::ClockJumps,
];

/// How often each is done while one version is delivered; then it has to get through.
const TIMES: usize = 3;

/// What a way does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Pass,
    Refuse,
    Hang,
}

/// A way to a server that can be broken.
struct Way {
    mode: watch::Sender<Mode>,
    kubeconfig: String,
}

impl Way {
    /// The way of a kubeconfig, over another port of this machine.
    async fn of(kubeconfig: &str) -> Self {
        let server = kubeconfig.split("https://127.0.0.1:").nth(1).unwrap();
        let port: String = server.chars().take_while(char::is_ascii_digit).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let upstream = format!("127.0.0.1:{port}");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, upstream.clone(), modes.clone()));
            }
        });
        let kubeconfig = kubeconfig.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{own}"));
        Self { mode, kubeconfig }
    }

    async fn client(&self) -> Cluster {
        let target = Target {
            kubeconfig: Files::Text {
                text: self.kubeconfig.clone(),
                source: "a test".to_owned(),
            },
            limits: Limits {
                first_wait: Duration::from_millis(20),
                ..Limits::default()
            },
            ..Target::default()
        };
        Cluster::connect(target).await.unwrap()
    }

    /// Is broken for a while; connections that there are end.
    async fn broken(&self, mode: Mode, wait: Duration) {
        self.mode.send_replace(mode);
        tokio::time::sleep(wait).await;
        self.mode.send_replace(Mode::Pass);
    }
}

async fn carry(mut stream: TcpStream, upstream: String, mut modes: watch::Receiver<Mode>) {
    let mode = *modes.borrow_and_update();
    let through = async {
        match mode {
            Mode::Pass => {
                if let Ok(mut server) = TcpStream::connect(upstream).await {
                    drop(copy_bidirectional(&mut stream, &mut server).await);
                }
            }
            Mode::Refuse => {}
            Mode::Hang => std::future::pending().await,
        }
    };
    tokio::select! {
        () = through => {}
        _ = modes.changed() => {}
    }
}

/// A road whose controllers reach the hub and staging over ways that can be broken.
struct Broken {
    road: Road,
    hub: Way,
    staging: Way,
    random: u64,
}

impl Broken {
    async fn new(seed: u64) -> Self {
        let road = Road::with(&["staging", "production"], &stages("60s")).await;
        let kubeconfig = |server: &minicluster::server::Cluster| server.handle().kubeconfig().unwrap();
        let hub = Way::of(&kubeconfig(&road.ground.server.server)).await;
        let staging = Way::of(&kubeconfig(&road.ground.targets[0].server)).await;
        let client = road.ground.hub.cluster();
        let secrets = client.resource("v1", "Secret").await.unwrap().unwrap();
        let patch = json!({"data": {"kubeconfig": STANDARD.encode(&staging.kubeconfig)}});
        let at = secrets.at("shipway-system", "staging");
        client
            .patch(at, Patch::Merge(&patch), Write::default())
            .await
            .unwrap();
        Self {
            road,
            hub,
            staging,
            random: seed,
        }
    }

    async fn options(&self, identity: &str) -> Options {
        Options {
            hub: self.hub.client().await,
            clock,
            ..self.road.options(identity)
        }
    }

    /// A time between two, in milliseconds; the same for the same seed.
    fn wait(&mut self, from: u64, to: u64) -> Duration {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(from + (self.random >> 33) % (to - from))
    }

    /// Does to the controllers what a fault says, a few times.
    async fn strike(&mut self, fault: Fault, promotion: &str) {
        for _ in 0..TIMES {
            let (wait, pause) = (self.wait(50, 300), self.wait(20, 300));
            match fault {
                Fault::LeaderLost => self.road.ground.forget_leader().await,
                Fault::HubFails => self.hub.broken(Mode::Refuse, wait).await,
                Fault::ClusterRefuses => self.staging.broken(Mode::Refuse, wait * 2).await,
                Fault::ClusterHangs => self.staging.broken(Mode::Hang, wait * 2).await,
                Fault::EventsDoubledAndLost => {
                    self.touch(promotion).await;
                    self.hub.broken(Mode::Refuse, Duration::from_millis(1)).await;
                }
                Fault::ClockJumps => {
                    let hours = i64::try_from(self.wait(0, 5).as_millis()).unwrap() - 2;
                    OFF.store(hours * 3600, Ordering::Relaxed);
                }
            }
            tokio::time::sleep(pause).await;
        }
        OFF.store(0, Ordering::Relaxed);
    }

    /// Events about nothing.
    async fn touch(&self, promotion: &str) {
        let client = self.road.ground.hub.cluster();
        for (kind, name) in [("Promotion", promotion), ("Application", "web")] {
            let kind = client.resource(kinds::API_VERSION, kind).await.unwrap().unwrap();
            for _ in 0..3 {
                let patch = json!({"metadata": {"annotations": {"touched": now().to_string()}}});
                let at = kind.at("shop", name);
                // It may not be there yet.
                drop(client.patch(at, Patch::Merge(&patch), Write::default()).await);
            }
        }
    }

    /// How often a version was applied in a cluster, as the release's history has it.
    async fn applied(&self, cluster: usize, artifact: &str) -> usize {
        let client = &self.road.ground.targets[cluster].client;
        let read = Releases::read(client, Some("shop"), Driver::Secret, "name=web").await;
        let word = format!("apply {artifact},");
        let records = read.unwrap().records;
        records
            .iter()
            .filter(|one| one.info.description.starts_with(&word))
            .count()
    }
}

fn clock() -> Timestamp {
    now() + SignedDuration::from_secs(OFF.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_is_deployed_once_whatever_goes_wrong() {
    let seed = 0x0009;
    let mut broken = Broken::new(seed).await;
    broken.road.release("1.0.0", DEPLOYMENT, "hello");
    let one = broken.road.ground.run(broken.options("one").await).await;
    let two = broken.road.ground.run(broken.options("two").await).await;
    broken.road.promotion("web-1.0.0-staging", Phase::Succeeded).await;
    let mut table = vec!["fault                  staging  production".to_owned()];
    for (number, fault) in FAULTS.iter().enumerate() {
        let version = format!("1.1.{number}");
        let artifact = format!("web-{version}");
        broken
            .road
            .publish(&version, DEPLOYMENT, &format!("hello-{number}"))
            .await;
        let name = format!("{artifact}-staging");
        broken.strike(*fault, &name).await;
        broken.road.promotion(&name, Phase::Succeeded).await;
        let name = broken.road.ask(&artifact, "production").await;
        broken.strike(*fault, &name).await;
        let shown = |one: &Object<Promotion>| {
            let status = &one.status;
            !status.plan_digest.is_empty()
                && status
                    .gates
                    .iter()
                    .any(|gate| gate.name == "approvals" && !gate.open)
        };
        let shown = broken.road.ground.until_in("shop", &name, shown).await;
        approve(&broken.road, &shown).await;
        broken.strike(*fault, &name).await;
        let done = broken.road.promotion(&name, Phase::Succeeded).await;
        assert_eq!(done.status.approvals.len(), 1);
        assert_eq!(done.status.approvals[0].plan_digest, shown.status.plan_digest);
        let applied = [
            broken.applied(0, &artifact).await,
            broken.applied(1, &artifact).await,
        ];
        table.push(format!(
            "{:22} {} times  {} times",
            format!("{fault:?}"),
            applied[0],
            applied[1]
        ));
        assert_eq!(applied, [1, 1], "{fault:?}, seed {seed:#x}");
    }
    println!("seed {seed:#x}\n{}", table.join("\n"));
    one.stop().await;
    two.stop().await;
    let promotions = broken.road.ground.hub.list::<Promotion>().await.unwrap();
    assert_eq!(promotions.len(), 1 + 2 * FAULTS.len());
    let audit = control::AuditLog::open(broken.road.ground.hub.clone(), "shipway-system").0;
    let head = audit.verify().await.unwrap().unwrap();
    let lines = audit.lines(1, 1000).await.unwrap();
    assert_eq!(head.number, lines.len() as u64);
    let of = |line: &String| -> Value { serde_json::from_str(line).unwrap() };
    for promotion in promotions {
        let begun = format!("begin promotion shop/{}", promotion.metadata.name);
        assert!(
            lines.iter().any(|line| of(line)["what"] == begun.as_str()),
            "{begun}"
        );
    }
}
