//! The durable store across starts: what must be there, what is cut off, what is refused, and a disk that is full.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use minicluster::store::{Error, Expected, Handle, Options, Query, Store, Ticket};
use tempfile::TempDir;

use crate::store_samples::{content, draft, key, list, names, resource, told};

const FILE_HEADER: usize = 28;
const FRAME_HEADER: usize = 24;

fn open(path: &Path) -> Store {
    Store::open(path, Options::default()).unwrap()
}

fn contents(handle: &Handle) -> Vec<String> {
    names(&list(handle, "pods", &Query::default()))
}

/// A folder with `count` frames, each the creation of one object.
fn written(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..count {
        store
            .handle()
            .create(key(&format!("pods/a/{number}")), draft("x"))
            .wait()
            .unwrap();
    }
    store.close();
    folder
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("log-00000000000000000002")
}

/// Where the frames of a log begin, and where the last one ends.
fn frames(log: &[u8]) -> Vec<usize> {
    let mut starts = vec![FILE_HEADER];
    let mut at = FILE_HEADER;
    while let Some(length) = log.get(at + 4..at + 8) {
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        if length == 0 {
            break;
        }
        at += FRAME_HEADER + length;
        starts.push(at);
    }
    starts
}

/// Starts a store on one log with these bytes.
fn start_with(log: &[u8]) -> (TempDir, Result<Store, Error>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(log_of(folder.path()), log).unwrap();
    let store = Store::open(folder.path(), Options::default());
    (folder, store)
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let handle = store.handle();
    handle.create(key("pods/a/x"), draft("1")).wait().unwrap();
    handle
        .update(key("pods/a/x"), Expected::Revision(2), draft("2"))
        .wait()
        .unwrap();
    handle.create(key("nodes/n"), draft("é")).wait().unwrap();
    handle.create(key("pods/a/y"), draft("1")).wait().unwrap();
    handle.delete(key("pods/a/y"), Expected::Any).wait().unwrap();
    let before = handle.get(&key("pods/a/x")).unwrap();
    store.close();

    let store = open(folder.path());
    let handle = store.handle();
    assert_eq!((store.recovery().revision, store.recovery().replayed), (6, 5));
    assert_eq!(store.recovery().cut, None);
    assert_eq!(handle.get(&key("pods/a/x")).unwrap().json(), before.json());
    assert_eq!(content(&handle.get(&key("nodes/n")).unwrap()), "é");
    let events = handle.watch(&resource("pods"), None, 1).unwrap().wait().unwrap();
    assert_eq!(told(&events), ["2 +x=1", "3 ~x=2", "5 +y=1", "6 -y=1"]);
    assert_eq!(
        handle
            .create(key("pods/a/y"), draft("1"))
            .wait()
            .unwrap()
            .revision(),
        7
    );
}

#[test]
fn many_writers_share_a_sync_and_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let handle = store.handle();
    let tickets: Vec<_> = (0..500)
        .map(|number| {
            handle.create(
                key(&format!("pods/a/{}", number % 250)),
                draft(&number.to_string()),
            )
        })
        .collect();
    let outcomes: Vec<_> = tickets.into_iter().map(Ticket::wait).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 250);
    assert!(
        outcomes[250..]
            .iter()
            .all(|outcome| matches!(outcome, Err(Error::Exists { .. })))
    );
    assert_eq!(handle.revision(), 251);
    let update = handle.update(key("pods/a/0"), Expected::Any, draft("new"));
    let delete = handle.delete(key("pods/a/0"), Expected::Any);
    let create = handle.create(key("pods/a/0"), draft("again"));
    for ticket in [update, delete, create] {
        ticket.wait().unwrap();
    }
    assert_eq!(content(&handle.get(&key("pods/a/0")).unwrap()), "again");
    drop(store);
    assert!(matches!(
        handle.create(key("pods/a/z"), draft("")).wait(),
        Err(Error::Closed)
    ));
}

#[test]
fn one_folder_has_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let second = Store::open(folder.path(), Options::default()).unwrap_err();
    assert!(matches!(second, Error::InUse { .. }));
    assert!(
        second.to_string().ends_with("is in use by another process"),
        "{second}"
    );
    store.close();
    open(folder.path()).close();
}

#[test]
fn snapshots_replace_logs() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        snapshot_log_bytes: 20_000,
        ..Options::default()
    };
    let mut expected = Vec::new();
    for round in 0..4 {
        let store = Store::open(folder.path(), options.clone()).unwrap();
        let handle = store.handle();
        assert_eq!(contents(&handle), expected);
        for number in 0..100 {
            let text = format!("{round}-{number}-{}", "x".repeat(300));
            let _ = handle
                .create(key(&format!("pods/a/{}", number % 10)), draft(&text))
                .wait();
            handle
                .update(
                    key(&format!("pods/a/{}", number % 10)),
                    Expected::Any,
                    draft(&text),
                )
                .wait()
                .unwrap();
        }
        expected = contents(&handle);
        assert!(handle.stats().snapshot_failure.is_none());
        store.close();
        let mut files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        files.sort();
        assert!(files.len() <= 4, "{files:?}");
    }
    let store = Store::open(folder.path(), options).unwrap();
    let history_from = store.recovery().history_from;
    assert!(history_from > 1);
    assert!(
        store
            .handle()
            .watch(&resource("pods"), None, history_from - 1)
            .is_err()
    );
    assert!(
        store
            .handle()
            .watch(&resource("nodes"), None, history_from - 1)
            .is_err()
    );
    assert!(
        store
            .handle()
            .watch(&resource("pods"), None, history_from)
            .is_ok()
    );
}

#[test]
fn a_log_cut_anywhere_gives_the_writes_before_the_cut() {
    let folder = written(4);
    let log = fs::read(log_of(folder.path())).unwrap();
    let frames = frames(&log);
    assert_eq!(frames.len(), 5);
    let end = *frames.last().unwrap();
    let mut cuts: Vec<_> = (FILE_HEADER..end).step_by(17).collect();
    cuts.extend(&frames);
    for (index, cut) in cuts.into_iter().enumerate() {
        let whole = frames[1..].iter().filter(|end| **end <= cut).count();
        let torn = cut - frames[whole];
        let mut bytes = log[..cut].to_vec();
        // Either a short file or one that was extended with zeros before.
        bytes.resize(cut + [0, 5000][index % 2], 0);
        let (folder, store) = start_with(&bytes);
        let store = store.unwrap();
        assert_eq!(store.recovery().revision, 1 + whole as u64, "cut at {cut}");
        assert_eq!(contents(&store.handle()).len(), whole);
        assert_eq!(store.recovery().cut.is_some(), torn > 0, "cut at {cut}");
        store
            .handle()
            .create(key("pods/a/new"), draft(""))
            .wait()
            .unwrap();
        store.close();
        assert_eq!(contents(&open(folder.path()).handle()).len(), whole + 1);
    }
}

#[test]
fn damage_in_the_middle_is_refused_with_place_and_cure() {
    let folder = written(4);
    let log = fs::read(log_of(folder.path())).unwrap();
    let frames = frames(&log);
    for at in (0..frames[3]).step_by(11) {
        let mut bytes = log.clone();
        bytes[at] ^= 0x10;
        let (folder, store) = start_with(&bytes);
        let error = store.unwrap_err();
        let Error::Corrupt {
            file,
            offset,
            last_good,
            ..
        } = &error
        else {
            panic!("{at}: {error}")
        };
        let frame = frames.iter().rposition(|start| *start <= at);
        assert_eq!(*offset, frame.map_or(0, |frame| frames[frame]) as u64, "{at}");
        assert_eq!(*last_good, frame.map_or(1, |frame| 1 + frame as u64));
        assert!(
            error
                .to_string()
                .contains(&log_of(folder.path()).display().to_string())
        );
        assert!(error.hint().unwrap().contains("truncate -s"), "{error:?}");
        assert_eq!(fs::read(file).unwrap(), bytes, "a refused start changes nothing");
    }
    let mut zeroed = log.clone();
    zeroed[frames[1]..frames[2]].fill(0);
    let error = start_with(&zeroed).1.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(&format!("is damaged at byte {}: a frame is missing", frames[1]))
    );
    let mut swapped = log[..frames[1]].to_vec();
    swapped.extend_from_slice(&log[frames[2]..]);
    assert!(matches!(start_with(&swapped).1, Err(Error::Corrupt { .. })));
}

#[test]
fn the_named_cure_of_damage_works() {
    let folder = written(4);
    let path = log_of(folder.path());
    let mut log = fs::read(&path).unwrap();
    let damaged = frames(&log)[2];
    log[damaged + 40] ^= 1;
    fs::write(&path, &log).unwrap();
    let error = Store::open(folder.path(), Options::default()).unwrap_err();
    let Error::Corrupt { file, offset, .. } = error else {
        panic!("{error}")
    };
    fs::OpenOptions::new()
        .write(true)
        .open(file)
        .unwrap()
        .set_len(offset)
        .unwrap();
    assert_eq!(contents(&open(folder.path()).handle()), ["0=x", "1=x"]);
}

#[test]
fn a_log_inside_an_object_is_not_taken_for_the_log() {
    let folder = written(3);
    let inner = fs::read(log_of(folder.path())).unwrap();
    let inner = &inner[..*frames(&inner).last().unwrap()];
    let folder = written(1);
    let path = log_of(folder.path());
    let mut log = fs::read(&path).unwrap();
    log.truncate(frames(&log)[1]);
    log.extend_from_slice(&inner[FILE_HEADER..]);
    let (_folder, store) = start_with(&log);
    assert_eq!(
        store.unwrap().recovery().cut.as_ref().unwrap().bytes,
        (inner.len() - FILE_HEADER) as u64
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        snapshot_log_bytes: 1,
        ..Options::default()
    };
    let store = Store::open(folder.path(), options).unwrap();
    store.handle().create(key("pods/a/x"), draft("1")).wait().unwrap();
    store.close();
    let log = folder.path().join("log-00000000000000000003");
    let snapshot = folder.path().join("snapshot-00000000000000000002");
    let saved = fs::read(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let error = Store::open(folder.path(), Options::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is missing", log.display()));
    fs::write(&log, saved).unwrap();
    open(folder.path()).close();
    let saved = fs::read(&snapshot).unwrap();
    for bad in [&saved[..saved.len() - 1], &saved[..40], &[]] {
        fs::write(&snapshot, bad).unwrap();
        let error = Store::open(folder.path(), Options::default()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }
    fs::remove_file(&snapshot).unwrap();
    assert!(matches!(
        Store::open(folder.path(), Options::default()),
        Err(Error::Missing { .. })
    ));
}

#[test]
fn what_is_not_ours_is_left_alone_and_the_unfinished_removed() {
    let folder = written(1);
    let theirs = folder.path().join("log-notes.new");
    let ours = folder.path().join("snapshot-00000000000000000009.new");
    fs::write(&theirs, "mine").unwrap();
    fs::write(&ours, "half").unwrap();
    open(folder.path()).close();
    assert!(theirs.exists() && !ours.exists());
}

const FULL_DISK: &str = "SHIPWAY_STORE_FULL_DISK";

/// Runs in a process that may not write files above a size: prints what was acknowledged, then what failed.
#[test]
fn child_with_a_full_disk() {
    let Ok(folder) = std::env::var(FULL_DISK) else {
        return;
    };
    let store = open(Path::new(&folder));
    let handle = store.handle();
    let mut out = std::io::stdout().lock();
    let mut failures = 0;
    for number in 0.. {
        let key = key(&format!("pods/a/{number}"));
        let size = if failures == 0 { 50_000 } else { 5_000 };
        match handle.create(key.clone(), draft(&"x".repeat(size))).wait() {
            Ok(_) => writeln!(out, "\nack {number}").unwrap(),
            Err(error) => {
                assert!(matches!(error, Error::Io { .. }), "{error}");
                assert!(handle.get(&key).is_none());
                writeln!(out, "\nfailed {number}").unwrap();
                failures += 1;
            }
        }
        if failures == 3 {
            return;
        }
    }
}

#[test]
fn a_full_disk_is_told_to_the_writer_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" store_disk::child_with_a_full_disk --exact --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(FULL_DISK, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let numbers = |word: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(word))
            .map(str::to_owned)
            .collect()
    };
    let (acknowledged, failed) = (numbers("ack "), numbers("failed "));
    assert!(acknowledged.len() > 10 && failed.len() == 3, "{text}");
    let store = open(folder.path());
    let handle = store.handle();
    let present = |number: &String| handle.get(&key(&format!("pods/a/{number}"))).is_some();
    assert!(acknowledged.iter().all(present));
    assert!(!failed.iter().any(present));
    assert_eq!(handle.revision(), 1 + acknowledged.len() as u64);
    handle.create(key("pods/a/new"), draft("room")).wait().unwrap();
}

#[test]
fn stopping_leaves_no_thread_behind() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        snapshot_log_bytes: 1,
        ..Options::default()
    };
    let handle = {
        let store = Store::open(folder.path(), options).unwrap();
        let handle = store.handle();
        thread::scope(|scope| {
            for writer in 0..4 {
                let handle = &handle;
                scope.spawn(move || {
                    for number in 0..20 {
                        let _ = handle
                            .create(key(&format!("pods/{writer}/{number}")), draft(""))
                            .wait();
                    }
                });
            }
        });
        handle
    };
    // The lock is held by the writer's thread and shared with the one that makes snapshots.
    open(folder.path()).close();
    assert_eq!(handle.stats().objects, 80);
}
