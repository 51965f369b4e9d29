//! The gate `hold`: nobody holds the application as it is in the stage. A rollback goes through, for it is what holds are for.
//! It is asked before each wave too.

use objects::time;

use super::{Case, Closed, Decision};
use crate::{command, reason};

pub(crate) fn decide(case: &Case<'_>) -> Decision {
    let Some(hold) = case.hold() else {
        return Decision::open();
    };
    if case.is_back() {
        return Decision::open_because(format!("{} holds it, and a rollback goes through", hold.by));
    }
    let message = format!("{} holds it in {}: {}", hold.by, case.to(), hold.reason);
    let since = hold.since.as_deref().and_then(time::parse);
    let who = format!("{}, or {}", hold.by, case.whoever_may("deploy"));
    Closed::new(reason::HELD, message)
        .since(since)
        .opened_by(who, command::let_go(case.name, case.to()))
        .refused()
}
