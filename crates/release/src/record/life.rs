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
    /// What this revision consists of; `None` of a record that something damaged.
    #[must_use]
    pub fn contents(&self) -> Option<Contents> {
        Some(Contents {
            chart: self.chart.clone()?,
            config: self.config.clone(),
            manifest: self.manifest.clone(),
            hooks: self.hooks.clone(),
            notes: self.info.notes.clone(),
        })
    }

    /// The record of an install that begins now. After a history that was kept or given up it is not the first.
    /// Here and in an upgrade the user's labels are yet to be set: see [`crate::storage::merge_labels`].
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

    /// A newer revision is live. Helm does this to the revision that an upgrade started from, which need not have been
    /// deployed, and to every deployed one after a rollback.
    pub fn superseded(&mut self) {
        self.info.status = Status::Superseded;
    }

    /// An install took the place of this last revision, which was uninstalled or had failed.
    pub fn replaced(&mut self) {
        self.superseded();
        "superseded by new release".clone_into(&mut self.info.description);
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn revision(number: u32) -> Revision {
        number.to_string().parse().expect("a revision")
    }

    fn contents() -> Contents {
        Contents {
            chart: StoredChart::default(),
            config: Map::new(),
            manifest: String::new(),
            hooks: Vec::new(),
            notes: "hello".to_owned(),
        }
    }

    fn installed() -> Record {
        let now = Timestamp::UNIX_EPOCH;
        let mut record = Record::install("a", "n", Revision::FIRST, contents(), now);
        assert_eq!(line(&record), "pending-install: Initial install underway");
        record.deployed(None);
        record
    }

    fn upgrade(record: &Record) -> Record {
        record.upgrade(revision(2), contents(), Timestamp::UNIX_EPOCH)
    }

    fn line(record: &Record) -> String {
        format!("{}: {}", record.info.status, record.info.description)
    }

    /// As `helm history` (4.1.4) shows them.
    #[test]
    fn histories_read_as_helms() {
        let check = |mut record: Record, change: fn(&mut Record), expected: &str| {
            change(&mut record);
            assert_eq!(line(&record), expected);
        };
        let first = installed();
        let pending = upgrade(&first);
        let back = pending.rollback(revision(3), &first, Timestamp::UNIX_EPOCH);
        check(first.clone(), |_| (), "deployed: Install complete");
        check(pending.clone(), |_| (), "pending-upgrade: Preparing upgrade");
        check(
            pending.clone(),
            |record| record.deployed(None),
            "deployed: Upgrade complete",
        );
        check(
            pending.clone(),
            |record| record.deployed(Some("mine")),
            "deployed: mine",
        );
        check(
            pending,
            |record| record.failed("x"),
            "failed: Upgrade \"a\" failed: x",
        );
        check(back.clone(), |_| (), "pending-rollback: Rollback to 1");
        check(
            back.clone(),
            |record| record.deployed(None),
            "deployed: Rollback to 1",
        );
        check(
            back,
            |record| record.failed("x"),
            "failed: Rollback \"a\" failed: x",
        );
        check(first.clone(), Record::superseded, "superseded: Install complete");
        check(
            first.clone(),
            Record::replaced,
            "superseded: superseded by new release",
        );
        check(
            first,
            |record| record.uninstalled(None),
            "uninstalled: Uninstallation complete",
        );
    }

    #[test]
    fn a_release_keeps_the_time_of_its_first_install() {
        let mut first = installed();
        first.info.first_deployed = Time::parse("2020-01-01T00:00:00+01:00");
        let second = upgrade(&first);
        let third = second.rollback(revision(3), &first, Timestamp::UNIX_EPOCH);
        for record in [&second, &third] {
            assert_eq!(record.info.first_deployed, first.info.first_deployed);
            assert_eq!(record.info.last_deployed, Some(Time::utc(Timestamp::UNIX_EPOCH)));
            assert_eq!(record.namespace, "n");
        }
    }

    #[test]
    fn a_way_back_has_all_of_the_revision_it_goes_to() {
        let mut first = installed();
        first.manifest = "old".to_owned();
        first.labels.insert("team".to_owned(), "x".to_owned());
        first.config.insert("a".to_owned(), json!(1));
        let back = upgrade(&first).rollback(revision(3), &first, Timestamp::UNIX_EPOCH);
        assert_eq!(
            (&back.manifest, &back.labels, &back.config, &back.info.notes),
            (&first.manifest, &first.labels, &first.config, &first.info.notes)
        );
        assert_eq!(back.revision.get(), 3);
    }
}
