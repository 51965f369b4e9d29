//! From a push to its verdict and to staging: a service on the golden path, two stages on two clusters. Pods are simulated, and
//! ready as soon as they are scheduled.
//!
//! `bench_push [PUSHES]`: the hub, both clusters and the controller are in this process; the repository is a folder, and a
//! webhook's word comes with the push.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark for people, which fails loudly"
)]

#[path = "../tests/it/ground.rs"]
#[allow(dead_code)]
mod ground;
#[path = "../../source/tests/it/origin.rs"]
#[allow(dead_code)]
mod origin;

use std::sync::Arc;
use std::time::{Duration, Instant};

use artifact::{Place, Settings, SigningKey, Store, Trusted};
use cluster::{Patch, Write};
use control::{Charts, Options};
use kinds::{Artifact, ChartSource, Object, Phase, Promotion, Verification};
use serde_json::json;
use source::forge::Link;

use ground::Ground;
use origin::{Origin, git};

#[tokio::main]
async fn main() {
    let pushes: usize = std::env::args().nth(1).map_or(10, |count| count.parse().unwrap());
    let (ground, origin) = (Ground::new(&["staging", "production"]).await, Origin::new());
    objects(&ground, &origin).await;
    let controller = ground.run(options(&ground, &origin)).await;
    let mut rows: Vec<[Duration; 6]> = Vec::new();
    for push in 0..=pushes {
        let commit = commit(&origin, push);
        let began = Instant::now();
        say(&ground).await;
        let name = format!("web-{}", &commit[..12]);
        let _: Object<Verification> = ground.until_in("shop", &name, |_| true).await;
        let made = began.elapsed();
        let is_ready = |one: &Object<Verification>| {
            one.status
                .conditions
                .iter()
                .any(|one| one.kind == "Ready" && one.status == "True")
        };
        let done: Object<Verification> = ground.until_in("shop", &name, is_ready).await;
        let ready = began.elapsed();
        assert!(
            done.status
                .findings
                .iter()
                .all(|one| one.severity != kinds::Severity::Error),
            "{:#?}",
            done.status
        );
        let _: Object<Artifact> = ground
            .until_in("shop", &format!("web-0.1.{push}"), |_| true)
            .await;
        let promotion = format!("web-0.1.{push}-staging");
        let begun = |one: &Object<Promotion>| one.status.phase != Phase::Waiting;
        let _: Object<Promotion> = ground.until_in("shop", &promotion, begun).await;
        let begun = began.elapsed();
        let there = |one: &Object<Promotion>| one.status.phase == Phase::Succeeded;
        let _: Object<Promotion> = ground.until_in("shop", &promotion, there).await;
        let there = began.elapsed();
        let told = told(&origin, &commit, began).await;
        // The first one pays for a first fetch and first connections.
        if push > 0 {
            let verified = Duration::from_millis(done.status.took_ms);
            rows.push([made, verified, ready, told, begun, there]);
        }
    }
    let median = |part: usize| {
        let mut times: Vec<Duration> = rows.iter().map(|row| row[part]).collect();
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    println!("a push to the main branch, median of {pushes}: a service, two stages on two clusters");
    println!(
        "  seen: fetched, compared, a Verification made   {:>7.0} ms",
        median(0)
    );
    println!(
        "  of it verified: L1 and L2 for both             {:>7.0} ms",
        median(1)
    );
    println!(
        "  verdict, evidence kept, package published      {:>7.0} ms",
        median(2)
    );
    println!(
        "  told as a note on the commit                   {:>7.0} ms",
        median(3)
    );
    println!(
        "  every gate asked, its promotion to staging begun {:>5.0} ms",
        median(4)
    );
    println!(
        "  in staging: applied, ready, the promotion ended {:>6.0} ms",
        median(5)
    );
    controller.kill().await;
}

/// What a platform team and a team write down.
async fn objects(ground: &Ground, origin: &Origin) {
    let make = async |kind: &str, name: &str, namespace: &str, spec: serde_json::Value| {
        let metadata = json!({"name": name, "namespace": namespace});
        let object = json!({"kind": kind, "metadata": metadata, "spec": spec});
        ground.create(kinds::API_VERSION, object).await;
    };
    let labels = json!({"shipway.dev/tenant": "shop"});
    let namespace = json!({"kind": "Namespace", "metadata": {"name": "shop", "labels": labels}});
    ground.create("v1", namespace).await;
    make(
        "Tenant",
        "shop",
        "",
        json!({"quota": {"cpu": "8", "memory": "16Gi"}}),
    )
    .await;
    make("Stage", "staging", "", json!({"clusters": ["staging"]})).await;
    make(
        "Stage",
        "production",
        "",
        json!({"clusters": ["production"], "after": "staging"}),
    )
    .await;
    make(
        "ChartSource",
        "charts",
        "",
        json!({"url": origin.remote().url(), "interval": "1h"}),
    )
    .await;
    let stages = json!([
        {"name": "staging", "valuesFiles": ["values-staging.yaml"]},
        {"name": "production", "valuesFiles": ["values-production.yaml"]},
    ]);
    let chart = json!({"source": "charts", "path": "web"});
    make(
        "Application",
        "web",
        "shop",
        json!({"chart": chart, "stages": stages}),
    )
    .await;
}

/// The next version of the service.
fn commit(origin: &Origin, push: usize) -> String {
    let answers = golden::Answers::new("web".parse().unwrap(), "shop".parse().unwrap());
    let files = golden::make(golden::latest(), &answers);
    let version = format!("version: 0.1.{push}\n");
    let files: Vec<(String, String)> = files
        .into_iter()
        .map(|(path, text)| {
            let text = match path.as_str() {
                "Chart.yaml" => text.replace("version: 0.1.0\n", &version),
                _ => text,
            };
            (format!("web/{path}"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    origin.commit(&files).to_string()
}

/// What a webhook leaves.
async fn say(ground: &Ground) {
    let kind = ground.hub.kind::<ChartSource>().await.unwrap();
    let at = ground::now().to_string();
    let patch = json!({"metadata": {"annotations": {"shipway.dev/look-again": at}}});
    let done = ground
        .hub
        .cluster()
        .patch(kind.at("", "charts"), Patch::Merge(&patch), Write::default());
    done.await.unwrap();
}

/// When the note of a commit says that it passed.
async fn told(origin: &Origin, commit: &str, began: Instant) -> Duration {
    loop {
        let mut show = tokio::process::Command::new("git");
        show.current_dir(origin.path())
            .args(["notes", "--ref=shipway", "show", commit]);
        let shown = show.output().await.unwrap();
        if String::from_utf8_lossy(&shown.stdout).contains("\"passed\"") {
            return began.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn options(ground: &Ground, origin: &Origin) -> Options {
    let key = Arc::new(SigningKey::from_seed(&[7; 32]));
    let place = Place::Folder(origin.place("store"));
    let charts = Charts {
        cache: origin.place("cache"),
        git: git(),
        link: Link::new(None).unwrap(),
        store: Store::open(place, &Settings::default()).unwrap(),
        trusted: Arc::new(Trusted::new([key.public()])),
        key,
        queue: None,
        sweep: Duration::from_secs(3600),
        look: Duration::from_secs(3600),
    };
    Options {
        charts: Some(charts),
        ..ground.options("bench")
    }
}
