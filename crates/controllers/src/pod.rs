//! Reading pods as controllers do: what counts as a replica, as ready and as available.

use jiff::{SignedDuration, Timestamp};
pub use objects::pod::{is_finished, is_ready};
use objects::{Brief, Kind, meta, time};
use serde_json::Value;

/// The kind, for those who need it for as long as the world.
pub static KIND: Kind = Kind::POD;

/// Whether a pod has been ready for as long as its owner asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It is not ready.
    No,
    /// It is ready and will be available then.
    At(Timestamp),
    Yes,
}

#[must_use]
pub fn phase(pod: &Value) -> &str {
    meta::text_at(pod, "/status/phase")
}

/// The node that the pod is bound to, or "".
#[must_use]
pub fn node(pod: &Value) -> &str {
    meta::text_at(pod, "/spec/nodeName")
}

/// Whether the pod counts as a replica: neither at an end nor on its way out.
#[must_use]
pub fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && !meta::is_deleted(pod)
}

/// Whether somebody deleted the pod and it still runs.
#[must_use]
pub fn is_terminating(pod: &Value) -> bool {
    !is_finished(pod) && meta::is_deleted(pod)
}

/// Since when the pod is ready, if it is.
#[must_use]
pub fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = objects::condition::find(pod, "Ready").filter(|one| meta::text(one, "status") == "True")?;
    time::parse(meta::text(ready, "lastTransitionTime"))
}

/// Whether the pod has been ready for `min_ready_seconds`.
#[must_use]
pub fn availability(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> Availability {
    available(is_ready(pod), || ready_since(pod), min_ready_seconds, now)
}

/// [`availability`] of a pod in brief.
#[must_use]
pub fn brief_availability(pod: &Brief, min_ready_seconds: i64, now: Timestamp) -> Availability {
    available(pod.ready, || pod.ready_since, min_ready_seconds, now)
}

fn available(
    ready: bool,
    since: impl Fn() -> Option<Timestamp>,
    min_ready_seconds: i64,
    now: Timestamp,
) -> Availability {
    if !ready {
        return Availability::No;
    }
    if min_ready_seconds <= 0 {
        return Availability::Yes;
    }
    let Some(since) = since() else {
        return Availability::No;
    };
    match since.checked_add(SignedDuration::from_secs(min_ready_seconds)) {
        Ok(due) if due > now => Availability::At(due),
        Ok(_) => Availability::Yes,
        Err(_) => Availability::No,
    }
}

#[must_use]
pub fn is_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> bool {
    availability(pod, min_ready_seconds, now) == Availability::Yes
}

/// The highest number of restarts of any of the pod's containers.
#[must_use]
pub fn restarts(pod: &Value) -> i64 {
    let statuses = meta::list_at(pod, "/status/containerStatuses").iter();
    let counts = statuses.filter_map(|status| meta::number_at(status, "/restartCount"));
    counts.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_is_available_when_it_was_ready_for_long_enough() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let pod = |status: &str| {
            json!({"status": {"conditions": [
                {"type": "Ready", "status": status, "lastTransitionTime": "1970-01-01T00:00:10Z"},
            ]}})
        };
        for (status, min_ready, now, expected) in [
            ("False", 0, 20, Availability::No),
            ("True", 0, 10, Availability::Yes),
            ("True", 5, 12, Availability::At(at(15))),
            ("True", 5, 15, Availability::Yes),
        ] {
            assert_eq!(availability(&pod(status), min_ready, at(now)), expected);
        }
    }
}
