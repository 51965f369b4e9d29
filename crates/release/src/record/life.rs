//! How records come to be and what becomes of them: the statuses and the words that Helm writes.
//!
//! `helm history` of a release that two tools took turns with must read as one history.

use std::collections::BTreeMap;

use chart::render::Rendered;
use jiff::Timestamp;
use model::Revision;
use serde_json::{Map, Value};

use super::{ApplyMethod, Hook, Info, Record, Status, Time};
use crate::chart::StoredChart;

/// What a new revision consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    pub chart: StoredChart,
    pub config: Map<String, Value>,
    pub manifest: String,
    pub hooks: Vec<Hook>,
    pub notes: String,
}

impl Contents {
    /// What was rendered, as the record keeps it.
    #[must_use]
    pub fn of(chart: StoredChart, config: Map<String, Value>, rendered: &Rendered) -> Self {
        Self {
            chart,
            config,
            manifest: manifest(rendered),
            hooks: rendered.hooks.iter().map(Hook::of).collect(),
            notes: rendered.notes.clone(),
        }
    }
}

impl Record {
    /// The record of an install that begins now. After a history that was kept or given up it is not the first.
    #[must_use]
    pub fn install(
        name: &str,
        namespace: &str,
        revision: Revision,
        contents: Contents,
        now: Timestamp,
    ) -> Self {
        let info = Info {
            first_deployed: Some(Time::utc(now)),
            last_deployed: Some(Time::utc(now)),
            status: Status::PendingInstall,
            description: "Initial install underway".to_owned(),
            ..Info::default()
        };
        Self::pending(name, namespace, revision, info, contents)
    }

    /// The record of an upgrade of this one, the current one, that begins now.
    #[must_use]
    pub fn upgrade(&self, revision: Revision, contents: Contents, now: Timestamp) -> Self {
        let info = Info {
            first_deployed: self.info.first_deployed,
            last_deployed: Some(Time::utc(now)),
            status: Status::PendingUpgrade,
            description: "Preparing upgrade".to_owned(),
            ..Info::default()
        };
        Self::pending(&self.name, &self.namespace, revision, info, contents)
    }

    /// The record of a way back from this one, the last one, to `target`, that begins now.
    #[must_use]
    pub fn rollback(&self, revision: Revision, target: &Record, now: Timestamp) -> Self {
        Self {
            name: self.name.clone(),
            info: Info {
                first_deployed: self.info.first_deployed,
                last_deployed: Some(Time::utc(now)),
                status: Status::PendingRollback,
                description: format!("Rollback to {}", target.revision),
                notes: target.info.notes.clone(),
                ..Info::default()
            },
            revision,
            namespace: self.namespace.clone(),
            apply_method: ApplyMethod::ServerSide,
            ..target.clone()
        }
    }

    /// It is what is live now. A rollback keeps its description.
    pub fn deployed(&mut self, description: Option<&str>) {
        let usual = match self.info.status {
            Status::PendingInstall => Some("Install complete"),
            Status::PendingUpgrade => Some("Upgrade complete"),
            _ => None,
        };
        if let Some(text) = description.or(usual) {
            text.clone_into(&mut self.info.description);
        }
        self.info.status = Status::Deployed;
    }

    pub fn failed(&mut self, reason: &str) {
        let what = match self.info.status {
            Status::PendingUpgrade => "Upgrade",
            Status::PendingRollback => "Rollback",
            _ => "Release",
        };
        self.info.description = format!("{what} {:?} failed: {reason}", self.name);
        self.info.status = Status::Failed;
    }

    pub fn superseded(&mut self) {
        self.info.status = Status::Superseded;
    }

    pub fn uninstalling(&mut self, now: Timestamp) {
        self.info.status = Status::Uninstalling;
        self.info.deleted = Some(Time::utc(now));
        "Deletion in progress (or silently failed)".clone_into(&mut self.info.description);
    }

    pub fn uninstalled(&mut self, description: Option<&str>) {
        self.info.status = Status::Uninstalled;
        description
            .unwrap_or("Uninstallation complete")
            .clone_into(&mut self.info.description);
    }

    fn pending(name: &str, namespace: &str, revision: Revision, info: Info, contents: Contents) -> Self {
        let Contents {
            chart,
            config,
            manifest,
            hooks,
            notes,
        } = contents;
        Self {
            name: name.to_owned(),
            info: Info { notes, ..info },
            chart: Some(chart),
            config,
            manifest,
            hooks,
            revision,
            namespace: namespace.to_owned(),
            apply_method: ApplyMethod::ServerSide,
            labels: BTreeMap::new(),
            unknown: Map::new(),
        }
    }
}

/// The documents that are installed, one after another.
fn manifest(rendered: &Rendered) -> String {
    let documents = rendered.manifests.iter();
    let documents =
        documents.map(|manifest| format!("---\n# Source: {}\n{}\n", manifest.source, manifest.text()));
    documents.collect()
}
