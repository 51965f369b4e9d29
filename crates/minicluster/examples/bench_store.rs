//! Measures the store alone, without HTTP: `cargo run --release -p minicluster --example bench_store [FOLDER]`.
//!
//! FOLDER is where the durable stores are made, on the disk that is to be measured. The figures are for people;
//! nothing fails for being slow.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minicluster::store::{Draft, Expected, Handle, Key, Options, Pairs, Query, Resource, Store};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LISTED: usize = 10_000;
const PAGE: usize = 500;
const WATCHERS: usize = 1000;
/// Changes of the fan-out, at 100 a second.
const CHANGES: u64 = 300;

fn main() -> Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let mut out = std::io::stdout();
    for writers in [1, 8] {
        let store = Store::memory(Options::default())?;
        report(
            &mut out,
            "memory",
            writers,
            &creates(&store.handle(), writers, 200_000)?,
        )?;
    }
    for (writers, count) in [(1, 3_000), (8, 10_000), (64, 50_000)] {
        let folder = folder.join(format!("bench-store-{}-{writers}", std::process::id()));
        let measured = durable(&folder, writers, count);
        std::fs::remove_dir_all(&folder)?;
        report(&mut out, "durable", writers, &measured?)?;
    }
    lists(&mut out)?;
    fan_out(&mut out)
}

fn report(out: &mut impl Write, kind: &str, writers: usize, (rate, slowest): &(f64, Duration)) -> Result<()> {
    Ok(writeln!(
        out,
        "{kind:8} {writers:3} writers: {rate:9.0} creates/s, slowest {slowest:.1?}"
    )?)
}

fn durable(folder: &Path, writers: usize, count: usize) -> Result<(f64, Duration)> {
    let store = Store::open(folder, Options::default())?;
    let measured = creates(&store.handle(), writers, count)?;
    store.close();
    let start = Instant::now();
    let store = Store::open(folder, Options::default())?;
    writeln!(
        std::io::stdout(),
        "started again with {} objects in {:.1?}",
        store.handle().stats().objects,
        start.elapsed()
    )?;
    Ok(measured)
}

/// A small ConfigMap as a server would store it, about 700 bytes.
fn draft(name: &str) -> Result<Draft> {
    let owner = json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}, "f:metadata": {"f:labels": {".": {}, "f:app": {}}}});
    let value = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": name, "namespace": "bench", "uid": "3a2f1c9e-1111-4222-8333-444455556666",
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "bench"},
            "managedFields": [{"apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": owner,
                "manager": "bench", "operation": "Update", "time": "2026-01-01T00:00:00Z"}],
        },
        "data": {"a": "x".repeat(100), "b": "y".repeat(100)},
    });
    Ok(Draft::new(&value, Pairs::default())?)
}

fn key(name: &str) -> Result<Key> {
    Ok(Key::new(&Resource::new("", "configmaps")?, Some("bench"), name)?)
}

/// Gives the rate and the slowest single create.
fn creates(handle: &Handle, writers: usize, count: usize) -> Result<(f64, Duration)> {
    let per_writer = count / writers;
    let start = Instant::now();
    let slowest = thread::scope(|scope| {
        let write = |writer: usize| {
            move || -> std::result::Result<Duration, String> {
                let mut slowest = Duration::ZERO;
                for number in 0..per_writer {
                    let name = format!("w{writer}-{number}");
                    let (key, draft) = (key(&name), draft(&name));
                    let (key, draft) = key
                        .and_then(|key| Ok((key, draft?)))
                        .map_err(|error| error.to_string())?;
                    let start = Instant::now();
                    handle
                        .create(key, draft)
                        .wait()
                        .map_err(|error| error.to_string())?;
                    slowest = slowest.max(start.elapsed());
                }
                Ok(slowest)
            }
        };
        let threads: Vec<_> = (0..writers).map(|writer| scope.spawn(write(writer))).collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a writer panicked".to_owned())?);
        results.collect::<std::result::Result<Vec<_>, _>>()
    })?;
    let rate = (per_writer * writers) as f64 / start.elapsed().as_secs_f64();
    Ok((rate, slowest.into_iter().max().unwrap_or_default()))
}

fn lists(out: &mut impl Write) -> Result<()> {
    let store = Store::memory(Options::default())?;
    let handle = store.handle();
    creates(&handle, 1, LISTED)?;
    let resource = Resource::new("", "configmaps")?;
    let start = Instant::now();
    let (mut token, mut pages, mut bytes) = (None, 0, 0);
    loop {
        let query = Query {
            limit: Some(PAGE),
            after: token.as_ref(),
            ..Query::default()
        };
        let page = handle.list(&resource, &query)?;
        pages += 1;
        bytes += page
            .objects
            .iter()
            .map(|object| object.json().len())
            .sum::<usize>();
        let Some(next) = page.next else { break };
        token = Some(next);
    }
    let paged = start.elapsed();
    let start = Instant::now();
    let whole = handle.list(&resource, &Query::default())?.objects.len();
    let once = start.elapsed();
    Ok(writeln!(
        out,
        "list of {whole} ({bytes} bytes): {paged:.1?} in {pages} pages, {once:.1?} at once"
    )?)
}

/// 1,000 tasks follow one kind; how late is the last of them to hear of a change?
fn fan_out(out: &mut impl Write) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let store = Store::memory(Options::default())?;
    let handle = store.handle();
    let resource = Resource::new("", "configmaps")?;
    handle.create(key("one")?, draft("one")?).wait()?;
    let origin = Instant::now();
    let written = Arc::new((0..=CHANGES).map(|_| AtomicU64::new(0)).collect::<Vec<_>>());
    let lag = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..WATCHERS {
        let mut watcher = handle.watch(&resource, None, 2)?;
        let (written, lag) = (Arc::clone(&written), Arc::clone(&lag));
        tasks.push(runtime.spawn(async move {
            let mut seen = 0;
            while seen < CHANGES {
                for _ in watcher.next().await? {
                    let late =
                        origin.elapsed().as_micros() as u64 - written[seen as usize].load(Ordering::Acquire);
                    lag.fetch_max(late, Ordering::AcqRel);
                    seen += 1;
                }
            }
            Ok::<_, minicluster::store::Error>(())
        }));
    }
    let mut writing = Duration::ZERO;
    for change in 0..CHANGES {
        let due = origin + Duration::from_millis(10 * change);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        written[change as usize].store(origin.elapsed().as_micros() as u64, Ordering::Release);
        let start = Instant::now();
        handle.update(key("one")?, Expected::Any, draft("one")?).wait()?;
        writing = writing.max(start.elapsed());
    }
    for task in tasks {
        runtime.block_on(task)??;
    }
    let lag = Duration::from_micros(lag.load(Ordering::Acquire));
    Ok(writeln!(
        out,
        "{WATCHERS} watchers, 100 changes/s: the last hears within {lag:.1?}; slowest write {writing:.1?}"
    )?)
}
