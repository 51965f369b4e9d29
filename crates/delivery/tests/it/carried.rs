//! What a promotion that was carried out leaves in its status: why it failed, and what it was deployed with.

use delivery::{Action, Name, Step, settings_digest};
use kinds::{Direction, Object, Phase, Promotion, condition};
use serde_json::json;

use crate::scene::Scene;

const CLUSTERS: [&str; 7] = ["east", "west", "north", "p1", "p2", "p3", "p4"];

fn app() -> Name {
    Name::new("payments", "api")
}

fn scene(clusters: &[&str]) -> Scene {
    let mut scene = Scene::new();
    scene.tenant("payments", &[]);
    scene.stage("staging", json!({"clusters": clusters, "waves": {"size": 64}}));
    scene.application(&app(), &[]);
    scene
}

fn promotion(scene: &Scene, name: &str) -> Object<Promotion> {
    let name = Name::new("payments", name);
    scene.world.promotion(&name).unwrap().clone()
}

#[test]
fn however_much_clusters_say_it_is_a_sentence_without_what_containers_print() {
    let mut scene = scene(&CLUSTERS);
    scene.publish(&app(), "1.0.0", "ana");
    for _ in 0..3 {
        scene.plan(&app());
    }
    let failure = format!(
        "not ready in time: Deployment payments/api: no pods\n  Pod api-1, container web: CrashLoopBackOff\n    \
         event BackOff: {}\n    log password=hunter2\n    log {}; mend it",
        "é".repeat(1500),
        "x".repeat(4096)
    );
    for (name, cluster, action) in scene.busy(&app()) {
        scene.finish(&name, &cluster, action, Some(&failure));
    }
    let steps = scene.plan(&app()).steps;
    let Some(Step::Perform { action, because, .. }) = steps.last() else {
        panic!("{steps:?}")
    };
    assert_eq!(*action, Action::PutBack);
    assert!(because.message.len() < 4200, "{}", because.message.len());
    assert!(because.message.contains("container web: CrashLoopBackOff; event"));
    let failed = promotion(&scene, "api-1.0.0-staging");
    let conditions = &failed.status.conditions;
    let ready = conditions
        .iter()
        .find(|one| one.kind == condition::READY)
        .unwrap();
    assert_eq!(ready.message, because.message);
    assert!(!ready.message.contains("hunter2"));
    // The step has everything.
    assert!(failed.status.steps[0].message.contains("log password=hunter2"));
}

#[test]
fn a_rollback_is_deployed_with_the_values_of_then() {
    let mut scene = scene(&["east"]);
    scene.publish(&app(), "1.0.0", "ana");
    scene.settle(&app());
    let then = promotion(&scene, "api-1.0.0-staging").status.settings;
    scene.publish(&app(), "1.1.0", "ana");
    scene.settle(&app());
    scene.edit_application(&app(), |one| one.spec.release = Some("other".to_owned()));
    let name = scene.ask(&app(), "api-1.0.0", ("staging", Direction::Back), "bob");
    scene.settle(&app());
    let back = promotion(&scene, &name.name).status;
    assert_eq!((back.phase, &back.settings), (Phase::Succeeded, &then));
    let now = settings_digest(scene.world.application(&app()).unwrap(), "staging");
    assert_ne!(now, then);
    assert_eq!(scene.world.current(&app(), "staging").unwrap().settings, then);
}

#[test]
fn what_a_promotion_was_let_through_with_stays_in_its_status() {
    let mut scene = scene(&["east"]);
    scene.publish(&app(), "1.0.0", "ana");
    scene.plan(&app());
    scene.plan(&app());
    let begun = promotion(&scene, "api-1.0.0-staging").status;
    assert_eq!(begun.phase, Phase::Running);
    assert_eq!(begun.plan.len(), 1);
    assert!(begun.planned.is_some() && !begun.plan_digest.is_empty());
}
