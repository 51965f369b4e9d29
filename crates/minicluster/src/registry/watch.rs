//! Watches: the changes of a resource as lines of JSON, for as long as the client stays.
//!
//! ```text
//! store::Watcher ─► selection (who enters, who leaves) ─► form ─► lines ─► a bounded queue ─► the connection
//! ```
//!
//! A client that does not read fills its queue and then waits alone; when it has fallen behind the store's history
//! its watch ends with 410, as the real one's does.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::catalog::Served;
use super::failure::{Cause, Failure};
use super::reply::{self, Content, Form, Reply};
use super::selector::Selector;
use super::{Call, Registry, complete_for, complete_json, list, table};
use crate::store::{At, Error, Event, EventKind, Object, Query as StoreQuery, Watcher};

/// Lines waiting for one client: enough to fill a TCP window with small objects, little enough to wait in memory
/// for a thousand clients.
const QUEUE: usize = 64;

/// The real server sends a bookmark about once a minute.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// The longest watch when the client names no end: between the real server's 30 and 60 minutes.
const LONGEST: Duration = Duration::from_secs(45 * 60);

/// One watch: what it shows and where it sends it.
struct Stream {
    call: Shown,
    out: mpsc::Sender<Bytes>,
}

struct Shown {
    served: std::sync::Arc<Served>,
    selector: Selector,
    form: Form,
    include: String,
    /// False once a table's columns have been sent.
    columns: bool,
}

/// What a watch begins with.
struct Start {
    initial: Vec<std::sync::Arc<Object>>,
    revision: u64,
    /// The version of the bookmark that closes a streaming list.
    end_of_list: bool,
}

/// `GET` on a collection with `watch`.
pub(super) async fn watch(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let query = &call.query;
    let resource = call.stored_as()?;
    let selector = call.selector()?;
    let form = call.form;
    let start = start(registry, call, &selector).await?;
    let (out, lines) = mpsc::channel(QUEUE);
    let shown = Shown {
        served: std::sync::Arc::clone(&call.served),
        selector,
        form,
        include: query.get("includeObject").to_owned(),
        columns: true,
    };
    let stream = Stream { call: shown, out };
    let seconds = query
        .get("timeoutSeconds")
        .parse()
        .ok()
        .filter(|seconds| *seconds > 0);
    let end = Instant::now() + seconds.map_or(LONGEST, Duration::from_secs).min(LONGEST);
    let bookmarks = query.flag("allowWatchBookmarks");
    match registry.store.watch(resource, call.namespace(), start.revision) {
        Ok(watcher) => {
            tokio::spawn(stream.run(start, watcher, end, bookmarks));
        }
        Err(error) => {
            let line = error_line(&error);
            tokio::spawn(async move { stream.out.send(line).await });
        }
    }
    Ok(Reply {
        code: 200,
        content: Content::Stream(lines),
        warnings: Vec::new(),
    })
}

async fn start(registry: &Registry, call: &Call, selector: &Selector) -> Result<Start, Failure> {
    let query = &call.query;
    let (version, matching) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    let forbidden =
        |text: &str| Failure::invalid_option("ListOptions", Cause::forbidden("resourceVersionMatch", text));
    let streaming = query.flag("sendInitialEvents");
    if query.has("sendInitialEvents") && matching != "NotOlderThan" {
        return Err(forbidden(
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    if !query.has("sendInitialEvents") && !matching.is_empty() {
        return Err(forbidden(
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ));
    }
    let revision = match version {
        "" => 0,
        text => text.parse::<u64>().map_err(|_| {
            Failure::internal(format!(
                "Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
            ))
        })?,
    };
    if !streaming && revision > 0 {
        return Ok(Start {
            initial: Vec::new(),
            revision,
            end_of_list: false,
        });
    }
    list::await_revision(registry, revision).await?;
    let keep = |object: &Object| selector.matches(object);
    let all = StoreQuery {
        namespace: call.namespace(),
        at: At::Latest,
        keep: Some(&keep),
        field: selector.certain_field(),
        ..StoreQuery::default()
    };
    let page = registry
        .store
        .list(call.stored_as()?, &all)
        .map_err(|error| call.store_failure(&error, ""))?;
    let skip = query.has("sendInitialEvents") && !streaming;
    Ok(Start {
        initial: if skip { Vec::new() } else { page.objects },
        revision: page.revision,
        end_of_list: streaming,
    })
}

impl Stream {
    async fn run(mut self, start: Start, mut watcher: Watcher, end: Instant, bookmarks: bool) {
        for object in &start.initial {
            let line = self.call.line("ADDED", object);
            if self.out.send(line).await.is_err() {
                return;
            }
        }
        if start.end_of_list && bookmarks {
            let line = self.call.bookmark(start.revision, true);
            if self.out.send(line).await.is_err() {
                return;
            }
        }
        let mut tick = tokio::time::interval_at(Instant::now() + BOOKMARK_EVERY, BOOKMARK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let events = tokio::select! {
                events = watcher.next() => events,
                () = self.out.closed() => return,
                () = tokio::time::sleep_until(end) => return,
                _ = tick.tick() => {
                    let line = self.call.bookmark(watcher.progress(), false);
                    if bookmarks && self.out.send(line).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            let lines = match events {
                Ok(events) => events.iter().filter_map(|event| self.call.event(event)).collect(),
                Err(Error::Closed) => return,
                Err(error) => vec![error_line(&error)],
            };
            let last = lines
                .first()
                .is_some_and(|line| line.starts_with(b"{\"type\":\"ERROR\""));
            for line in lines {
                if self.out.send(line).await.is_err() {
                    return;
                }
            }
            if last {
                return;
            }
        }
    }
}

impl Shown {
    /// The line of a change, if the selection sees it.
    fn event(&mut self, event: &Event) -> Option<Bytes> {
        let matched = |object: &Object| self.selector.matches(object);
        let before = event.previous.as_deref().filter(|object| matched(object));
        let after = (event.kind != EventKind::Deleted && matched(&event.object)).then_some(&*event.object);
        match (before, after) {
            (None, Some(object)) => Some(self.line("ADDED", object)),
            (Some(_), Some(object)) => Some(self.line("MODIFIED", object)),
            // Who leaves the selection is shown as it was, with the version of the change.
            (Some(old), None) => Some(self.line("DELETED", &old.at_revision(event.revision()))),
            (None, None) => None,
        }
    }

    fn line(&mut self, kind: &str, object: &Object) -> Bytes {
        let served = &*self.served;
        let shown = match self.form {
            Form::Object | Form::Value => complete_json(served, object),
            form => {
                let value = complete_for(served, object, form).unwrap_or_default();
                let columns = std::mem::take(&mut self.columns);
                let shown = match form {
                    Form::Metadata => reply::metadata(value),
                    _ => {
                        let metadata = json!({"resourceVersion": object.revision().to_string()});
                        table::table(served, vec![value], &metadata, (&self.include, columns))
                    }
                };
                shown.to_string().into_bytes()
            }
        };
        line(kind, &shown)
    }

    fn bookmark(&self, revision: u64, end_of_list: bool) -> Bytes {
        let version = revision.to_string();
        let mut metadata = json!({"resourceVersion": version});
        if end_of_list {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let served = &*self.served;
        let object: Value = match self.form {
            Form::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            Form::Table => {
                let object = json!({"kind": served.resource.kind, "apiVersion": served.api_version, "metadata": metadata});
                table::table(
                    served,
                    vec![object],
                    &json!({"resourceVersion": version}),
                    (&self.include, false),
                )
            }
            Form::Object | Form::Value => {
                json!({"kind": served.resource.kind, "apiVersion": served.api_version, "metadata": metadata})
            }
        };
        line("BOOKMARK", object.to_string().as_bytes())
    }
}

fn line(kind: &str, object: &[u8]) -> Bytes {
    let head = format!("{{\"type\":\"{kind}\",\"object\":");
    Bytes::from([head.as_bytes(), object, b"}\n"].concat())
}

fn error_line(error: &Error) -> Bytes {
    let failure = match error {
        Error::Expired { .. } => Failure::expired(error.to_string()),
        Error::Future { .. } => Failure::too_large_version(&error.to_string()),
        other => Failure::new(500, "InternalError", other.to_string()),
    };
    line("ERROR", failure.status().to_string().as_bytes())
}
