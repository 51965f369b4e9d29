//! A hub with a thousand applications: planning one does not cost what planning all does.

use std::time::Instant;

use delivery::{Name, Step, plan, plan_all};
use serde_json::json;

use crate::scene::Scene;

const TENANTS: usize = 20;
const EACH: usize = 50;

fn hub() -> Scene {
    let mut scene = Scene::new();
    scene.stage("staging", json!({"clusters": ["east"]}));
    scene.stage(
        "canary",
        json!({"after": "staging", "clusters": ["west"], "promotion": "Automatic"}),
    );
    scene.stage(
        "production",
        json!({"after": "canary", "clusters": ["p1", "p2"], "gates": {"approvals": {"quorum": 2}}}),
    );
    for tenant in 0..TENANTS {
        let tenant = format!("team-{tenant:02}");
        scene.tenant(&tenant, &[]);
        for one in 0..EACH {
            let name = Name::new(&tenant, &format!("app-{one:02}"));
            scene.application(&name, &[]);
            for version in 0..3 {
                scene.publish(&name, &format!("1.{version}.0"), "ana");
            }
            scene.settle(&name);
        }
    }
    scene
}

#[test]
fn a_commit_to_every_application_is_planned_application_by_application() {
    let mut scene = hub();
    let names: Vec<Name> = scene.world.applications().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), TENANTS * EACH);
    assert!(
        plan_all(&scene.world, scene.now)
            .iter()
            .all(|(_, plan)| plan.steps.is_empty())
    );
    scene.pass(jiff::SignedDuration::from_mins(1));
    for name in &names {
        scene.publish(name, "2.0.0", "ana");
    }
    let begun = Instant::now();
    let all = plan_all(&scene.world, scene.now);
    let all_took = begun.elapsed();
    let creates = all.iter().flat_map(|(_, plan)| &plan.steps);
    let creates = creates.filter(|step| matches!(step, Step::Create { .. })).count();
    assert_eq!(creates, TENANTS * EACH);
    let begun = Instant::now();
    for name in &names {
        assert_eq!(plan(&scene.world, name, scene.now).steps.len(), 1);
    }
    println!("all {all_took:?}, one by one {:?}", begun.elapsed());
    // What one costs does not grow with the others: together they cost what all do, whatever the machine.
    assert!(begun.elapsed() < all_took * 20, "planning one looks at others");
}
