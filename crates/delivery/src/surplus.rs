//! Which promotions go, so that a hub does not grow for ever.

use jiff::{SignedDuration, Timestamp};
use kinds::{Object, Promotion};

use crate::world::{is_live, moment};
use crate::{Name, World};

/// How many promotions of an application into a stage stay, however old they are: enough to go back, and to see what failed.
const LAST: usize = 50;

/// How long every promotion stays: as long as anybody asks for measures.
const LONG: SignedDuration = SignedDuration::from_hours(90 * 24);

/// At most so many go at once; the rest goes the next time.
const AT_ONCE: usize = 20;

/// The promotions of an application that ended over 90 days ago and are none of the last 50 into their stage.
///
/// Guarantees: never one that is under way, nor the one that brought what a stage has.
#[must_use]
pub fn surplus(world: &World, application: &Name, now: Timestamp) -> Vec<Name> {
    let before = now.checked_sub(LONG).unwrap_or(Timestamp::MIN);
    let mut surplus = Vec::new();
    for stage in world.route() {
        let stage = stage.metadata.name.as_str();
        let current = world.current(application, stage).map(|one| one.promotion);
        let ended = |one: &&Object<Promotion>| !is_live(one);
        let mut all: Vec<&Object<Promotion>> = world.promotions(application, stage).filter(ended).collect();
        if all.len() <= LAST {
            continue;
        }
        all.sort_by_key(|one| (moment(one.status.ended.as_ref()), &one.metadata.name));
        let is_old = |one: &&&Object<Promotion>| {
            let ended = moment(one.status.ended.as_ref());
            ended.is_some_and(|ended| ended < before) && Some(&one.metadata.name) != current.as_ref()
        };
        let old = all.iter().take(all.len() - LAST).filter(is_old);
        surplus.extend(old.map(|one| Name::of(*one)));
    }
    surplus.truncate(AT_ONCE);
    surplus
}
