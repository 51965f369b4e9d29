//! When each place is looked at: one after the other, few at once, and few of them in one cluster.
//!
//! ```text
//! Queue ──due, its clusters have room, a tenth of a second after the one before──► a task ──► what it found, or that it broke
//! ```
//!
//! A thousand applications that are due at the same moment, as when a controller starts, are spread over the time that they
//! take. A cluster whose API server is slow keeps its own places and not those of others. Here nothing is known of what a
//! look is.

use std::collections::BTreeMap;
use std::time::Duration;

use delivery::Name;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;

use crate::queue::Queue;

/// The time between two looks that begin: no more than ten in a second, which is a few requests each.
pub(super) const EACH: Duration = Duration::from_millis(100);

/// How many looks are under way at once, and how many of them in one cluster.
const AT_ONCE: usize = 16;
const IN_CLUSTER: usize = 4;

/// An application in a stage.
pub(super) type Place = (Name, String);

/// What is looked at, and what is to be.
#[derive(Debug)]
pub(super) struct Looks<T> {
    queue: Queue<Place>,
    at_work: BTreeMap<Place, Look>,
    tasks: JoinSet<T>,
    /// No look begins before.
    next: Instant,
}

/// A look under way.
#[derive(Debug)]
pub(super) struct Look {
    task: AbortHandle,
    /// Which promotion it is about.
    pub(super) turn: u64,
    pub(super) clusters: Vec<String>,
}

/// A look that has ended by itself; an error is a bug in it.
#[derive(Debug)]
pub(super) struct Ended<T> {
    pub(super) place: Place,
    pub(super) look: Look,
    pub(super) found: Result<T, JoinError>,
}

impl<T: Send + 'static> Looks<T> {
    pub(super) fn new() -> Self {
        Self {
            queue: Queue::default(),
            at_work: BTreeMap::new(),
            tasks: JoinSet::new(),
            next: Instant::now(),
        }
    }

    /// Looks at a place at a time, or earlier if that was said before.
    pub(super) fn look(&mut self, place: Place, at: Instant) {
        self.queue.look(place, at);
    }

    /// Looks at a place again that ended in a bug, after a wait that doubles.
    pub(super) fn failed(&mut self, place: Place, now: Instant) {
        self.queue.failed(place, now);
    }

    pub(super) fn succeeded(&mut self, place: &Place) {
        self.queue.succeeded(place);
    }

    /// Whether a place is looked at, or is to be.
    pub(super) fn holds(&self, place: &Place) -> bool {
        self.at_work.contains_key(place) || self.queue.holds(place)
    }

    /// Stops looking at a place.
    pub(super) fn stop(&mut self, place: &Place) {
        if let Some(look) = self.at_work.remove(place) {
            look.task.abort();
        }
    }

    /// When the next look begins.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let has_room = self.at_work.len() < AT_ONCE;
        let due = has_room.then(|| self.queue.next_due(|_| true)).flatten();
        due.map(|due| due.max(self.next))
    }

    /// A place that may be looked at now.
    pub(super) fn take(&mut self, now: Instant, clusters: impl Fn(&Place) -> Vec<String>) -> Option<Place> {
        if self.at_work.len() >= AT_ONCE || now < self.next {
            return None;
        }
        let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
        for cluster in self.at_work.values().flat_map(|look| &look.clusters) {
            *busy.entry(cluster).or_default() += 1;
        }
        let has_room = |cluster: &String| busy.get(cluster.as_str()).is_none_or(|looks| *looks < IN_CLUSTER);
        let place = self.queue.take(now, |place| clusters(place).iter().all(has_room));
        // With nothing to take, the clusters of what is due are busy: a moment later one may not be.
        self.next = now + EACH;
        place
    }

    /// Begins a look.
    pub(super) fn begin(
        &mut self,
        place: Place,
        (turn, clusters): (u64, Vec<String>),
        look: impl Future<Output = T> + Send + 'static,
    ) {
        let task = self.tasks.spawn(look);
        let look = Look { task, turn, clusters };
        self.at_work.insert(place, look);
    }

    /// Waits for a look to end; those that were stopped are passed over. May be dropped while it waits.
    pub(super) async fn ended(&mut self) -> Ended<T> {
        loop {
            let (id, found) = match self.tasks.join_next_with_id().await {
                None => return std::future::pending().await,
                Some(Ok((id, found))) => (id, Ok(found)),
                Some(Err(error)) => (error.id(), Err(error)),
            };
            let of = self.at_work.iter().find(|(_, look)| look.task.id() == id);
            let Some(place) = of.map(|(place, _)| place.clone()) else {
                continue;
            };
            if let Some(look) = self.at_work.remove(&place) {
                return Ended { place, look, found };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn place(number: usize) -> Place {
        (Name::new("shop", &format!("web-{number}")), "staging".to_owned())
    }

    fn looks(places: usize) -> Looks<()> {
        let mut looks = Looks::new();
        let now = looks.next;
        (0..places).for_each(|number| looks.look(place(number), now));
        looks
    }

    #[tokio::test]
    async fn what_is_due_at_once_is_spread_and_a_cluster_has_few_looks_at_once() {
        let mut looks = looks(1000);
        let start = looks.next;
        let slow = |place: &Place| {
            let number: usize = place.0.name["web-".len()..].parse().unwrap();
            vec![if number.is_multiple_of(2) { "slow" } else { "fast" }.to_owned()]
        };
        let mut begun: BTreeMap<String, usize> = BTreeMap::new();
        for tenth in 0..20 {
            let now = start + EACH * tenth;
            if let Some(place) = looks.take(now, slow) {
                let cluster = slow(&place);
                *begun.entry(cluster[0].clone()).or_default() += 1;
                let stuck = cluster[0] == "slow";
                looks.begin(place, (1, cluster), async move {
                    if stuck {
                        pending::<()>().await;
                    }
                });
                if !stuck {
                    looks.ended().await;
                }
            }
            assert_eq!(looks.take(now, slow), None);
        }
        assert_eq!(begun.values().sum::<usize>(), 20);
        assert_eq!(begun["slow"], IN_CLUSTER);
    }

    #[tokio::test]
    async fn with_no_room_in_any_cluster_it_waits_instead_of_asking_again_at_once() {
        let mut looks = looks(IN_CLUSTER + 1);
        let one = |_: &Place| vec!["one".to_owned()];
        let mut now = looks.next;
        for _ in 0..IN_CLUSTER {
            let place = looks.take(now, one).unwrap();
            looks.begin(place, (1, vec!["one".to_owned()]), pending());
            now += EACH;
        }
        assert_eq!(looks.take(now, one), None);
        assert_eq!(looks.next_due(), Some(now + EACH));
    }

    #[tokio::test]
    #[expect(clippy::panic, reason = "what is tried here is a look that ends so")]
    async fn a_look_that_ends_in_a_bug_gives_its_place_back_and_is_told() {
        let mut looks = looks(3 * AT_ONCE);
        let mut now = looks.next;
        for _ in 0..2 * AT_ONCE {
            let place = looks.take(now, |_| Vec::new()).unwrap();
            looks.begin(place.clone(), (7, Vec::new()), async { panic!("a bug") });
            let ended = looks.ended().await;
            assert_eq!((ended.place, ended.look.turn), (place.clone(), 7));
            assert!(ended.found.unwrap_err().is_panic());
            now += EACH;
        }
        assert!(looks.next_due().is_some());
    }

    #[tokio::test]
    async fn a_look_that_was_stopped_is_not_told_of() {
        let mut looks = looks(2);
        let mut now = looks.next;
        let mut begin = |looks: &mut Looks<()>, stays: bool| {
            let place = looks.take(now, |_| Vec::new()).unwrap();
            now += EACH;
            match stays {
                true => looks.begin(place.clone(), (1, Vec::new()), pending()),
                false => looks.begin(place.clone(), (1, Vec::new()), ready(())),
            }
            place
        };
        let first = begin(&mut looks, true);
        assert!(looks.holds(&first));
        looks.stop(&first);
        assert!(!looks.holds(&first));
        let second = begin(&mut looks, false);
        assert_eq!(looks.ended().await.place, second);
    }
}
