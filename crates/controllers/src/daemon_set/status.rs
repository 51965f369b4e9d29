//! A DaemonSet's status.

use objects::meta;
use serde_json::Value;

use super::Look;
use crate::pod;
use crate::status::Status;

/// The set with its status as it is now, if it is another than the status says.
pub(super) fn changed(look: &Look<'_>) -> Option<Value> {
    let (mut scheduled, mut misscheduled, mut ready, mut available, mut updated) = (0, 0, 0, 0, 0);
    for place in &look.places {
        let first = place.pods.first();
        match first {
            None => {}
            Some(_) if !place.fit.run => misscheduled += 1,
            Some(pod) => {
                scheduled += 1;
                ready += i64::from(pod::is_ready(pod));
                available += i64::from(look.is_available(pod));
                updated += i64::from(look.is_new(pod));
            }
        }
    }
    let wanted = look.wanted();
    let mut status = Status::of(look.set);
    status.always("currentNumberScheduled", scheduled);
    status.always("numberMisscheduled", misscheduled);
    status.always("desiredNumberScheduled", wanted);
    status.always("numberReady", ready);
    status.unless_zero("observedGeneration", meta::generation(look.set));
    status.unless_zero("updatedNumberScheduled", updated);
    status.unless_zero("numberAvailable", available);
    status.unless_zero("numberUnavailable", wanted - available);
    status.applied(look.set)
}
