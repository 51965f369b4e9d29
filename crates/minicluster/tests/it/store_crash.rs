//! Kills a writing process again and again, and holds what it acknowledged against what is in the folder.
//!
//! The child says on its standard output what it tries and what was acknowledged. After each kill the parent opens
//! the folder: every acknowledged write is there at its revision; what else is there was tried and not yet
//! acknowledged; revisions have no gaps; the history agrees. `SHIPWAY_STORE_KILLS=200` makes it long.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use minicluster::store::{Event, EventKind, Expected, Handle, Object, Options, Store};

use crate::dice::Dice;
use crate::store_samples::{content, draft, key, resource};

const FOLDER: &str = "SHIPWAY_STORE_CRASH_FOLDER";
const SEED: &str = "SHIPWAY_STORE_CRASH_SEED";
const KILLS: &str = "SHIPWAY_STORE_KILLS";

/// Writers of the child, each with its own objects and one write under way at a time.
const WRITERS: usize = 6;
const OBJECTS: u64 = 5;

/// Snapshots as often as can be, so that kills hit them too.
fn options() -> Options {
    Options {
        snapshot_log_bytes: 60_000,
        ..Options::default()
    }
}

/// What happened or was to happen to an object: `kind name tag`; the tag is different for every write.
fn told(kind: EventKind, name: &str, tag: &str) -> String {
    format!("{kind:?} {name} {tag}")
}

/// The content of an object: its tag and a padding that follows from it, so that half of it can't pass.
fn padded(tag: &str, size: u64) -> String {
    format!(
        "{tag}:{size}:{}",
        "abcdefghij".repeat(usize::try_from(size).unwrap())
    )
}

fn tag(object: &Object) -> String {
    let text = content(object);
    let mut parts = text.splitn(3, ':');
    let (tag, size) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap());
    assert_eq!(text, padded(tag, size), "half an object");
    tag.to_owned()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[test]
fn child_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let store = Store::open(Path::new(&folder), options()).unwrap();
    let handle = store.handle();
    thread::scope(|scope| {
        for writer in 0..WRITERS as u64 {
            let handle = &handle;
            scope.spawn(move || write_until_killed(handle, writer, Dice(seed.wrapping_add(writer))));
        }
    });
}

fn write_until_killed(handle: &Handle, writer: u64, mut dice: Dice) {
    for number in 0u64.. {
        let name = format!("w{writer}-{}", dice.below(OBJECTS));
        let key = key(&format!("pods/a/{name}"));
        let new = format!("{:016x}.{writer}.{number}", dice.0);
        let size = if dice.below(16) == 0 {
            dice.below(40_000)
        } else {
            dice.below(50)
        };
        let text = draft(&padded(&new, size));
        let (kind, tag, ticket) = match handle.get(&key) {
            None => {
                say(&format!("try {}", told(EventKind::Added, &name, &new)));
                (EventKind::Added, new, handle.create(key, text))
            }
            Some(old) if dice.below(4) == 0 => {
                let tag = tag(&old);
                say(&format!("try {}", told(EventKind::Deleted, &name, &tag)));
                (
                    EventKind::Deleted,
                    tag,
                    handle.delete(key, Expected::Revision(old.revision())),
                )
            }
            Some(old) => {
                say(&format!("try {}", told(EventKind::Modified, &name, &new)));
                (
                    EventKind::Modified,
                    new,
                    handle.update(key, Expected::Revision(old.revision()), text),
                )
            }
        };
        let event = ticket.wait().unwrap();
        say(&format!("ack {} {}", event.revision(), told(kind, &name, &tag)));
    }
}

/// Everything known about the folder from outside.
struct Witness {
    revision: u64,
    objects: BTreeMap<String, (u64, String)>,
    cuts: usize,
    snapshots: BTreeSet<u64>,
}

/// What a child said in one life.
#[derive(Default)]
struct Said {
    acknowledged: BTreeMap<u64, String>,
    /// Tried and not acknowledged.
    open: BTreeSet<String>,
}

impl Said {
    fn take(&mut self, line: &str) {
        if let Some(what) = line.strip_prefix("try ") {
            self.open.insert(what.to_owned());
        } else if let Some((revision, what)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' '))
        {
            assert!(self.open.remove(what), "{what} was never tried");
            let twice = self
                .acknowledged
                .insert(revision.parse().unwrap(), what.to_owned());
            assert_eq!(twice, None, "revision {revision} was given twice");
        }
    }
}

fn start(folder: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["store_crash::child_that_is_killed", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Lets a child write, kills it at some point, and tells what it said until then.
fn one_life(folder: &Path, dice: &mut Dice) -> Said {
    let mut child = start(folder, dice.below(u64::MAX));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = Said::default();
    let lines = dice.below(1500);
    let mut line = String::new();
    for _ in 0..lines {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child ended by itself"
        );
        said.take(line.trim_end());
    }
    for _ in 0..dice.below(200_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    // A line without its end was cut by the kill.
    let whole = rest.rfind('\n').map_or("", |end| &rest[..end]);
    whole.lines().for_each(|line| said.take(line));
    said
}

impl Witness {
    /// Opens the folder and compares.
    fn check(&mut self, folder: &Path, said: &Said) {
        let store = Store::open(folder, options()).unwrap();
        let (handle, recovery) = (store.handle(), store.recovery());
        self.cuts += usize::from(recovery.cut.is_some());
        self.snapshots.insert(recovery.history_from);
        let writes = recovery.revision - self.revision;
        let acknowledged = said.acknowledged.len() as u64;
        assert!(
            said.acknowledged
                .keys()
                .all(|at| *at > self.revision && *at <= recovery.revision)
        );
        assert!(
            writes >= acknowledged && writes - acknowledged <= WRITERS as u64,
            "{writes} {acknowledged}"
        );
        for (at, what) in &said.acknowledged {
            let mut words = what.split(' ');
            let (kind, name, tag) = (
                words.next().unwrap(),
                words.next().unwrap(),
                words.next().unwrap(),
            );
            match kind {
                "Deleted" => self.objects.remove(name),
                _ => self.objects.insert(name.to_owned(), (*at, tag.to_owned())),
            };
        }
        let mut next = recovery.history_from + 1;
        let mut watcher = handle
            .watch(&resource("pods"), None, recovery.history_from)
            .unwrap();
        while next <= recovery.revision {
            for event in watcher.try_next().unwrap() {
                assert_eq!(event.revision(), next, "a gap in the history");
                Self::check_event(&event, self.revision, said);
                next += 1;
            }
        }
        self.check_objects(&handle, said);
        self.revision = recovery.revision;
        store.close();
    }

    fn check_event(event: &Event, before: u64, said: &Said) {
        let what = told(event.kind, event.key().name(), &tag(&event.object));
        match said.acknowledged.get(&event.revision()) {
            Some(acknowledged) => assert_eq!(*acknowledged, what),
            // Written and checked in an earlier life.
            None if event.revision() <= before => {}
            None => assert!(said.open.contains(&what), "{what} was never tried"),
        }
    }

    /// Each object is as it was acknowledged, or as a write made it that was still open.
    fn check_objects(&mut self, handle: &Handle, said: &Said) {
        for name in (0..WRITERS as u64).flat_map(|w| (0..OBJECTS).map(move |o| format!("w{w}-{o}"))) {
            let there = handle.get(&key(&format!("pods/a/{name}")));
            let there = there.map(|object| (object.revision(), tag(&object)));
            let known = self.objects.get(&name);
            if there.as_ref() == known {
                continue;
            }
            let open = match (&there, known) {
                (None, Some((_, tag))) => told(EventKind::Deleted, &name, tag),
                (Some((_, tag)), None) => told(EventKind::Added, &name, tag),
                (Some((at, tag)), Some((before, _))) => {
                    assert!(at > before, "{name} went back");
                    told(EventKind::Modified, &name, tag)
                }
                (None, None) => continue,
            };
            assert!(
                said.open.contains(&open),
                "{name} is {there:?} and was acknowledged as {known:?}"
            );
            match there {
                Some(there) => self.objects.insert(name, there),
                None => self.objects.remove(&name),
            };
        }
    }
}

#[test]
fn no_kill_loses_an_acknowledged_write() {
    let kills: usize = std::env::var(KILLS).map_or(20, |kills| kills.parse().unwrap());
    let seed = std::env::var(SEED).map_or_else(
        |_| RandomState::new().build_hasher().finish(),
        |s| s.parse().unwrap(),
    );
    say(&format!("{SEED}={seed}"));
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    let mut witness = Witness {
        revision: 1,
        objects: BTreeMap::new(),
        cuts: 0,
        snapshots: BTreeSet::new(),
    };
    for _ in 0..kills {
        let said = one_life(folder.path(), &mut dice);
        witness.check(folder.path(), &said);
    }
    let Witness {
        revision,
        cuts,
        snapshots,
        ..
    } = witness;
    say(&format!(
        "{kills} kills, {revision} revisions, {} snapshots, {cuts} torn writes",
        snapshots.len()
    ));
}
