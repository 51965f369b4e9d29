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
use std::io::{self, Write as _};
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
}

impl Log {
    /// Begins the log of a run, or goes on with it.
    ///
    /// # Errors
    /// When the folder or the file can't be made.
    pub(crate) fn open(folder: &Path, run: i64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{run}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        let shared = Shared {
            path,
            file: Mutex::new((file, size)),
            grown: watch::Sender::new(0),
            dropped: AtomicU64::new(0),
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
            Err(_) => {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(file);
        shared.grown.send_modify(|count| *count += 1);
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
}

/// A line as it was written: its time and what was said, with a line's end if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry<'a> {
    time: &'a [u8],
    text: &'a [u8],
    whole: bool,
}

impl Wanted {
    /// The lines of a file that are wanted, as a client sees them.
    pub(crate) fn pick(&self, file: &[u8]) -> Vec<u8> {
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
            self.print(entry, &mut out);
        }
        if let Some(limit) = self.bytes {
            out.truncate(limit);
        }
        out
    }

    fn print(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        if self.timestamps {
            out.extend_from_slice(entry.time);
            out.push(b' ');
        }
        out.extend_from_slice(entry.text);
        if entry.whole {
            out.push(b'\n');
        }
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

/// Everything that is kept of a run, the oldest file first.
pub(crate) fn kept(folder: &Path, run: i64) -> Vec<u8> {
    let path = folder.join(format!("{run}.log"));
    let older = (1..MOST_FILES)
        .rev()
        .map(|number| path.with_extension(format!("log.{number}")));
    let mut all = Vec::new();
    for file in older.chain([path.clone()]) {
        all.extend(std::fs::read(file).unwrap_or_default());
    }
    all
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
            let picked = wanted.pick(FILE);
            assert_eq!(String::from_utf8_lossy(&picked), expected, "{wanted:?}");
        }
    }

    #[tokio::test]
    async fn a_stream_is_written_line_by_line_and_split_where_it_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(folder.path(), 0).unwrap();
        let long = "x".repeat(LONGEST_LINE + 10);
        let said = format!("a\n{long}\nend");
        log.drain("stdout", said.as_bytes()).await;
        let picked = Wanted::default().pick(&kept(folder.path(), 0));
        assert_eq!(String::from_utf8_lossy(&picked), said);
    }
}
