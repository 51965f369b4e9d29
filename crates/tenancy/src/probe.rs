//! The attacks of the isolation check: what the people and the deploy identity of one tenant try on another tenant, on the
//! cluster, and on the bounds of their own namespaces.
//!
//! ```text
//! attacker, victim ──► who tries (every role there is, the deploy identity)
//!                      × ways: objects that a chart may carry      ─┐
//!                      × reach: reads, changes, connections, rights ┴─► Probe ──► answer ──judge──► Verdict
//! ```
//!
//! Pure: `control` sends the requests. Nothing changes when one succeeds: writes are dry runs, connections name an object
//! that does not exist, of what is read nothing is kept. Deliberately absent: the network between pods and the kernel below
//! them, which no request to an API server says anything about.

mod judge;
mod pods;
mod reach;
mod ways;
mod who;

use std::fmt;

use kinds::{Object, PodSecurity, Tenant};
use serde_json::Value;

pub use judge::{Answer, By, Verdict, judge};
pub use ways::{Way, ways};
pub use who::Who;

use crate::wanted::{namespaces_of, quota_of};

/// The name of everything that an attack would make, and of what it asks for where any name will do. Nothing is ever
/// made with it.
pub const PROBE: &str = "shipway-check";

/// One attack, or one request that must be let through so that the attacks of the same people mean something.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Never changed nor reused, as `pod-host-path`.
    pub id: &'static str,
    pub title: &'static str,
    pub who: Who,
    pub request: Request,
    pub expected: Expected,
}

/// What has to come of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is an attack.
    Stopped,
    /// It is what a tenant is for: without it a proof would prove only that nothing works.
    LetThrough,
}

/// A request to an API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub verb: Verb,
    pub api_version: &'static str,
    pub kind: &'static str,
    /// Empty for kinds without, and for all.
    pub namespace: String,
    /// Empty for all, and for what is made.
    pub name: String,
    pub subresource: &'static str,
    /// `null` for none.
    pub body: Value,
}

/// What is asked of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    List,
    Watch,
    /// The four that write are dry runs.
    Create,
    Patch,
    Delete,
    DeleteAll,
    /// Opens a connection, on an object that is not there.
    Connect,
    /// Asks the API server what one may do: the answer itself has to be read.
    Ask,
}

/// The probes that do not depend on who the others are, in all namespaces of a tenant and on the cluster.
#[must_use]
pub fn alone(attacker: &Object<Tenant>) -> Vec<Probe> {
    let mut all = Vec::new();
    for ground in grounds(attacker, None) {
        for who in who::all(attacker, None) {
            all.extend(made(&ground, &who));
            all.extend(reach::bounds(&ground, &who));
            all.extend(reach::work(&ground, &who));
        }
    }
    // What all share is the same from each of its namespaces.
    for ground in grounds(attacker, None).iter().take(1) {
        for who in who::all(attacker, None) {
            all.extend(reach::cluster(ground, &who));
        }
    }
    all
}

/// The probes of one tenant on another.
#[must_use]
pub fn pair(attacker: &Object<Tenant>, victim: &Object<Tenant>) -> Vec<Probe> {
    let mut all = Vec::new();
    for ground in grounds(attacker, Some(victim)) {
        for who in who::all(attacker, Some(victim)) {
            all.extend(made(&ground, &who));
            all.extend(reach::other(&ground, &who));
        }
        // Attacks by one of each role, as one binding names them all; but somebody may have been given more.
        for who in who::everybody(attacker, Some(victim)) {
            all.extend(reach::any_right(&ground, &who));
        }
    }
    all
}

/// Where an attack is made from, and on whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    pub(crate) tenant: String,
    pub(crate) is_leaving: bool,
    /// The attacker's.
    pub(crate) namespace: String,
    pub(crate) level: PodSecurity,
    pub(crate) quota: kinds::Quota,
    pub(crate) hosts: Vec<String>,
    pub(crate) victim: Option<Victim>,
}

/// Whom an attack is made on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Victim {
    pub name: String,
    pub namespace: String,
    pub hosts: Vec<String>,
    pub members: Vec<kinds::Member>,
}

/// Each namespace of a tenant alone; or its first against each of another's, as rights are given by namespace.
#[must_use]
pub fn grounds(attacker: &Object<Tenant>, victim: Option<&Object<Tenant>>) -> Vec<Ground> {
    let own: Vec<Ground> = namespaces_of(attacker)
        .iter()
        .map(|namespace| Ground {
            tenant: attacker.metadata.name.clone(),
            is_leaving: attacker.is_leaving(),
            namespace: namespace.name.clone(),
            level: namespace.pod_security.unwrap_or(attacker.spec.pod_security),
            quota: quota_of(attacker, namespace).clone(),
            hosts: attacker.spec.hosts.clone(),
            victim: None,
        })
        .collect();
    let Some(victim) = victim else {
        return own;
    };
    let against = |ground: Ground| {
        namespaces_of(victim).into_iter().map(move |namespace| Ground {
            victim: Some(Victim {
                name: victim.metadata.name.clone(),
                namespace: namespace.name,
                hosts: victim.spec.hosts.clone(),
                members: victim.spec.members.clone(),
            }),
            ..ground.clone()
        })
    };
    own.into_iter().take(1).flat_map(against).collect()
}

/// The ways out as probes: each object is made by a dry run.
fn made(ground: &Ground, who: &Who) -> Vec<Probe> {
    let created = |(way, object): (&Way, Value)| Probe {
        id: way.id,
        title: way.title,
        who: who.clone(),
        request: Request {
            verb: Verb::Create,
            api_version: way.api_version,
            kind: way.kind,
            namespace: objects::meta::namespace(&object).to_owned(),
            name: String::new(),
            subresource: "",
            body: object,
        },
        expected: Expected::Stopped,
    };
    ways()
        .into_iter()
        .filter_map(|way| Some((way, way.object(ground)?)))
        .map(created)
        .collect()
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verb,
            api_version: _,
            kind,
            namespace,
            name,
            subresource,
            body,
        } = self;
        let verb = match verb {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
            Verb::DeleteAll => "deletecollection",
            Verb::Connect => "connect",
            Verb::Ask => return write!(f, "ask {kind} {}", body["spec"]),
        };
        write!(f, "{verb} {kind}")?;
        if !namespace.is_empty() || !name.is_empty() {
            write!(f, " {}", [namespace.as_str(), name].join("/").trim_matches('/'))?;
        }
        match *subresource {
            "" => Ok(()),
            subresource => write!(f, " ({subresource})"),
        }
    }
}
