//! Which connections are let in: so many at all, so many of an address, and a few kept for probes, so that whoever fills the
//! rest does not have this replica restarted.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::origin::{Network, counted, is_one_of};
use crate::places::{Place, Places};

/// Connections at one time. Forges open a few, and whoever watches a board holds one.
const ALL: usize = 1_024;

/// Of one address: an office's, or an ingress's that was not named as one. A proxy that was named has all.
const OF_ADDRESS: usize = 256;

/// For probes alone, once the others are taken: at all, and of one address.
const PROBES: usize = 32;
const PROBES_OF_ADDRESS: usize = 4;

/// The doors. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    proxies: Arc<[Network]>,
    all: Kind,
    probes: Kind,
}

/// Places of a kind.
#[derive(Clone, Debug)]
struct Kind {
    all: Arc<Semaphore>,
    of_address: Arc<Places>,
}

/// What a connection may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Everything,
    /// Whether this replica lives.
    Probe,
}

/// Leave to be there, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) door: Door,
    _all: OwnedSemaphorePermit,
    _of_address: Option<Place>,
}

impl Doors {
    pub(crate) fn new(proxies: Arc<[Network]>) -> Self {
        Self {
            proxies,
            all: Kind::new(ALL, OF_ADDRESS),
            probes: Kind::new(PROBES, PROBES_OF_ADDRESS),
        }
    }

    /// Lets a connection in; `None` if there is no place for it, not even to ask whether this replica lives.
    pub(crate) fn enter(&self, from: IpAddr) -> Option<Pass> {
        let is_proxy = is_one_of(&self.proxies, from);
        self.all
            .enter(from, is_proxy, Door::Everything)
            .or_else(|| self.probes.enter(from, false, Door::Probe))
    }
}

impl Kind {
    fn new(all: usize, of_address: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            of_address: Places::new(of_address),
        }
    }

    fn enter(&self, from: IpAddr, is_proxy: bool, door: Door) -> Option<Pass> {
        let of_address = match is_proxy {
            true => None,
            false => Some(self.of_address.take(&counted(from))?),
        };
        Some(Pass {
            door,
            _all: Arc::clone(&self.all).try_acquire_owned().ok()?,
            _of_address: of_address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(doors: &Doors, from: &str, count: usize) -> Vec<Pass> {
        let from = from.parse().unwrap();
        (0..count).map_while(|_| doors.enter(from)).collect()
    }

    fn open(passes: &[Pass]) -> (usize, usize) {
        let open = passes.iter().filter(|pass| pass.door == Door::Everything).count();
        (open, passes.len() - open)
    }

    #[test]
    fn one_address_leaves_room_for_others_and_for_probes() {
        let doors = Doors::new(Arc::new([]));
        let greedy = enter(&doors, "203.0.113.7", 2_000);
        assert_eq!(open(&greedy), (OF_ADDRESS, PROBES_OF_ADDRESS));
        assert_eq!(open(&enter(&doors, "203.0.113.8", 1)), (1, 0));
        drop(greedy);
        assert_eq!(open(&enter(&doors, "203.0.113.7", 1)), (1, 0));
    }

    #[test]
    fn when_many_have_taken_all_a_probe_still_gets_in() {
        let doors = Doors::new(Arc::new([]));
        let crowd: Vec<Pass> = (0..8)
            .flat_map(|at| enter(&doors, &format!("203.0.113.{at}"), OF_ADDRESS))
            .filter(|pass| pass.door == Door::Everything)
            .collect();
        assert_eq!(crowd.len(), ALL);
        assert_eq!(open(&enter(&doors, "10.0.0.1", 1)), (0, 1));
        // However many come to this door, it is bounded too.
        let probes: Vec<Pass> = (0..64)
            .flat_map(|at| enter(&doors, &format!("198.51.100.{at}"), 4))
            .collect();
        assert_eq!(open(&probes), (0, PROBES));
    }

    #[test]
    fn a_proxy_that_was_named_is_nobody_alone() {
        let doors = Doors::new(Arc::new(["10.0.0.0/8".parse().unwrap()]));
        assert_eq!(open(&enter(&doors, "10.0.0.1", 2_000)), (ALL, PROBES_OF_ADDRESS));
    }
}
