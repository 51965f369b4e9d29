//! Requests to a service, all the while: who answers, and whether anybody does not.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The pause between two requests: some fifty in a second, as of a small service.
const PAUSE: Duration = Duration::from_millis(20);

/// A request that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answers of these services are a line; nothing that is longer is one of theirs.
const LONGEST: u64 = 1 << 20;

/// How many failures are told.
const TOLD: usize = 3;

/// What a service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: String,
}

impl Answer {
    /// The version that the built-in server says that it is.
    pub(super) fn version(&self) -> Option<String> {
        let value: Value = serde_json::from_str(&self.body).ok()?;
        Some(value["version"].as_str()?.to_owned())
    }
}

/// Asks once, with a connection of its own; nothing is tried again.
pub(super) fn get(url: &str) -> Result<Answer, String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("{url} is no plain HTTP"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address: SocketAddr = host.parse().map_err(|_| format!("{host} is no address"))?;
    let said = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(said)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(said)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(said)?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(said)?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes).map_err(said)?;
    read(&String::from_utf8_lossy(&bytes)).ok_or_else(|| "it spoke no HTTP".to_owned())
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let code = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer {
        code,
        body: body.to_owned(),
    })
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) requests: usize,
    pub(super) failed: usize,
    /// What the first failures were.
    pub(super) failures: Vec<String>,
    /// How many answers each version gave, and when the first came.
    pub(super) versions: BTreeMap<String, (usize, Duration)>,
    /// The version of the last answer.
    pub(super) last: Option<String>,
}

impl Counted {
    fn count(&mut self, answer: Result<Answer, String>, at: Duration) {
        self.requests += 1;
        let version = match &answer {
            Ok(answer) if answer.code == 200 => answer.version(),
            _ => None,
        };
        match version {
            Some(version) => {
                let entry = self.versions.entry(version.clone()).or_insert((0, at));
                entry.0 += 1;
                self.last = Some(version);
            }
            None => {
                self.failed += 1;
                if self.failures.len() < TOLD {
                    self.failures.push(match answer {
                        Ok(answer) => format!("{} {}", answer.code, answer.body.trim()),
                        Err(error) => error,
                    });
                }
            }
        }
    }
}

/// Requests that go on until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct Load {
    counted: Arc<Mutex<Counted>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(url: String) -> Self {
        let (counted, is_over) = (Arc::<Mutex<Counted>>::default(), Arc::<AtomicBool>::default());
        let (counts, ends) = (Arc::clone(&counted), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            while !ends.load(Ordering::Relaxed) {
                let answer = get(&url);
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                counts.count(answer, began.elapsed());
                drop(counts);
                std::thread::sleep(PAUSE);
            }
        });
        Self {
            counted,
            is_over,
            thread: Some(thread),
        }
    }

    /// What was counted so far.
    pub(super) fn counted(&self) -> Counted {
        self.counted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has no reason to panic, and a count is all that would be lost.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_version() {
        let answer =
            read("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"version\":\"0.2.0\"}\n").expect("HTTP");
        assert_eq!((answer.code, answer.version().as_deref()), (200, Some("0.2.0")));
        assert_eq!(read("SSH-2.0"), None);
    }

    #[test]
    fn whatever_is_no_answer_of_a_version_has_failed() {
        let mut counted = Counted::default();
        let ok = |body: &str| {
            Ok(Answer {
                code: 200,
                body: body.to_owned(),
            })
        };
        counted.count(ok("{\"version\":\"1\"}"), Duration::from_secs(1));
        counted.count(ok("hello"), Duration::from_secs(2));
        counted.count(Err("connection refused".to_owned()), Duration::from_secs(3));
        counted.count(ok("{\"version\":\"2\"}"), Duration::from_secs(4));
        counted.count(ok("{\"version\":\"2\"}"), Duration::from_secs(5));
        assert_eq!((counted.requests, counted.failed), (5, 2));
        assert_eq!(counted.failures, ["200 hello", "connection refused"]);
        assert_eq!(counted.versions["2"], (2, Duration::from_secs(4)));
        assert_eq!(counted.last.as_deref(), Some("2"));
    }
}
