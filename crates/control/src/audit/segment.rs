//! Segments of the audit log as ConfigMaps, and the head that is kept beside them: what is read and written, one object at a
//! time.

use std::collections::BTreeMap;

use cluster::{Cluster, Error as ClusterError, ListQuery, Patch, Resource, Why, Write};
use delivery::audit::Head;
use objects::meta;
use serde_json::{Value, json};

use super::MAX_BYTES;
use crate::error::Error;
use crate::hub::{Hub, MANAGER, builtin};

/// A segment is closed with so many lines, or when it has so many bytes. A ConfigMap may have 1 MiB; a small one makes a small
/// answer to each patch.
const LINES: usize = 256;
const BYTES: usize = 256 << 10;

/// The object that keeps the head, and its field.
const KEPT: &str = "shipway-audit";
const HEAD: &str = "head";

/// What a segment is known by, and the annotation with the number of its first line.
const LABEL: &str = "shipway.dev/audit";
const FIRST: &str = "shipway.dev/audit-first";

/// The ConfigMaps of a log. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    hub: Hub,
    namespace: String,
}

/// Where the next line goes.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) head: Head,
    /// The number of the last segment; 0 when there is none.
    number: u64,
    /// Its version; empty when it is to be made.
    version: String,
    room: Room,
    /// The version of what keeps the head; empty when it is to be made.
    kept: String,
}

/// What a segment has room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    lines: usize,
    bytes: usize,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// Somebody else was faster, or this was done already and the answer was lost.
    Raced,
}

impl Room {
    const ALL: Self = Self {
        lines: LINES,
        bytes: BYTES,
    };

    pub(super) fn takes(self, line: &str) -> bool {
        self.lines > 0 && self.bytes >= line.len()
    }

    pub(super) fn take(&mut self, line: &str) {
        self.lines = self.lines.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(line.len());
    }
}

impl Tail {
    pub(super) fn room(&self) -> Room {
        self.room
    }

    pub(super) fn has_room(&self) -> bool {
        self.version.is_empty() || self.room.lines > 0 && self.room.bytes > 0
    }
}

impl Segments {
    pub(super) fn new(hub: Hub, namespace: &str) -> Self {
        Self {
            hub,
            namespace: namespace.to_owned(),
        }
    }

    /// The segments in order, without their lines.
    async fn listed(&self) -> Result<BTreeMap<String, Value>, Error> {
        let query = ListQuery {
            metadata_only: true,
            ..ListQuery::labelled(&format!("{LABEL}=segment"))
        };
        let kind = self.kind().await?;
        let listed = self.cluster().list(&kind, Some(&self.namespace), &query).await?;
        let named = listed
            .items
            .into_iter()
            .map(|one| (meta::name(&one).to_owned(), one));
        Ok(named.collect())
    }

    /// The names of the segments, in order, with the numbers of their first lines.
    async fn index(&self) -> Result<BTreeMap<String, u64>, Error> {
        let first = |one: &Value| {
            let first = one["metadata"]["annotations"][FIRST].as_str()?;
            first.parse().ok()
        };
        let listed = self.listed().await?.into_iter();
        Ok(listed
            .map(|(name, one)| (name, first(&one).unwrap_or_default()))
            .collect())
    }

    /// The names of the segments, in order, with their versions.
    pub(super) async fn versions(&self) -> Result<Vec<(String, String)>, Error> {
        let listed = self.listed().await?.into_iter();
        Ok(listed
            .map(|(name, one)| (name, meta::resource_version(&one).to_owned()))
            .collect())
    }

    /// The lines of a segment and its version; `None` if it is gone.
    pub(super) async fn read(&self, name: &str) -> Result<Option<(Vec<String>, String)>, Error> {
        let kind = self.kind().await?;
        let found = self.cluster().get(kind.at(&self.namespace, name)).await?;
        Ok(found.map(|segment| {
            let version = meta::resource_version(&segment).to_owned();
            (lines(&segment).into_values().collect(), version)
        }))
    }

    pub(super) async fn lines(&self, from: u64, limit: usize) -> Result<Vec<String>, Error> {
        let index = self.index().await?;
        let mut found = Vec::new();
        let mut bytes = 0;
        let begins = index.values().rposition(|first| *first <= from).unwrap_or(0);
        for name in index.keys().skip(begins) {
            let kind = self.kind().await?;
            let segment = self.cluster().get(kind.at(&self.namespace, name)).await?;
            for (number, line) in segment.iter().flat_map(lines) {
                if found.len() == limit || bytes > MAX_BYTES {
                    return Ok(found);
                }
                if number >= from {
                    bytes += line.len();
                    found.push(line);
                }
            }
        }
        Ok(found)
    }

    /// The head that is kept apart, and the version of what keeps it.
    pub(super) async fn kept(&self) -> Result<Option<(Head, String)>, Error> {
        let kind = self.kind().await?;
        let Some(kept) = self.cluster().get(kind.at(&self.namespace, KEPT)).await? else {
            return Ok(None);
        };
        let head = kept["data"][HEAD].as_str().unwrap_or_default();
        let head = head.parse().map_err(|()| Error::Mistake {
            problem: format!(
                "ConfigMap {}/{KEPT} does not say where the audit log ends",
                self.namespace
            ),
            cure: "put back what it said, from a backup of the hub".to_owned(),
        })?;
        Ok(Some((head, meta::resource_version(&kept).to_owned())))
    }

    /// Looks where the log ends: at its last line, or where the head that was kept says, if that is further.
    pub(super) async fn tail(&self) -> Result<Tail, Error> {
        let kept = self.kept().await?;
        let (head, version) = kept.unwrap_or_else(|| (Head::empty(), String::new()));
        let mut tail = Tail {
            head,
            number: 0,
            version: String::new(),
            room: Room::ALL,
            kept: version,
        };
        let index = self.index().await?;
        let Some(name) = index.keys().next_back() else {
            return Ok(tail);
        };
        let kind = self.kind().await?;
        let Some(segment) = self.cluster().get(kind.at(&self.namespace, name)).await? else {
            return Ok(tail);
        };
        tail.number = name
            .rsplit('-')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or_default();
        tail.version = meta::resource_version(&segment).to_owned();
        let lines = lines(&segment);
        lines.values().for_each(|line| tail.room.take(line));
        if segment["immutable"] == true {
            tail.next();
        }
        let last = lines.values().next_back().and_then(|line| Head::after(line));
        if let Some(last) = last.filter(|last| last.number > tail.head.number) {
            tail.head = last;
        }
        Ok(tail)
    }

    /// Writes lines behind the others, in one write.
    pub(super) async fn write(&self, tail: &mut Tail, lines: &[String]) -> Result<Written, Error> {
        let kind = self.kind().await?;
        let first = tail.head.number.saturating_add(1);
        let numbered = (first..).zip(lines);
        let data: serde_json::Map<String, Value> = numbered
            .map(|(number, line)| (format!("{number:012}"), json!(line)))
            .collect();
        let number = tail.number.max(1);
        let name = name(number);
        let at = kind.at(&self.namespace, &name);
        let written = if tail.version.is_empty() {
            let metadata = json!({
                "name": name,
                "namespace": self.namespace,
                "labels": {LABEL: "segment"},
                "annotations": {FIRST: first.to_string()},
            });
            let segment =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
            self.cluster().create(at, &segment, HOW).await
        } else {
            let patch = json!({"metadata": {"resourceVersion": tail.version}, "data": data});
            self.cluster().patch(at, Patch::Merge(&patch), HOW).await
        };
        match raced(written)? {
            None => Ok(Written::Raced),
            Some(segment) => {
                tail.number = number;
                tail.version = meta::resource_version(&segment).to_owned();
                lines.iter().for_each(|line| tail.room.take(line));
                Ok(Written::Done)
            }
        }
    }

    /// Makes the last segment immutable, and the next one the last.
    pub(super) async fn close(&self, tail: &Tail) -> Result<(), Error> {
        let kind = self.kind().await?;
        let name = name(tail.number);
        let patch = json!({"metadata": {"resourceVersion": tail.version}, "immutable": true});
        let at = kind.at(&self.namespace, &name);
        raced(self.cluster().patch(at, Patch::Merge(&patch), HOW).await)?;
        Ok(())
    }

    /// Writes the head where it is kept apart, unless that is further already.
    pub(super) async fn keep(&self, tail: &mut Tail) -> Result<(), Error> {
        let kind = self.kind().await?;
        let at = kind.at(&self.namespace, KEPT);
        // Once more after somebody else was faster; whoever was faster twice will write it again.
        for _ in 0..2 {
            let data = json!({HEAD: tail.head.to_string()});
            let written = if tail.kept.is_empty() {
                let metadata = json!({"name": KEPT, "namespace": self.namespace, "labels": {LABEL: "head"}});
                let kept =
                    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
                self.cluster().create(at, &kept, HOW).await
            } else {
                let patch = json!({"metadata": {"resourceVersion": tail.kept}, "data": data});
                self.cluster().patch(at, Patch::Merge(&patch), HOW).await
            };
            if let Some(kept) = raced(written)? {
                tail.kept = meta::resource_version(&kept).to_owned();
                return Ok(());
            }
            let Some((head, version)) = self.kept().await? else {
                tail.kept = String::new();
                continue;
            };
            tail.kept = version;
            if head.number >= tail.head.number {
                return Ok(());
            }
        }
        Ok(())
    }

    fn cluster(&self) -> &Cluster {
        self.hub.cluster()
    }

    async fn kind(&self) -> Result<Resource, Error> {
        builtin(self.cluster(), "v1", "ConfigMap").await
    }
}

const HOW: Write<'static> = Write {
    manager: MANAGER,
    dry_run: false,
    strict: false,
};

impl Tail {
    /// The next segment becomes the last, once there is a line for it.
    fn next(&mut self) {
        self.number += 1;
        self.version = String::new();
        self.room = Room::ALL;
    }
}

/// `None` if somebody else wrote first, or this was sent twice.
fn raced(written: Result<Value, ClusterError>) -> Result<Option<Value>, Error> {
    match written {
        Ok(object) => Ok(Some(object)),
        Err(error) if matches!(error.why(), Some(Why::Conflict | Why::Exists)) || error.may_be_done() => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn name(number: u64) -> String {
    format!("shipway-audit-{number:06}")
}

/// The lines of a segment, by their numbers.
fn lines(segment: &Value) -> BTreeMap<u64, String> {
    let fields = segment["data"].as_object().into_iter().flatten();
    let numbered =
        fields.filter_map(|(number, line)| Some((number.parse().ok()?, line.as_str()?.to_owned())));
    numbered.collect()
}
