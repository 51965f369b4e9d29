//! A worker under everything that a queue and a machine can do to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use artifact::queue::{BATCH, Letter, Message, Queue, dead};
use artifact::{Error, Failure, Handler, Name, Pace, Place, Store, Trusted, Worker};
use model::Digest;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::made::{key, package, publish, store};
use crate::memory::{Chance, Memory};

/// The bucket that the events are about. What it has lies in a folder.
fn place() -> Place {
    Place::parse("s3://charts/prod").expect("a place")
}

fn event(name: &Name) -> String {
    let key = format!("prod/{}", name.statement_key()).replace('+', "%2B");
    json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "charts"}, "object": {"key": key}}}]})
        .to_string()
}

fn letter(body: impl Into<String>) -> Letter {
    Letter {
        body: body.into(),
        reason: None,
    }
}

async fn send(queue: &Memory, bodies: impl IntoIterator<Item = String>) {
    let letters: Vec<Letter> = bodies.into_iter().map(letter).collect();
    for letters in letters.chunks(BATCH) {
        queue.send(letters).await.expect("sends");
    }
}

/// What a hub would have: artifacts by digest.
struct Hub {
    store: Store,
    trusted: Trusted,
    artifacts: Mutex<BTreeMap<Digest, Name>>,
    looked: AtomicUsize,
    chance: Mutex<Chance>,
}

impl Hub {
    fn new(store: Store, seed: u64) -> Self {
        Self {
            store,
            trusted: Trusted::new([key(1).public()]),
            artifacts: Mutex::default(),
            looked: AtomicUsize::new(0),
            chance: Mutex::new(Chance(seed)),
        }
    }

    fn chance(&self, percent: usize) -> bool {
        self.chance.lock().expect("no holder panics").percent(percent)
    }

    fn has(&self, name: &Name) -> bool {
        let artifacts = self.artifacts.lock().expect("no holder panics");
        artifacts.values().any(|known| known == name)
    }
}

impl Handler for Hub {
    async fn look(&self, name: &Name) -> Result<(), Failure> {
        self.looked.fetch_add(1, Ordering::Relaxed);
        let statement = match self.store.statement(name, &self.trusted).await {
            Ok(statement) => statement,
            Err(Error::NotThere { .. }) => return Ok(()),
            Err(error @ Error::Store { .. }) => return Err(Failure::Passing(error.to_string())),
            Err(error) => return Err(Failure::Stays(error.to_string())),
        };
        // The hub takes a while, and now and then it is not there.
        let took = if self.chance(2) { 90_000 } else { 20 };
        sleep(Duration::from_millis(took)).await;
        if self.chance(5) {
            return Err(Failure::Passing("the hub does not answer".into()));
        }
        let mut artifacts = self.artifacts.lock().expect("no holder panics");
        let before = artifacts.insert(statement.digest, name.clone());
        assert!(
            before.is_none_or(|before| before == *name),
            "a digest is one version"
        );
        Ok(())
    }
}

fn worker(queue: &Memory, dead: Option<&Memory>) -> Worker {
    Worker {
        queue: Arc::new(queue.clone()),
        dead: dead.map(|dead| Arc::new(dead.clone()) as Arc<dyn Queue>),
        place: place(),
        pace: Pace::default(),
    }
}

/// 10,000 notifications of 500 versions: some lost, some twice, in any order; three workers that are killed again and
/// again. Every version is in the hub once.
#[tokio::test(start_paused = true)]
async fn every_version_arrives_once_whatever_happens() {
    let seed = 8;
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let packages: Vec<_> = (0..500)
        .map(|number| package("web", &format!("1.0.{number}+7"), &format!("a: {number}")))
        .collect();
    for (number, package) in packages.iter().enumerate() {
        // The index is another matter, and reads everything each time.
        let path = folder.path().join(package.name().statement_key());
        if number == 0 {
            publish(&store, package).await.expect("publishes");
        } else {
            let envelope = crate::made::envelope(package, crate::made::after(0));
            std::fs::write(path, envelope.to_json()).expect("writes");
        }
    }
    let lost: BTreeSet<usize> = (0..50).map(|_| chance.below(500)).collect();
    let mut events = Vec::new();
    while events.len() < 10_000 {
        let number = chance.below(500);
        match chance.below(100) {
            _ if lost.contains(&number) => {}
            0 => events.push("{\"what\": \"is this\"}".to_owned()),
            1 => events.push(json!({"Event": "s3:TestEvent"}).to_string()),
            2 => events.push(event(&Name::parse("web-9.9.9").expect("a name"))),
            _ => events.push(event(&packages[number].name())),
        }
    }
    let unknown = events.iter().filter(|body| body.contains("what")).count();
    let (queue, dead) = (Memory::new(seed).with_again(1), Memory::new(seed));
    send(&queue, events).await;
    let hub = Hub::new(store.clone(), seed);
    let worker = worker(&queue, Some(&dead));

    let mut killed = 0;
    let began = Instant::now();
    while queue.len() > 0 {
        let answers = |told: Result<&artifact::Report, &Error>| {
            told.expect("the queue in memory does not fail");
        };
        let work = async |worker: &Worker| worker.run(&hub, answers).await;
        let life = Duration::from_millis(chance.next() % 40_000);
        tokio::select! {
            () = work(&worker) => {}
            () = work(&worker) => {}
            () = work(&worker) => {}
            () = sleep(life) => killed += 1,
        }
        assert!(
            began.elapsed() < Duration::from_secs(1_000_000),
            "it comes to an end"
        );
    }
    let missing = store.unknown(|name| hub.has(name)).await.expect("lists");
    assert!(
        missing.len() >= lost.len(),
        "what was lost was not found by events"
    );
    for name in &missing {
        while hub.look(name).await.is_err() {}
    }
    let artifacts = hub.artifacts.lock().expect("no holder panics").clone();
    let expected: BTreeMap<_, _> = packages
        .iter()
        .map(|package| (package.digest, package.name()))
        .collect();
    assert_eq!(artifacts, expected);
    let (delivered, twice) = queue.delivered();
    assert!(twice > 0 && killed > 20, "{twice} came twice, {killed} kills");
    assert!(delivered > 10_000, "{delivered} deliveries");
    let letters = dead::list(&dead).await.expect("lists");
    let unreadable =
        |letter: &&Message| letter.reason.as_deref() == Some("the message is no notification of a store");
    // A kill between the two writes of a dead letter makes two of it.
    let ids: Vec<_> = letters.iter().filter(unreadable).collect();
    assert!(
        ids.len() >= unknown && dead.len() < unknown * 2,
        "{} dead letters of {unknown}",
        dead.len()
    );
}

/// Looks by a table: names that pass, names that stay.
struct Table {
    passing: &'static str,
    stays: &'static str,
    takes: Duration,
}

impl Handler for Table {
    async fn look(&self, name: &Name) -> Result<(), Failure> {
        sleep(self.takes).await;
        match name.as_str() {
            name if name == self.passing => Err(Failure::Passing("the hub is away".into())),
            name if name == self.stays => Err(Failure::Stays("it is not signed".into())),
            _ => Ok(()),
        }
    }
}

const TABLE: Table = Table {
    passing: "away-1.0.0",
    stays: "bad-1.0.0",
    takes: Duration::from_millis(10),
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

#[tokio::test(start_paused = true)]
async fn what_fails_comes_back_later_and_later_and_is_buried() {
    let (queue, dead) = (Memory::new(1), Memory::new(2));
    send(&queue, [event(&name("away-1.0.0"))]).await;
    let worker = worker(&queue, Some(&dead));
    let mut times = Vec::new();
    let began = Instant::now();
    while queue.len() > 0 {
        let report = worker.turn(&TABLE).await.expect("the queue answers");
        if report.received > 0 {
            times.push(began.elapsed().as_secs());
        }
    }
    assert_eq!(times, [0, 15, 45, 105, 225, 465, 945, 1845]);
    let letters = dead::list(&dead).await.expect("lists");
    assert_eq!(
        letters[0].reason.as_deref(),
        Some("failed 8 times, the last time: the hub is away")
    );
    assert_eq!(letters[0].body, event(&name("away-1.0.0")));
}

#[tokio::test(start_paused = true)]
async fn what_stays_wrong_is_buried_at_once_and_can_be_replayed() {
    let (queue, dead) = (Memory::new(1), Memory::new(2));
    send(
        &queue,
        [
            event(&name("bad-1.0.0")),
            "?".to_owned(),
            event(&name("web-1.0.0")),
        ],
    )
    .await;
    let worker = worker(&queue, Some(&dead));
    while queue.len() > 0 {
        worker.turn(&TABLE).await.expect("the queue answers");
    }
    let letters = dead::list(&dead).await.expect("lists");
    let mut reasons: Vec<_> = letters
        .iter()
        .filter_map(|letter| letter.reason.as_deref())
        .collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            "it is not signed",
            "the message is no JSON: expected value at line 1 column 1"
        ]
    );
    assert_eq!(
        dead::list(&dead).await.expect("lists").len(),
        2,
        "listing takes nothing"
    );

    let signed = letters
        .iter()
        .find(|letter| letter.reason.as_deref() == Some("it is not signed"));
    let only = BTreeSet::from([signed.expect("a letter").id.clone(), "none".to_owned()]);
    let replayed = dead::replay(&dead, &queue, Some(&only)).await.expect("replays");
    assert_eq!((replayed.replayed, replayed.missing.len()), (1, 1));
    assert_eq!((queue.len(), dead.len()), (1, 1));
    let replayed = dead::replay(&dead, &queue, None).await.expect("replays");
    assert_eq!((replayed.replayed, queue.len(), dead.len()), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_place_for_dead_letters_the_queues_own_rule_takes_them() {
    let dead = Memory::new(2);
    let queue = Memory::new(1).with_redrive(3, dead.clone());
    send(&queue, ["?".to_owned()]).await;
    let worker = worker(&queue, None);
    while queue.len() > 0 {
        worker.turn(&TABLE).await.expect("the queue answers");
    }
    assert_eq!(dead.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_while_its_name_is_looked_at() {
    let queue = Memory::new(4);
    send(&queue, [event(&name("slow-1.0.0"))]).await;
    let slow = Table {
        takes: Duration::from_secs(200),
        ..TABLE
    };
    let worker = worker(&queue, None);
    let report = worker.turn(&slow).await.expect("the queue answers");
    assert_eq!((report.done, report.troubles.len(), queue.len()), (1, 0, 0));
    assert_eq!(queue.delivered().0, 1);
}

#[tokio::test(start_paused = true)]
async fn looking_for_too_long_has_failed() {
    let (queue, dead) = (Memory::new(1), Memory::new(2));
    send(&queue, [event(&name("stuck-1.0.0"))]).await;
    let stuck = Table {
        takes: Duration::from_secs(1_000_000),
        ..TABLE
    };
    let report = worker(&queue, Some(&dead))
        .turn(&stuck)
        .await
        .expect("the queue answers");
    assert_eq!((report.given_back, queue.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_at_once_however_many_messages_have_it() {
    let queue = Memory::new(3);
    send(&queue, (0..BATCH).map(|_| event(&name("web-1.0.0")))).await;
    let report = worker(&queue, None)
        .turn(&TABLE)
        .await
        .expect("the queue answers");
    assert_eq!((report.looked, report.done), (1, report.received));
    assert!(report.received > 1);
}
