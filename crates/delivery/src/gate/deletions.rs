//! The gate `deletions`: the promotion deletes no more than the stage's brake lets go, or a person agreed to it.

use super::{Case, Closed, Decision};
use crate::brake;
use crate::reason;
use crate::shown::{Shown, shown};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    // Somebody is in trouble, and what comes back was there before.
    if case.is_back() {
        return Decision::open();
    }
    match shown(case) {
        Shown::Current(digest) => brake::decide(case, &case.promotion.status.plan, &digest.to_string()),
        Shown::Not(_) if brake::is_full(case) => {
            let message = "releases lost objects; what this one would delete is being looked at";
            Closed::new(reason::NOT_SHOWN, message).waiting()
        }
        // The executor asks again before it applies.
        Shown::Not(_) => Decision::open(),
    }
}
