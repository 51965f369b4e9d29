//! Who leads: one decision over the Lease that all replicas see.
//!
//! A Lease is judged by how long it did not change *as seen from here*, never by comparing its times with the own clock:
//! machines whose clocks differ still elect one leader. The rule and the fields are those of Kubernetes' own controllers
//! (client-go `leaderelection`), so `kubectl get lease` reads as usual.

use std::time::Duration;

use jiff::Timestamp;
use objects::{meta, time};
use serde_json::{Value, json};

/// How an election goes. The defaults are those of kube-controller-manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// A Lease that did not change for this long may be taken.
    pub lease: Duration,
    /// A leader that could not renew for this long stops to be one. Shorter than `lease`, so that two never lead.
    pub renew: Duration,
    /// The time between two looks.
    pub retry: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// What to do about a Lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Nobody has one: create this.
    Create(Value),
    /// Write this in its place; whoever has changed it meanwhile wins.
    Update(Value),
    /// Somebody else leads.
    Follow,
}

/// Decides from the Lease as it was read and for how long it has been seen unchanged.
#[must_use]
pub fn decide(
    lease: Option<&Value>,
    unchanged: Duration,
    me: &str,
    (terms, now): (Terms, Timestamp),
) -> Move {
    let Some(lease) = lease else {
        return Move::Create(held(json!({}), me, 0, (terms, now, now)));
    };
    let spec = &lease["spec"];
    let holder = meta::text(spec, "holderIdentity");
    let transitions = spec["leaseTransitions"].as_i64().unwrap_or(0);
    if holder == me {
        let acquired = meta::text(spec, "acquireTime").parse().unwrap_or(now);
        return Move::Update(held(lease.clone(), me, transitions, (terms, acquired, now)));
    }
    // Whoever holds it may have other terms; a Lease that says nothing is free.
    let lasts = spec["leaseDurationSeconds"].as_u64().map(Duration::from_secs);
    let is_over = holder.is_empty() || unchanged >= lasts.unwrap_or_default().max(terms.lease);
    match is_over {
        true => Move::Update(held(lease.clone(), me, transitions + 1, (terms, now, now))),
        false => Move::Follow,
    }
}

/// The Lease after its holder has let it go, so that the next need not wait.
#[must_use]
pub fn let_go(lease: &Value, me: &str) -> Option<Value> {
    let mut lease = lease.clone();
    if meta::text(&lease["spec"], "holderIdentity") != me {
        return None;
    }
    lease["spec"]["holderIdentity"] = json!("");
    lease["spec"]["leaseDurationSeconds"] = json!(1);
    Some(lease)
}

fn held(
    mut lease: Value,
    me: &str,
    transitions: i64,
    (terms, acquired, now): (Terms, Timestamp, Timestamp),
) -> Value {
    lease["spec"] = json!({
        "holderIdentity": me,
        // At least one second: the API knows no shorter one.
        "leaseDurationSeconds": terms.lease.as_secs().max(1),
        "acquireTime": time::micros(acquired),
        "renewTime": time::micros(now),
        "leaseTransitions": transitions,
    });
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn lease(holder: &str) -> Value {
        let spec = json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 3});
        json!({"metadata": {"name": "shipway-controller", "resourceVersion": "7"}, "spec": spec})
    }

    fn decided(lease: Option<&Value>, unchanged: u64) -> Move {
        decide(
            lease,
            Duration::from_secs(unchanged),
            "me",
            (Terms::default(), NOW),
        )
    }

    #[test]
    fn a_lease_is_taken_when_nobody_renews_it() {
        for (holder, unchanged, taken) in [
            ("other", 0, false),
            ("other", 14, false),
            ("other", 15, true),
            ("", 0, true),
        ] {
            let expected = match decided(Some(&lease(holder)), unchanged) {
                Move::Update(next) => {
                    assert_eq!(next["spec"]["leaseTransitions"], 4, "a new holder counts");
                    assert_eq!(
                        next["metadata"]["resourceVersion"], "7",
                        "an older look never wins"
                    );
                    true
                }
                Move::Follow => false,
                Move::Create(_) => panic!("there is one"),
            };
            assert_eq!(expected, taken, "{holder:?} after {unchanged} s");
        }
    }

    #[test]
    fn a_holder_renews_without_a_transition() {
        let Move::Update(next) = decided(Some(&lease("me")), 100) else {
            panic!("a holder renews")
        };
        assert_eq!(next["spec"]["leaseTransitions"], 3);
    }

    #[test]
    fn the_first_creates_it() {
        assert!(matches!(decided(None, 0), Move::Create(lease) if lease["spec"]["holderIdentity"] == "me"));
    }

    #[test]
    fn only_the_holder_lets_go() {
        assert_eq!(let_go(&lease("other"), "me"), None);
        let free = let_go(&lease("me"), "me").unwrap();
        assert!(matches!(decided(Some(&free), 0), Move::Update(_)));
    }
}
