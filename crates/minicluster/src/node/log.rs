//! What containers say, as files in the kubelet's layout: one line each with time, stream and whether it is whole.
//!
//! ```text
//! RUN/logs/pods/NAMESPACE_NAME_UID/CONTAINER/RUN.log
//! 2026-01-02T03:04:05.678901234Z stdout F a line
//! ```
//!
//! Files are rotated by size. When nothing can be written any more, as on a full disk, lines are dropped and counted:
//! a process never waits for its log.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use objects::meta;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;

use super::files::safe;

/// As a kubelet's defaults are: 10 MiB a file, five of them.
const MOST_BYTES: u64 = 10 << 20;
const MOST_FILES: usize = 5;

/// A runtime splits longer lines.
const LONGEST_LINE: usize = 16 << 10;

/// The folder of a container's logs.
pub(crate) fn folder(root: &Path, pod: &Value, container: &str) -> PathBuf {
    let (namespace, name, uid) = (meta::namespace(pod), meta::name(pod), meta::uid(pod));
    root.join(safe(&format!("{namespace}_{name}_{uid}")))
        .join(safe(container))
}

/// The log of one run of a container. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    file: Mutex<(File, u64)>,
    grown: watch::Sender<u64>,
    dropped: AtomicU64,
    /// Why something could not be written, the first time.
    broken: watch::Sender<Option<String>>,
}

impl Log {
    /// Begins the log of a run, or goes on with it.
    ///
    /// # Errors
    /// When the folder or the file can't be made.
    pub(crate) fn open(folder: &Path, run: i64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        discard(folder, run - 1);
        let path = folder.join(format!("{run}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        let shared = Shared {
            path,
            file: Mutex::new((file, size)),
            grown: watch::Sender::new(0),
            dropped: AtomicU64::new(0),
            broken: watch::Sender::new(None),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Tells whenever something was written; closed when nothing will be any more.
    pub(crate) fn grown(&self) -> watch::Receiver<u64> {
        self.shared.grown.subscribe()
    }

    /// Lines that could not be written.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Waits until something could not be written; why.
    pub(crate) async fn broken(&self) -> String {
        let mut broken = self.shared.broken.subscribe();
        let cause = broken.wait_for(Option::is_some).await;
        cause.ok().and_then(|cause| cause.clone()).unwrap_or_default()
    }

    /// The last lines of the newest file.
    pub(crate) fn end(&self, lines: usize) -> Vec<u8> {
        let mut wanted = Wanted {
            tail: Some(lines),
            ..Wanted::default()
        };
        wanted.pick(&std::fs::read(&self.shared.path).unwrap_or_default())
    }

    /// Writes down what a stream says until it ends.
    pub(crate) async fn drain(self, stream: &'static str, mut source: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; LONGEST_LINE];
        let mut line: Vec<u8> = Vec::new();
        while let Ok(count @ 1..) = source.read(&mut buffer).await {
            let mut rest = &buffer[..count];
            while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(&rest[..at]);
                self.write(stream, &line, true);
                line.clear();
                rest = &rest[at + 1..];
            }
            line.extend_from_slice(rest);
            if line.len() >= LONGEST_LINE {
                self.write(stream, &line, false);
                line.clear();
            }
        }
        if !line.is_empty() {
            self.write(stream, &line, false);
        }
    }

    fn write(&self, stream: &str, line: &[u8], whole: bool) {
        let shared = &self.shared;
        let mut file = shared.file.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = if whole { 'F' } else { 'P' };
        let mut text = format!(
            "{} {stream} {tag} ",
            Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%9fZ")
        )
        .into_bytes();
        text.extend_from_slice(line);
        text.push(b'\n');
        if file.1 + text.len() as u64 > MOST_BYTES {
            // When that fails, the file only grows beyond its bound.
            if let Ok(fresh) = rotate(&shared.path) {
                *file = (fresh, 0);
            }
        }
        match file.0.write_all(&text) {
            Ok(()) => file.1 += text.len() as u64,
            Err(error) => {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
                shared.broken.send_if_modified(|broken| {
                    let first = broken.is_none();
                    broken.get_or_insert_with(|| error.to_string());
                    first
                });
            }
        }
        drop(file);
        shared.grown.send_modify(|count| *count += 1);
    }
}

/// Removes the logs of runs before one: as on a node, the last run and the one before it can be looked at.
fn discard(folder: &Path, first: i64) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let run = name
            .to_str()
            .and_then(|name| name.split('.').next()?.parse::<i64>().ok());
        if run.is_some_and(|run| run < first) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Puts a full file aside, deletes the oldest, and begins a new one.
fn rotate(path: &Path) -> io::Result<File> {
    let aside = |number: usize| path.with_extension(format!("log.{number}"));
    for number in (1..MOST_FILES - 1).rev() {
        let _ = std::fs::rename(aside(number), aside(number + 1));
    }
    std::fs::rename(path, aside(1))?;
    OpenOptions::new().create(true).append(true).open(path)
}

/// What is wanted of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) timestamps: bool,
    pub(crate) since: Option<Timestamp>,
    pub(crate) tail: Option<usize>,
    pub(crate) bytes: Option<usize>,
    /// What comes first goes on with a line that was begun.
    pub(crate) amid: bool,
}

/// A line as it was written: its time and what was said, with a line's end if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry<'a> {
    time: &'a [u8],
    text: &'a [u8],
    whole: bool,
}

impl Wanted {
    /// The lines of a file that are wanted, as a client sees them. What was picked counts: the next file goes on.
    pub(crate) fn pick(&mut self, file: &[u8]) -> Vec<u8> {
        let mut entries: Vec<Entry<'_>> = file
            .split_inclusive(|byte| *byte == b'\n')
            .filter_map(read)
            .collect();
        entries.retain(|entry| {
            self.since
                .is_none_or(|since| at(entry).is_none_or(|time| time >= since))
        });
        if let Some(tail) = self.tail {
            // Parts of one line count once.
            let mut left = tail;
            let mut first = entries.len();
            while first > 0 {
                let ends = entries[first - 1].whole || first == entries.len();
                if ends && left == 0 {
                    break;
                }
                left -= usize::from(ends);
                first -= 1;
            }
            entries.drain(..first);
        }
        let mut out = Vec::new();
        for entry in &entries {
            // A line has one time, however many pieces it was written in.
            if self.timestamps && !self.amid {
                out.extend_from_slice(entry.time);
                out.push(b' ');
            }
            out.extend_from_slice(entry.text);
            if entry.whole {
                out.push(b'\n');
            }
            self.amid = !entry.whole;
        }
        if let Some(limit) = &mut self.bytes {
            out.truncate(*limit);
            *limit -= out.len();
        }
        self.tail = None;
        out
    }
}

fn read(line: &[u8]) -> Option<Entry<'_>> {
    // A line that is still being written is read the next time.
    let line = line.strip_suffix(b"\n")?;
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let (time, _, tag) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Entry {
        time,
        text: parts.next().unwrap_or_default(),
        whole: tag == b"F",
    })
}

fn at(entry: &Entry<'_>) -> Option<Timestamp> {
    std::str::from_utf8(entry.time).ok()?.parse().ok()
}

/// Everything that is kept of a run, the oldest file first, and how far the newest file was read.
pub(crate) fn kept(folder: &Path, run: i64) -> (Vec<u8>, u64) {
    let path = folder.join(format!("{run}.log"));
    let older = (1..MOST_FILES)
        .rev()
        .map(|number| path.with_extension(format!("log.{number}")));
    let mut all = Vec::new();
    for file in older {
        all.extend(std::fs::read(file).unwrap_or_default());
    }
    let mut at = 0;
    all.extend(fresh(&path, &mut at));
    (all, at)
}

/// The whole lines of a log behind a place, which then is behind them. When the file was put aside meanwhile, what is
/// left of that one comes first.
pub(crate) fn fresh(path: &Path, at: &mut u64) -> Vec<u8> {
    let mut found = Vec::new();
    let size = std::fs::metadata(path).map_or(0, |found| found.len());
    if size < *at {
        found = lines(&path.with_extension("log.1"), *at).unwrap_or_default();
        *at = 0;
    }
    let lines = lines(path, *at).unwrap_or_default();
    *at += lines.len() as u64;
    found.extend(lines);
    found
}

/// The whole lines of a file from a place on.
fn lines(path: &Path, at: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut read = Vec::new();
    file.read_to_end(&mut read)?;
    let whole = read
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    read.truncate(whole);
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"2026-01-01T00:00:01.000000000Z stdout F one\n2026-01-01T00:00:02.000000000Z stderr P tw\n2026-01-01T00:00:02.500000000Z stderr F o\n2026-01-01T00:00:03.000000000Z stdout F three\n2026-01-01T00:00:04.0";

    #[test]
    fn lines_are_picked_by_time_number_and_size() {
        let since = "2026-01-01T00:00:02Z".parse().ok();
        for (wanted, expected) in [
            (Wanted::default(), "one\ntwo\nthree\n"),
            (
                Wanted {
                    tail: Some(2),
                    ..Wanted::default()
                },
                "two\nthree\n",
            ),
            (
                Wanted {
                    tail: Some(0),
                    ..Wanted::default()
                },
                "",
            ),
            (
                Wanted {
                    since,
                    ..Wanted::default()
                },
                "two\nthree\n",
            ),
            (
                Wanted {
                    bytes: Some(5),
                    ..Wanted::default()
                },
                "one\nt",
            ),
            (
                Wanted {
                    timestamps: true,
                    tail: Some(1),
                    ..Wanted::default()
                },
                "2026-01-01T00:00:03.000000000Z three\n",
            ),
        ] {
            let picked = { wanted }.pick(FILE);
            assert_eq!(String::from_utf8_lossy(&picked), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_line_in_pieces_has_one_time_and_limits_go_on() {
        let mut wanted = Wanted {
            timestamps: true,
            bytes: Some(70),
            ..Wanted::default()
        };
        let (first, second) = (
            b"2026-01-01T00:00:02.000000000Z stdout P tw\n",
            b"2026-01-01T00:00:02.500000000Z stdout F o\n2026-01-01T00:00:03.000000000Z stdout F three\n",
        );
        let picked = [wanted.pick(first), wanted.pick(second)].concat();
        let text = "2026-01-01T00:00:02.000000000Z two\n2026-01-01T00:00:03.000000000Z thre";
        assert_eq!(
            (String::from_utf8_lossy(&picked).as_ref(), wanted.bytes),
            (text, Some(0))
        );
    }

    #[test]
    fn whoever_follows_a_log_misses_nothing_when_it_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        std::fs::write(&path, "one\ntw").unwrap();
        let mut at = 0;
        assert_eq!(fresh(&path, &mut at), b"one\n");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let mut file = rotate(&path).unwrap();
        file.write_all(b"x\n").unwrap();
        assert_eq!(fresh(&path, &mut at), b"two\nx\n");
        assert_eq!(fresh(&path, &mut at), b"");
    }

    #[tokio::test]
    async fn a_stream_is_written_line_by_line_and_split_where_it_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(folder.path(), 0).unwrap();
        let long = "x".repeat(LONGEST_LINE + 10);
        let said = format!("a\n{long}\nend");
        log.drain("stdout", said.as_bytes()).await;
        let picked = Wanted::default().pick(&kept(folder.path(), 0).0);
        assert_eq!(String::from_utf8_lossy(&picked), said);
    }
}
