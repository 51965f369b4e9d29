//! Why a pod does not fit, in the real scheduler's words.

use std::collections::BTreeMap;
use std::fmt;

/// Why one node does not take a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Unschedulable,
    /// The key and value of a taint.
    Taint(String, String),
    NodeAffinity,
    /// The pod names other nodes.
    NotNamed,
    Ports,
    TooManyPods,
    Insufficient(String),
    ClaimInUse,
    VolumeMissing,
    VolumeAffinity,
    NoVolume,
    VolumeZone,
    SpreadLabel,
    Spread,
    PodAffinity,
    PodAntiAffinity,
    ExistingAntiAffinity,
    NoVictims,
    NotHelpful,
}

/// What kind of change can make a pod fit that did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// There are no nodes.
    Empty,
    /// Labels, taints and such of nodes, or that there are nodes at all.
    Nodes,
    /// Room or ports on nodes.
    Room,
    /// Claims, volumes and classes.
    Volumes,
    /// Where other pods are.
    Pods,
}

/// Why a node does not take a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub reasons: Vec<Reason>,
    /// Removing pods from the node could help.
    pub resolvable: bool,
}

/// How many nodes have each reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Reason, usize>);

impl Reason {
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Unschedulable | Self::Taint(..) | Self::NodeAffinity | Self::NotNamed => Cause::Nodes,
            Self::Ports | Self::TooManyPods | Self::Insufficient(_) => Cause::Room,
            Self::VolumeMissing | Self::VolumeAffinity | Self::NoVolume | Self::VolumeZone => Cause::Volumes,
            _ => Cause::Pods,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unschedulable => "node(s) were unschedulable",
            Self::Taint(key, value) => return write!(f, "node(s) had untolerated taint {{{key}: {value}}}"),
            Self::NodeAffinity => "node(s) didn't match Pod's node affinity/selector",
            Self::NotNamed => "node(s) didn't satisfy plugin(s) [NodeAffinity]",
            Self::Ports => "node(s) didn't have free ports for the requested pod ports",
            Self::TooManyPods => "Too many pods",
            Self::Insufficient(resource) => return write!(f, "Insufficient {resource}"),
            Self::ClaimInUse => {
                "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
            }
            Self::VolumeMissing => {
                "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
            }
            Self::VolumeAffinity => "node(s) didn't match PersistentVolume's node affinity",
            Self::NoVolume => "node(s) didn't find available persistent volumes to bind",
            Self::VolumeZone => "node(s) had no available volume zone",
            Self::SpreadLabel => {
                "node(s) didn't match pod topology spread constraints (missing required label)"
            }
            Self::Spread => "node(s) didn't match pod topology spread constraints",
            Self::PodAffinity => "node(s) didn't match pod affinity rules",
            Self::PodAntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Self::ExistingAntiAffinity => "node(s) didn't satisfy existing pods anti-affinity rules",
            Self::NoVictims => "No preemption victims found for incoming pod",
            Self::NotHelpful => "Preemption is not helpful for scheduling",
        })
    }
}

impl Rejection {
    /// One that removing pods can't change.
    #[must_use]
    pub fn of(reason: Reason) -> Self {
        Self {
            reasons: vec![reason],
            resolvable: false,
        }
    }

    #[must_use]
    pub fn resolvable(reason: Reason) -> Self {
        Self {
            reasons: vec![reason],
            resolvable: true,
        }
    }
}

impl Tally {
    pub fn add(&mut self, reason: Reason, nodes: usize) {
        if nodes > 0 {
            *self.0.entry(reason).or_default() += nodes;
        }
    }

    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes: Vec<_> = self.0.keys().map(Reason::cause).collect();
        causes.sort_unstable();
        causes.dedup();
        causes
    }

    /// `0/5 nodes are available: 3 Insufficient cpu, 2 Too many pods.`, sorted as text.
    #[must_use]
    pub fn print(&self, nodes: usize) -> String {
        let mut lines: Vec<_> = self
            .0
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        lines.sort_unstable();
        if lines.is_empty() {
            return format!("0/{nodes} nodes are available:");
        }
        format!("0/{nodes} nodes are available: {}.", lines.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sorted_as_text() {
        let mut tally = Tally::default();
        tally.add(Reason::TooManyPods, 2);
        tally.add(Reason::Insufficient("cpu".to_owned()), 10);
        tally.add(Reason::Taint("k".to_owned(), String::new()), 3);
        tally.add(Reason::Ports, 0);
        assert_eq!(
            tally.print(15),
            "0/15 nodes are available: 10 Insufficient cpu, 2 Too many pods, 3 node(s) had untolerated taint {k: }."
        );
        assert_eq!(tally.causes(), [Cause::Nodes, Cause::Room]);
    }
}
