//! Control loops: what decides, and what it wants done.
//!
//! ```text
//!            ┌────────────── the engine (elsewhere: it has the clock and the cluster) ──────────────┐
//! change ──► World ──► Loop::touched ──► keys ──► Loop::decide(world, key, now) ──► Plan ──► writes ┘
//!                                         ▲                                          │
//!                                         └───────── Plan::again, refused writes ────┘
//! ```
//!
//! A loop takes no input but the world: a change only says "look at this key again", so a restart and the usual
//! path are the same. The engine feeds every change to the world before anybody decides, executes a plan's actions
//! in order, and stops at the first one that is refused.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kind::{Key, Kind};
use crate::meta;
use crate::world::{Change, World};

/// Decides for one concern of the cluster, one object at a time.
///
/// What a loop keeps in itself is lost when the process ends, so it may only be what it can do without: caches made
/// from changes, back-offs, samples of metrics.
pub trait Loop: Send {
    /// Who writes.
    fn identity(&self) -> Identity;

    /// Names the objects that are to be looked at because of a change, which the world has already taken in. At
    /// the start, every object is announced once as new.
    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>);

    /// Decides what to do about one object, which may be gone. Called again after its actions have happened.
    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan;

    /// Decides what a refused action means beyond trying again later: an event, a condition. Nothing by default.
    fn refused(&mut self, _world: &World, _key: &Key, _refusal: &Refusal<'_>, _now: Timestamp) -> Plan {
        Plan::default()
    }
}

/// How the cluster sees a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user that RBAC and admission see, such as `system:serviceaccount:kube-system:deployment-controller`.
    pub user: &'static str,
    /// The owner of the fields that it writes, such as `kube-controller-manager`.
    pub manager: &'static str,
    /// The source of its events, such as `deployment-controller`.
    pub component: &'static str,
}

/// What is to be done about one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In their order; what comes after a refused one is not done.
    pub actions: Vec<Action>,
    /// When to look again even if nothing changes.
    pub again: Option<Timestamp>,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The kind comes from the object's `apiVersion` and `kind`; `metadata.generateName` is allowed.
    Create(Value),
    /// Replaces an object of this kind, if it still has the `resourceVersion` that the value says. Without managed
    /// fields in it, as the world has none, the stored ones stay.
    Update(Kind, Value),
    /// Replaces the status likewise.
    UpdateStatus(Kind, Value),
    /// Replaces another subresource likewise, such as `finalize` of a Namespace.
    UpdatePart(Kind, &'static str, Value),
    /// A JSON merge patch (RFC 7386) of an object or of its subresource.
    Patch {
        key: Key,
        subresource: Option<&'static str>,
        patch: Value,
    },
    Delete {
        key: Key,
        /// Deletes this incarnation only.
        uid: Option<String>,
        /// Seconds; `None` for the object's own.
        grace: Option<i64>,
        propagation: Option<Propagation>,
    },
    /// Sets `spec.nodeName` by the `binding` subresource.
    Bind {
        pod: Key,
        uid: String,
        node: String,
    },
    /// Sets the number of replicas by the `scale` subresource.
    Scale {
        key: Key,
        replicas: i64,
    },
    Record(Event),
    /// Tells the world of something that no API server stores, such as what a pod uses; `None` forgets it.
    Observe {
        key: Key,
        value: Option<Value>,
    },
}

/// What becomes of the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// Something worth telling whoever describes an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The object that it is about, as the world has it.
    pub about: Key,
    /// `spec.containers{web}`, for an event about a part.
    pub field: Option<String>,
    pub warning: bool,
    /// One word, such as `ScalingReplicaSet`.
    pub reason: &'static str,
    pub message: String,
    /// What was attempted, such as `Binding`: given by writers of the Events API, as the scheduler is one.
    pub action: Option<&'static str>,
    /// The node that reports, for events of a kubelet.
    pub host: Option<String>,
}

/// An action that the API server did not do.
#[derive(Clone, Debug)]
pub struct Refusal<'a> {
    pub action: &'a Action,
    /// The HTTP status code.
    pub code: u16,
    /// The `reason` of the `Status`, such as `Forbidden` or `AlreadyExists`.
    pub reason: &'a str,
    pub message: &'a str,
}

impl Plan {
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn of(actions: Vec<Action>) -> Self {
        Self { actions, again: None }
    }

    /// Nothing but to look again at a time.
    #[must_use]
    pub fn later(again: Timestamp) -> Self {
        Self {
            actions: Vec::new(),
            again: Some(again),
        }
    }

    pub fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Looks again at a time, or earlier if that was asked for already.
    pub fn look_at(&mut self, time: Timestamp) {
        self.again = Some(self.again.map_or(time, |earlier| earlier.min(time)));
    }
}

impl Action {
    /// Deletes one incarnation of an object, in its own time.
    #[must_use]
    pub fn delete(key: Key, object: &Value) -> Self {
        Self::Delete {
            key,
            uid: Some(meta::uid(object).to_owned()),
            grace: None,
            propagation: None,
        }
    }
}

impl Action {
    /// Takes a finalizer out of this version of an object.
    #[must_use]
    pub fn drop_finalizer(key: &Key, object: &Value, finalizer: &str) -> Self {
        let all = meta::list_at(object, "/metadata/finalizers");
        let rest: Vec<&Value> = all.iter().filter(|one| *one != finalizer).collect();
        Self::set_metadata(key, object, "finalizers", json!(rest))
    }

    /// Sets one list in the metadata of this version of an object; an empty one is removed.
    #[must_use]
    pub fn set_metadata(key: &Key, object: &Value, field: &str, list: Value) -> Self {
        let list = if list.as_array().is_some_and(Vec::is_empty) {
            Value::Null
        } else {
            list
        };
        let version = meta::resource_version(object);
        Self::Patch {
            key: key.clone(),
            subresource: None,
            patch: json!({"metadata": {"resourceVersion": version, field: list}}),
        }
    }
}

impl Event {
    #[must_use]
    pub fn normal(about: &Key, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            about: about.clone(),
            field: None,
            warning: false,
            reason,
            message: message.into(),
            action: None,
            host: None,
        }
    }

    #[must_use]
    pub fn warning(about: &Key, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            warning: true,
            ..Self::normal(about, reason, message)
        }
    }
}
