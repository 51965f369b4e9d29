//! What a caller may ask for: how often, how often for a change, and how many boards at once. A tenant's machines share what they
//! have, because there are as many of them as somebody makes.

use std::sync::Arc;
use std::time::Duration;

use control::access::Caller;
use tokio::time::Instant;

use crate::limits::{Limits, OF_CALLER, OF_MACHINES, Rate, WRITES, WRITES_OF_MACHINES};
use crate::places::{Place, Places};

/// Boards that one caller watches: a screen for each team, and some more.
const WATCHED: usize = 16;

/// What all callers have.
#[derive(Debug)]
pub(crate) struct Quotas {
    requests: Both,
    writes: Both,
    watched: Arc<Places>,
}

/// A limit of each caller, and one of the machines of each tenant.
#[derive(Debug)]
struct Both {
    own: Limits,
    machines: Limits,
}

/// Not now: after how long, and of what there was too much.
pub(crate) type TooMuch = (Duration, &'static str);

impl Quotas {
    pub(crate) fn new() -> Self {
        Self {
            requests: Both::new(OF_CALLER, OF_MACHINES),
            writes: Both::new(WRITES, WRITES_OF_MACHINES),
            watched: Places::new(WATCHED),
        }
    }

    /// For a request.
    pub(crate) fn ask(&self, caller: &Caller, now: Instant) -> Result<(), TooMuch> {
        let said = [
            "too many requests come with this token",
            "too many requests come from machines of this tenant",
        ];
        self.requests.take(caller, said, now)
    }

    /// For one that changes something.
    pub(crate) fn change(&self, caller: &Caller, now: Instant) -> Result<(), TooMuch> {
        let said = [
            "too many changes are asked for with this token",
            "too many changes are asked for by machines of this tenant",
        ];
        self.writes.take(caller, said, now)
    }

    /// For a board that is watched.
    pub(crate) fn watch(&self, caller: &Caller) -> Result<Place, TooMuch> {
        let said = "too many boards are watched with this token";
        self.watched
            .take(&caller.name)
            .ok_or((Duration::from_secs(1), said))
    }
}

impl Both {
    fn new(own: Rate, machines: Rate) -> Self {
        Self {
            own: Limits::new(own),
            machines: Limits::new(machines),
        }
    }

    fn take(&self, caller: &Caller, [own, machines]: [&'static str; 2], now: Instant) -> Result<(), TooMuch> {
        self.own
            .take(&caller.name, 1.0, now)
            .map_err(|wait| (wait, own))?;
        match machine_of(caller) {
            None => Ok(()),
            Some(tenant) => self
                .machines
                .take(tenant, 1.0, now)
                .map_err(|wait| (wait, machines)),
        }
    }
}

/// The tenant whose machine a caller is: one that is for nothing else.
fn machine_of(caller: &Caller) -> Option<&str> {
    let tenant = caller.grants.first()?.tenant.as_deref()?;
    let mut all = caller.grants.iter();
    (!caller.is_person && all.all(|grant| grant.tenant.as_deref() == Some(tenant))).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use control::access::Grant;
    use kinds::Role;

    use super::*;

    fn machine(name: &str, tenant: &str) -> Caller {
        Caller {
            name: format!("token:{tenant}/{name}"),
            groups: Vec::new(),
            is_person: false,
            grants: vec![Grant {
                tenant: Some(tenant.to_owned()),
                role: Role::Deploy,
            }],
        }
    }

    #[test]
    fn more_tokens_are_no_more_requests_of_a_tenant() {
        let (quotas, now) = (Quotas::new(), Instant::now());
        let ask = |caller: &Caller| (0..1_000).take_while(|_| quotas.ask(caller, now).is_ok()).count();
        let of = |tenant: &str| -> usize { (0..50).map(|at| ask(&machine(&at.to_string(), tenant))).sum() };
        assert_eq!(of("payments"), 300);
        assert_eq!(of("orders"), 300, "another tenant's are another's");
        let person = Caller {
            is_person: true,
            ..machine("ana", "payments")
        };
        assert_eq!(ask(&person), 100, "people are no machines");
    }

    #[test]
    fn changes_are_fewer_than_looks_and_boards_fewer_still() {
        let (quotas, now) = (Quotas::new(), Instant::now());
        let one = machine("one", "payments");
        let count = (0..1_000)
            .take_while(|_| quotas.change(&one, now).is_ok())
            .count();
        assert_eq!(count, 20);
        assert!(quotas.change(&one, now + Duration::from_secs(1)).is_ok());
        assert!(quotas.ask(&one, now).is_ok());
        let boards: Vec<Place> = (0..100).map_while(|_| quotas.watch(&one).ok()).collect();
        assert_eq!(boards.len(), 16);
        drop(boards);
        assert!(quotas.watch(&one).is_ok());
    }
}
