//! The revisions of a StatefulSet: the one it comes from and the one it goes to.

use std::collections::BTreeSet;

use objects::control::Action;
use objects::{World, meta};
use serde_json::Value;

use super::{HASH, STATEFUL_SET};
use crate::claim::Owner;
use crate::revision::{self, Draft, Outcome};
use crate::status::Status;

const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// How many revisions a set keeps that does not say it, as the server's default has it.
const DEFAULT_LIMIT: i64 = 10;

/// The revisions of a set.
#[derive(Debug)]
pub(super) struct History<'a> {
    /// By number.
    all: Vec<&'a Value>,
    /// The one that the pods had before the update.
    pub(super) current: &'a Value,
    /// The one with the set's template.
    pub(super) update: &'a Value,
    pub(super) collisions: i64,
}

/// Whether the revisions are as they should be.
#[derive(Debug)]
pub(super) enum Settled<'a> {
    Known(History<'a>),
    /// First this has to be written.
    Write(Box<Action>),
}

/// Sees to a revision for the set's template.
pub(super) fn settle<'a>(world: &'a World, owner: &Owner<'a>, mut all: Vec<&'a Value>) -> Settled<'a> {
    let set = owner.object;
    all.sort_by_key(|one| (revision::number(one), meta::created(one), meta::name(one)));
    let collisions = meta::number_at(set, "/status/collisionCount").unwrap_or_default();
    let data = revision::data(set.pointer("/spec/template").unwrap_or(&Value::Null));
    let hash = revision::hash(&data, collisions);
    let draft = Draft {
        owner: *owner,
        hash: &hash,
        hash_label: HASH_LABEL,
        data: &data,
        number: revision::next_number(all.iter().copied()),
    };
    let taken = world.find(&revision::KIND, meta::namespace(set), &revision::name(set, &hash));
    match revision::settle(&all, taken.map(|taken| &**taken), &draft) {
        Outcome::Found(update) => {
            let current = meta::text_at(set, "/status/currentRevision");
            let current = all.iter().copied().find(|one| meta::name(one) == current);
            Settled::Known(History {
                current: current.unwrap_or(update),
                update,
                all,
                collisions,
            })
        }
        Outcome::Write(action) => Settled::Write(Box::new(action)),
        Outcome::Collision => {
            let mut status = Status::of(set);
            status.always("collisionCount", collisions + 1);
            let mut changed = set.clone();
            if let Some(with_status) = status.applied(set) {
                changed = with_status;
            }
            Settled::Write(Box::new(Action::UpdateStatus(STATEFUL_SET.clone(), changed)))
        }
    }
}

impl History<'_> {
    /// Deletes revisions that no pod has, but for as many as the set keeps for rollbacks.
    pub(super) fn surplus(&self, set: &Value, pods: &[&Value]) -> Vec<Action> {
        let mut live: BTreeSet<&str> = pods.iter().filter_map(|pod| meta::label(pod, HASH)).collect();
        live.extend([meta::name(self.current), meta::name(self.update)]);
        let history = self
            .all
            .iter()
            .copied()
            .filter(|one| !live.contains(meta::name(one)));
        let history: Vec<_> = history.filter(|one| !meta::is_deleted(one)).collect();
        let limit = meta::number_at(set, "/spec/revisionHistoryLimit").unwrap_or(DEFAULT_LIMIT);
        revision::surplus(&history, limit)
    }
}
