//! What changes, as it changes, over closed connections and forgotten states.
//!
//! ```text
//! from ─► stream ─► events ─┬─ closed, broken: again from the last state, after a wait if nothing came
//!   ▲                       └─ state forgotten (410): list, `Relisted`, and on from there
//!   └───────────────────────────┘
//! ```
//!
//! Whether what is seen is what was waited for, the caller decides. A watch takes no permit of the requests.

use bytes::{Buf as _, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;
use objects::meta;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::backoff::{Repeat, Tries, is_passing};
use crate::client::Cluster;
use crate::error::{Error, Why};
use crate::read::ListQuery;
use crate::resource::{Resource, with_query};
use crate::send::Call;
use crate::status::Status;

/// The server ends a stream after this, and one that is silent for longer is dead. Load balancers cut silent streams
/// after five minutes or more.
const STREAM_SECONDS: u64 = 290;
const SILENCE: Duration = Duration::from_secs(STREAM_SECONDS + 30);

/// The longest line that is read: an object is at most a few MiB.
const MAX_LINE: usize = 32 << 20;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Added(Value),
    Modified(Value),
    /// Gone; its last state.
    Deleted(Value),
    /// What was missed is not known, but this is all there is now.
    Relisted(Vec<Value>),
}

/// The changes of the objects of a kind. Made by [`Cluster::watch`]; dropping it ends it.
pub struct Watch {
    cluster: Cluster,
    resource: Resource,
    namespace: String,
    query: ListQuery,
    /// The last state that is known; empty to begin with a list.
    from: String,
    stream: Option<Stream>,
    /// Failures since something came.
    failures: u32,
    failing_since: Option<Instant>,
}

struct Stream {
    body: Body,
    read: BytesMut,
    /// How much of it is known to have no end of a line.
    searched: usize,
    _place: OwnedSemaphorePermit,
}

impl Cluster {
    /// Watches the objects of a kind that fit, in one namespace or in all, from a state on: the resourceVersion of an
    /// answer, or "" to begin with all there is ([`Event::Relisted`]). Nothing is sent before the first
    /// [`Watch::next`].
    #[must_use]
    pub fn watch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        from: &str,
    ) -> Watch {
        Watch {
            cluster: self.clone(),
            resource: resource.clone(),
            namespace: namespace.unwrap_or_default().to_owned(),
            query: query.clone(),
            from: from.to_owned(),
            stream: None,
            failures: 0,
            failing_since: None,
        }
    }
}

impl Watch {
    /// The next event. Can be dropped before it is ready without losing any.
    ///
    /// # Errors
    /// See [`Error`]; the watch may go on after that, which tries as often again.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if self.from.is_empty() {
                return self.relist().await;
            }
            let error = match self.step().await {
                Ok(None) => continue,
                Ok(Some(event)) => return Ok(event),
                Err(error) => error,
            };
            self.stream = None;
            if error.is(&Why::Expired) {
                self.from.clear();
            } else {
                self.wait(error).await?;
            }
        }
    }

    /// The resourceVersion up to which everything was seen.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        &self.from
    }

    /// Reads all there is. The request has its own tries, so a failure is the caller's.
    async fn relist(&mut self) -> Result<Event, Error> {
        let namespace = Some(self.namespace.as_str());
        let listed = self.cluster.list(&self.resource, namespace, &self.query).await?;
        self.from = listed.resource_version;
        Ok(Event::Relisted(listed.items))
    }

    /// Goes one step: opens the stream if there is none, and reads an event.
    async fn step(&mut self) -> Result<Option<Event>, Error> {
        let call = self.call();
        if self.stream.is_none() {
            self.stream = Some(Stream::open(&self.cluster, &call).await?);
        }
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        match stream.line(&self.cluster, &call).await? {
            Some(line) => self.event(&line, &call),
            // The server ends a stream in time; that is no failure, unless it does so at once again and again.
            None => {
                let asked = self.cluster.asked(&call);
                Err(self.cluster.cut(asked, "the watch was closed".into()))
            }
        }
    }

    fn event(&mut self, line: &[u8], call: &Call) -> Result<Option<Event>, Error> {
        let asked = || self.cluster.asked(call);
        let mut event: Value = serde_json::from_slice(line)
            .map_err(|error| Error::answer(asked(), format!("the watch sent what is no JSON: {error}")))?;
        let object = event.get_mut("object").map(Value::take).unwrap_or_default();
        let version = meta::resource_version(&object).to_owned();
        let event = match meta::text(&event, "type") {
            "ADDED" => Some(Event::Added(object)),
            "MODIFIED" => Some(Event::Modified(object)),
            "DELETED" => Some(Event::Deleted(object)),
            "BOOKMARK" => None,
            "ERROR" => return Err(Error::refused(asked(), Status::of(500, &object))),
            other => {
                return Err(Error::answer(
                    asked(),
                    format!("the watch sent an event {other:?}"),
                ));
            }
        };
        if !version.is_empty() {
            self.from = version;
        }
        self.failures = 0;
        self.failing_since = None;
        Ok(event)
    }

    /// Waits before the next try, or gives the error if there were enough.
    async fn wait(&mut self, error: Error) -> Result<(), Error> {
        let limits = self.cluster.shared.limits.clone();
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        let mut tries = Tries::resumed(&limits, Repeat::Harmless, self.failures);
        self.failures += 1;
        let wait = tries.after(&error, since.elapsed(), self.cluster.spread());
        match wait.filter(|_| is_passing(&error)) {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            None => {
                self.failures = 0;
                self.failing_since = None;
                Err(error)
            }
        }
    }

    fn call(&self) -> Call {
        let seconds = STREAM_SECONDS.to_string();
        let pairs = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self.from.as_str()),
            ("timeoutSeconds", seconds.as_str()),
            ("labelSelector", self.query.labels.as_str()),
            ("fieldSelector", self.query.fields.as_str()),
        ];
        let path = with_query(self.resource.path(&self.namespace), &pairs);
        let mut call = Call::get(path, self.resource.all(&self.namespace));
        call.verb = "watch";
        call
    }
}

impl Stream {
    async fn open(cluster: &Cluster, call: &Call) -> Result<Self, Error> {
        let Some((lane, place)) = cluster.shared.watches.place() else {
            return Err(Error::answer(cluster.asked(call), "there are too many watches"));
        };
        let limit = cluster.shared.limits.request;
        let opened = timeout(limit, cluster.open(call, lane)).await;
        let response = opened.unwrap_or_else(|_| {
            Err(Error::NoAnswer {
                asked: cluster.asked(call),
                after: limit,
            })
        })?;
        Ok(Self {
            body: response.into_body(),
            read: BytesMut::new(),
            searched: 0,
            _place: place,
        })
    }

    /// The next line; `None` at the end.
    async fn line(&mut self, cluster: &Cluster, call: &Call) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(end) = self.read[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(self.searched + end);
                self.read.advance(1);
                self.searched = 0;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(line.to_vec()));
            }
            self.searched = self.read.len();
            let asked = || cluster.asked(call);
            if self.read.len() > MAX_LINE {
                let problem = format!("the watch sent an event of more than {} MiB", MAX_LINE >> 20);
                return Err(Error::answer(asked(), problem));
            }
            match timeout(SILENCE, self.body.frame()).await {
                Err(_) => {
                    return Err(Error::NoAnswer {
                        asked: asked(),
                        after: SILENCE,
                    });
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(source))) => return Err(cluster.cut(asked(), Box::new(source))),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("what", &self.resource.all(&self.namespace))
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
