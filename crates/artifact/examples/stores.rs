//! What `cargo xtask stores` runs against S3 and SQS as moto has them, a step a process so that one can be killed.
//!
//! ```text
//! stores publish PLACE QUEUE      promises of a store; upload ─► event ─► hub
//! stores versions PLACE           the versions that the storm is about
//! stores storm PLACE QUEUE N      N events, most of them twice and more, some lost, in any order
//! stores work PLACE QUEUE HUB     works until the queue is empty; is killed, and started again
//! stores check PLACE QUEUE HUB N  sweeps, and looks whether every version is there once
//! stores folder FOLDER            a store in a folder, for helm
//! ```
//!
//! The hub is a folder with a file for each artifact, named by its digest: what server-side apply is to the real one.

#![allow(clippy::print_stdout, reason = "it talks to whoever runs the gate")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use artifact::queue::{Letter, Queue, Sqs, dead};
use artifact::retain::{Needed, Rules, plan};
use artifact::{
    Envelope, Failure, Handler, Name, Pace, Package, Place, Settings, SigningKey, Statement, Store, Trusted,
    Worker,
};
use chart::File;
use chart::package::Overrides;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use model::Diagnose as _;
use serde_json::json;

/// How many versions the storm is about, and which part of them no event tells of.
const VERSIONS: usize = 200;
const LOST: usize = 10;
const DEEPEST: u64 = 300;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["publish", place, queue] => publish(place, queue).await,
        ["versions", place] => versions(place).await,
        ["storm", place, queue, count] => storm(place, queue, count.parse()?).await,
        ["work", place, queue, hub] => work(place, queue, hub).await,
        ["check", place, queue, hub, count] => check(place, queue, hub, count.parse()?).await,
        ["folder", folder] => fill(folder).await,
        _ => bail!("see the head of stores.rs"),
    }
}

fn settings() -> Settings {
    Settings::found(|name| std::env::var(name).ok())
}

fn open(place: &str) -> Result<Store> {
    Ok(Store::open(Place::parse(place)?, &settings())?)
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn package(name: &str, version: &str, content: &str) -> Result<Package> {
    let manifest = format!("{{apiVersion: v2, name: {name}, version: {version}, description: a chart}}");
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {content: {{ .Values.content | quote }}}\n";
    let files = vec![
        File::new("Chart.yaml", manifest.into_bytes()),
        File::new("values.yaml", format!("content: {content}\n").into_bytes()),
        File::new("templates/map.yaml", template.as_bytes().to_vec()),
    ];
    let loaded = chart::load::files(files)?;
    Ok(Package::read(
        chart::package::package(&loaded.chart, &Overrides::default())?.bytes,
    )?)
}

fn signed(package: &Package) -> Envelope {
    Envelope::sign(&Statement::about(package, "gate", Timestamp::now()), &key())
}

async fn put(store: &Store, package: &Package) -> Result<artifact::Published, artifact::Error> {
    store.publish(package, &signed(package), Timestamp::now()).await
}

async fn publish(place: &str, queue: &str) -> Result<()> {
    let store = open(place)?;
    let web = package("web", "1.0.0+7", "first")?;
    ensure!(!put(&store, &web).await?.already, "it is new");
    ensure!(put(&store, &web).await?.already, "the same again is fine");
    let other = put(&store, &package("web", "1.0.0+7", "second")?).await;
    let Err(error) = other else {
        bail!("other content was taken")
    };
    ensure!(error.code().id == "SW0707", "{error}");
    let trusted = Trusted::new([key().public()]);
    let statement = store.statement(&web.name(), &trusted).await?;
    ensure!(
        store.package(&statement).await? == web,
        "what is read is what was written"
    );
    let evidence = store.keep_evidence("events".into()).await?;
    ensure!(
        store.keep_evidence("events".into()).await? == evidence,
        "evidence is kept once"
    );

    // As many who publish at once as there may be: each version has one winner, and the index has them all.
    let rivals: Vec<Package> = (0..24)
        .map(|number| {
            package(
                "api",
                &format!("1.0.{}", number % 8),
                &format!("v{}", number % 16),
            )
        })
        .collect::<Result<_>>()?;
    let began = Instant::now();
    let stores: Vec<Store> = rivals.iter().map(|_| open(place)).collect::<Result<_>>()?;
    let results = join_all(
        stores
            .iter()
            .zip(&rivals)
            .map(|(store, package)| put(store, package)),
    )
    .await;
    let mut won = 0;
    for (package, result) in rivals.iter().zip(results) {
        match result {
            Ok(published) => {
                ensure!(
                    published.statement.digest == package.digest,
                    "another content won"
                );
                published.index?;
                won += 1;
            }
            Err(error) => ensure!(["SW0707", "SW0708"].contains(&error.code().id), "{error}"),
        }
    }
    let indexed = store.rebuild_index().await?;
    ensure!((indexed.added, indexed.unreadable.len()) == (9, 0), "{indexed:?}");
    println!(
        "24 publish 8 versions at once: {won} won, {:.2} s",
        began.elapsed().as_secs_f64()
    );

    retention(&store).await?;
    events(&store, queue).await
}

async fn retention(store: &Store) -> Result<()> {
    let swept = store.sweep().await?;
    let rules = Rules {
        younger_than: SignedDuration::ZERO,
        newest: std::num::NonZeroUsize::MIN,
    };
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    let plan = plan(&swept.stored, &Needed::default(), &rules, later);
    let removed = store.remove(&plan).await?;
    ensure!(
        (removed.versions, removed.evidence, removed.index.removed) == (7, 1, 7),
        "{removed:?}"
    );
    let Err(error) = put(store, &package("api", "1.0.0", "third")?).await else {
        bail!("a name was given twice");
    };
    ensure!(error.code().id == "SW0707", "{error}");
    Ok(())
}

/// What the store itself tells the queue.
async fn events(store: &Store, queue: &str) -> Result<()> {
    let hub = Hub::new(
        store.clone(),
        &std::env::temp_dir().join(format!("stores-hub-{}", std::process::id())),
    )?;
    let queue = Sqs::open(queue, &settings())?;
    let worker = worker(store, &queue, None);
    let (mut received, mut looked) = (0, BTreeSet::new());
    while queue.depth().await?.waiting > 0 {
        let report = worker.turn(&hub).await?;
        ensure!(report.dead.is_empty() && report.given_back == 0, "{report:?}");
        received += report.received;
        looked.extend(hub.names()?);
    }
    let names = store.names().await?;
    let told: BTreeSet<Name> = names
        .iter()
        .filter(|name| looked.contains(*name))
        .cloned()
        .collect();
    println!(
        "upload to hub: {received} messages of the store told of {} of {} versions",
        told.len(),
        names.len()
    );
    fs::remove_dir_all(&hub.folder)?;
    ensure!(
        told == names,
        "events tell of every version: {:?}",
        names.difference(&told)
    );
    Ok(())
}

/// Numbers that a seed decides.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}

async fn versions(place: &str) -> Result<()> {
    let store = open(place)?;
    let began = Instant::now();
    for number in 0..VERSIONS {
        let published = put(&store, &package("web", &format!("1.0.{number}"), "x")?).await?;
        published.index?;
    }
    println!(
        "{VERSIONS} versions published one after the other: {:.0} ms each, index included",
        began.elapsed().as_secs_f64() * 1000.0 / VERSIONS as f64
    );
    Ok(())
}

/// The events of a storm. They are the same each time.
struct Storm {
    letters: Vec<Letter>,
    /// Versions that one tells of.
    told: BTreeSet<Name>,
    /// How many are none.
    nonsense: usize,
}

fn events_of(store: &Store, count: usize) -> Result<Storm> {
    let Place::Bucket { bucket, prefix } = store.place() else {
        bail!("a storm is over a bucket");
    };
    let mut chance = Chance(8);
    let mut letters = Vec::new();
    let mut told = BTreeSet::new();
    let mut nonsense = 0;
    while letters.len() < count {
        let number = chance.below(VERSIONS);
        if number.is_multiple_of(LOST) {
            continue;
        }
        let name = Name::parse(&format!("web-1.0.{number}")).context("a name")?;
        let key = format!("{prefix}/{}", name.statement_key());
        let body = if chance.below(200) == 0 {
            nonsense += 1;
            "{\"what\": \"is this\"}".to_owned()
        } else {
            told.insert(name);
            json!({"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}).to_string()
        };
        letters.push(Letter { body, reason: None });
    }
    Ok(Storm {
        letters,
        told,
        nonsense,
    })
}

async fn storm(place: &str, queue: &str, count: usize) -> Result<()> {
    let Storm {
        letters, nonsense, ..
    } = events_of(&open(place)?, count)?;
    let began = Instant::now();
    let queue = Sqs::open(queue, &settings())?;
    for letters in letters.chunks(100) {
        let refused = queue.send(letters).await?;
        ensure!(refused.is_empty(), "{refused:?}");
        // A queue of moto's gets slower with each message that is in it. The workers are at it meanwhile.
        while queue.depth().await?.waiting > DEEPEST {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    println!(
        "{count} events sent in {:.1} s, {nonsense} of them nonsense",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn worker(store: &Store, queue: &Sqs, dead: Option<Sqs>) -> Worker {
    Worker {
        queue: Arc::new(queue.clone()),
        dead: dead.map(|dead| Arc::new(dead) as Arc<dyn Queue>),
        place: store.place().clone(),
        // Short, so that what a killed worker had comes back while the gate runs.
        pace: Pace {
            wait: Duration::from_secs(1),
            hidden: Duration::from_secs(2),
            backoff: Duration::from_secs(1),
            ..Pace::default()
        },
    }
}

async fn work(place: &str, queue: &str, hub: &str) -> Result<()> {
    let store = open(place)?;
    let hub = Hub::new(store.clone(), Path::new(hub))?;
    let queue = Sqs::open(queue, &settings())?;
    let dead = queue
        .dead_letters()
        .await?
        .context("the queue has dead letters")?;
    let worker = worker(&store, &queue, Some(dead));
    let workers = 4;
    let (mut received, mut troubles) = (0, 0);
    loop {
        for report in join_all((0..workers).map(|_| worker.turn(&hub))).await {
            let report = report?;
            received += report.received;
            troubles += report.troubles.len();
        }
        let depth = queue.depth().await?;
        if depth.waiting + depth.hidden + depth.delayed == 0 {
            break;
        }
    }
    println!("the last worker received {received} messages, {troubles} requests failed");
    Ok(())
}

async fn check(place: &str, queue: &str, hub: &str, count: usize) -> Result<()> {
    let store = open(place)?;
    let hub = Hub::new(store.clone(), Path::new(hub))?;
    let Storm { told, nonsense, .. } = events_of(&store, count)?;
    let known = hub.names()?;
    ensure!(
        known == told,
        "of {} versions that events told of {} are in the hub; missing: {:?}",
        told.len(),
        known.len(),
        told.difference(&known)
    );
    let lost = store.unknown(|name| known.contains(name)).await?;
    ensure!(
        lost.len() == VERSIONS - told.len(),
        "the sweep finds {}",
        lost.len()
    );
    for name in &lost {
        if let Err(failure) = hub.look(name).await {
            bail!("{name}: {failure:?}");
        }
    }
    ensure!(
        hub.names()? == store.names().await?,
        "every version is in the hub"
    );
    let files = fs::read_dir(&hub.folder)?.count();
    ensure!(files == VERSIONS, "{files} artifacts of {VERSIONS} versions");

    let queue = Sqs::open(queue, &settings())?;
    let dead = queue
        .dead_letters()
        .await?
        .context("the queue has dead letters")?;
    let letters = dead::list(&dead).await?;
    let reasons: BTreeSet<_> = letters
        .iter()
        .filter_map(|letter| letter.reason.clone())
        .collect();
    ensure!(
        reasons.len() == 1 && reasons.contains("the message is no notification of a store"),
        "{reasons:?}"
    );
    // A worker that is killed between the two writes of a dead letter makes two of it.
    ensure!(
        letters.len() >= nonsense,
        "{} dead letters of {nonsense}",
        letters.len()
    );
    let one = BTreeSet::from([letters[0].id.clone()]);
    let replayed = dead::replay(&dead, &queue, Some(&one)).await?;
    ensure!(
        replayed.replayed == 1 && replayed.missing.is_empty(),
        "{replayed:?}"
    );
    println!(
        "{VERSIONS} versions in the hub once each, {} of them found by the sweep; {} dead letters of {nonsense}, one replayed",
        lost.len(),
        letters.len()
    );
    Ok(())
}

async fn fill(folder: &str) -> Result<()> {
    let store = open(folder)?;
    for version in ["1.9.0", "1.10.0", "1.10.0+7", "2.0.0-rc.1"] {
        put(&store, &package("web", version, version)?).await?.index?;
    }
    Ok(())
}

/// Artifacts as files.
struct Hub {
    store: Store,
    folder: PathBuf,
}

impl Hub {
    fn new(store: Store, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            store,
            folder: folder.to_owned(),
        })
    }

    fn names(&self) -> Result<BTreeSet<Name>> {
        let read = |entry: std::io::Result<fs::DirEntry>| {
            Name::parse(&fs::read_to_string(entry?.path())?).context("an artifact has a name")
        };
        fs::read_dir(&self.folder)?.map(read).collect()
    }
}

impl Handler for Hub {
    async fn look(&self, name: &Name) -> Result<(), Failure> {
        let trusted = Trusted::new([key().public()]);
        let statement = match self.store.statement(name, &trusted).await {
            Ok(statement) => statement,
            Err(artifact::Error::NotThere { .. }) => return Ok(()),
            Err(error) => return Err(Failure::Passing(error.to_string())),
        };
        let file = self.folder.join(statement.digest.hex());
        fs::write(file, name.as_str()).map_err(|error| Failure::Passing(error.to_string()))
    }
}
