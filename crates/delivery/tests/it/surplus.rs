//! Promotions of long ago go, and never one that somebody needs.

use delivery::{Name, surplus};
use jiff::SignedDuration;
use kinds::{Direction, Phase};
use objects::time;
use serde_json::json;

use crate::scene::Scene;

#[test]
fn what_ended_long_ago_goes_but_the_last_and_what_is_there() {
    let mut scene = Scene::new();
    scene.stage("staging", json!({"clusters": ["east"]}));
    scene.tenant("shop", &[]);
    let name = Name::new("shop", "web");
    scene.application(&name, &[]);
    scene.publish(&name, "1.0.0", "ana");
    let mut made = Vec::new();
    for number in 0..75 {
        scene.pass(SignedDuration::from_hours(1));
        let promotion = scene.ask(&name, "web-1.0.0", ("staging", Direction::Forward), "ada");
        let ended = time::seconds(scene.now);
        scene.edit_promotion(&promotion, |one| {
            // The second is what is there; all later ones failed.
            one.status.phase = if number == 1 {
                Phase::Succeeded
            } else {
                Phase::Failed
            };
            one.status.turn = number + 1;
            one.status.ended = Some(ended);
        });
        made.push(promotion);
    }
    assert_eq!(surplus(&scene.world, &name, scene.now), [], "nothing is old");
    scene.pass(SignedDuration::from_hours(91 * 24));
    let first = surplus(&scene.world, &name, scene.now);
    assert_eq!(first.len(), 20, "{first:?}");
    assert!(!first.contains(&made[1]), "it brought what is there");
    first
        .iter()
        .for_each(|one| scene.world.remove::<kinds::Promotion>(one));
    let rest = surplus(&scene.world, &name, scene.now);
    rest.iter()
        .for_each(|one| scene.world.remove::<kinds::Promotion>(one));
    let left: Vec<&Name> = made
        .iter()
        .filter(|one| scene.world.promotion(one).is_some())
        .collect();
    assert_eq!(left.len(), 51);
    assert_eq!(left[1..], made[25..].iter().collect::<Vec<_>>());
    assert_eq!(surplus(&scene.world, &name, scene.now), []);
}
