//! The digest of a plan: the same for the same plan, another for any other.

use delivery::{PlanShown, plan_digest};
use kinds::{ClusterPlan, Direction};

fn plan() -> PlanShown {
    let cluster = |name: &str| ClusterPlan {
        cluster: name.to_owned(),
        manifest: "sha256:aa".into(),
        creates: 1,
        changes: 2,
        deletes: 3,
        objects: 4,
        precious: Vec::new(),
    };
    PlanShown {
        application: "payments/api".into(),
        artifact: "api-1.0.0".into(),
        digest: "sha256:bb".into(),
        stage: "production".into(),
        direction: Direction::Forward,
        settings: "sha256:cc".into(),
        clusters: vec![cluster("p1"), cluster("p2")],
    }
}

#[test]
fn any_other_plan_has_another_digest() {
    type Edit = fn(&mut PlanShown);
    let edits: [Edit; 13] = [
        |one| one.application = "payments/apj".into(),
        |one| one.artifact = "api-1.0.1".into(),
        |one| one.digest = "sha256:bc".into(),
        |one| one.stage = "staging".into(),
        |one| one.direction = Direction::Back,
        |one| one.settings.clear(),
        |one| one.clusters[1].cluster = "p3".into(),
        |one| one.clusters[1].manifest.clear(),
        |one| one.clusters[1].creates = 2,
        |one| one.clusters[1].changes = 1,
        |one| one.clusters[1].deletes = 4,
        |one| one.clusters[1].precious.push("Namespace shop".into()),
        |one| one.clusters.truncate(1),
    ];
    let mut digests = vec![plan_digest(&plan())];
    for edit in edits {
        let mut other = plan();
        edit(&mut other);
        digests.push(plan_digest(&other));
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 14);
}

#[test]
fn the_order_of_clusters_does_not_count() {
    let mut other = plan();
    other.clusters.reverse();
    assert_eq!(plan_digest(&plan()), plan_digest(&other));
}
