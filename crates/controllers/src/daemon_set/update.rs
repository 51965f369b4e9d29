//! RollingUpdate of a DaemonSet: within `maxUnavailable` by deleting old pods, or within `maxSurge` by a second pod.

use objects::meta;
use serde_json::Value;

use super::{Changes, Look, Place};
use crate::amount::{self, Rounding};

/// How far an update may go at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) surge: i64,
    unavailable: i64,
}

/// The pods of a node that count: at most one new and one old.
#[derive(Clone, Copy, Debug)]
struct Pair<'a> {
    new: Option<&'a Value>,
    old: Option<&'a Value>,
}

/// The bounds of a set that wants so many pods.
pub(super) fn bounds(set: &Value, wanted: i64) -> Bounds {
    let amount = |field| {
        let value = set
            .pointer("/spec/updateStrategy/rollingUpdate")
            .and_then(|update| update.get(field));
        amount::of(value, wanted, Rounding::Up).max(0)
    };
    let (surge, mut unavailable) = (amount("maxSurge"), amount("maxUnavailable"));
    if surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    Bounds { surge, unavailable }
}

impl<'a> Look<'a> {
    /// Adds what brings the set closer to its template.
    pub(super) fn update(&self, changes: &mut Changes<'a>) {
        let bounds = bounds(self.set, self.wanted());
        if bounds.surge > 0 {
            self.surge(bounds.surge, changes);
        } else {
            self.replace(bounds.unavailable, changes);
        }
    }

    fn replace(&self, most: i64, changes: &mut Changes<'a>) {
        let mut unavailable = 0;
        let mut candidates = Vec::new();
        let places = self
            .places
            .iter()
            .filter(|place| place.fit.run || !place.pods.is_empty());
        for place in places {
            match self.pair(place) {
                // Too many, none, or one of each: not this step's affair, but nothing that serves for sure.
                None | Some(Pair { new: None, old: None }) => unavailable += 1,
                Some(Pair {
                    new: Some(_),
                    old: Some(_),
                }) => unavailable += 1,
                Some(Pair { new: Some(new), .. }) => unavailable += i64::from(!self.is_available(new)),
                Some(Pair { old: Some(old), .. }) if self.is_available(old) => candidates.push(old),
                // An old pod that serves nobody costs nothing.
                Some(Pair { old: Some(old), .. }) => changes.delete.push(old),
            }
        }
        let room = usize::try_from(most - unavailable).unwrap_or_default();
        changes.delete.extend(candidates.into_iter().take(room));
    }

    fn surge(&self, most: i64, changes: &mut Changes<'a>) {
        let mut surging = 0;
        let mut candidates = Vec::new();
        for place in &self.places {
            match self.pair(place) {
                Some(Pair {
                    new: None,
                    old: Some(old),
                }) if place.fit.run => {
                    if self.is_available(old) {
                        candidates.push(place.node);
                    } else {
                        changes.create_on.insert(place.node);
                    }
                }
                Some(Pair {
                    new: Some(new),
                    old: Some(old),
                }) => {
                    if self.is_available(new) || !self.is_available(old) {
                        changes.delete.push(old);
                    } else {
                        surging += 1;
                    }
                }
                _ => {}
            }
        }
        let room = usize::try_from(most - surging).unwrap_or_default();
        changes.create_on.extend(candidates.into_iter().take(room));
    }

    /// `None` when there are several of one sort.
    fn pair(&self, place: &Place<'a>) -> Option<Pair<'a>> {
        let pods = place.pods.iter().copied().filter(|pod| !meta::is_deleted(pod));
        let (new, old): (Vec<_>, Vec<_>) = pods.partition(|pod| self.is_new(pod));
        if new.len() > 1 || old.len() > 1 {
            return None;
        }
        Some(Pair {
            new: new.first().copied(),
            old: old.first().copied(),
        })
    }
}
