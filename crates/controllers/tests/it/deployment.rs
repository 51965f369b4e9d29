//! Deployments with their ReplicaSets.

use controllers::deployment::Deployments;
use controllers::replica_set::ReplicaSets;
use objects::control::Loop;
use objects::{Kind, meta};
use serde_json::{Value, json};

use crate::harness::{Cluster, condition, set_image, workload};

const REVISION: &str = "deployment.kubernetes.io/revision";

pub fn loops() -> Vec<Box<dyn Loop>> {
    vec![Box::new(Deployments), Box::new(ReplicaSets::new())]
}

pub fn web(replicas: i64) -> Value {
    let rolling = json!({"maxSurge": "25%", "maxUnavailable": "25%"});
    let spec = json!({
        "replicas": replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
    });
    workload("Deployment", "web", "a", &spec)
}

fn with(change: impl FnOnce(&mut Value)) -> Cluster {
    let mut cluster = Cluster::new(loops, 7).with_nodes(3);
    let mut deployment = web(3);
    change(&mut deployment);
    cluster.create(deployment);
    cluster.settle();
    cluster
}

fn deployment(cluster: &Cluster) -> Value {
    cluster.get(&Kind::DEPLOYMENT, "web")
}

fn edit(cluster: &mut Cluster, change: impl FnOnce(&mut Value)) {
    cluster.edit(&Kind::DEPLOYMENT, "web", change);
    cluster.settle();
}

/// Image, size and revision of each ReplicaSet, by revision.
fn sets(cluster: &Cluster) -> Vec<(String, i64, String)> {
    let mut sets: Vec<_> = cluster
        .list(&Kind::REPLICA_SET)
        .iter()
        .map(|set| {
            (
                meta::text_at(set, "/spec/template/spec/containers/0/image").to_owned(),
                meta::number_at(set, "/spec/replicas").unwrap_or_default(),
                meta::annotation(set, REVISION).unwrap_or_default().to_owned(),
            )
        })
        .collect();
    sets.sort_by(|one, other| one.2.cmp(&other.2));
    sets
}

fn is(image: &str, size: i64, revision: &str) -> (String, i64, String) {
    (image.to_owned(), size, revision.to_owned())
}

#[test]
fn a_new_deployment_says_what_the_real_one_says() {
    let cluster = with(|_| {});
    let web = deployment(&cluster);
    let mut status = web["status"].clone();
    let conditions = status["conditions"].take();
    assert_eq!(
        status,
        json!({
            "availableReplicas": 3, "conditions": null, "observedGeneration": 1, "readyReplicas": 3,
            "replicas": 3, "updatedReplicas": 3,
        })
    );
    let set = &cluster.list(&Kind::REPLICA_SET)[0];
    let name = meta::name(set);
    assert_eq!(
        conditions[0]["message"],
        json!("Deployment has minimum availability.")
    );
    assert_eq!(
        conditions[1]["message"],
        json!(format!("ReplicaSet \"{name}\" has successfully progressed."))
    );
    assert_eq!(condition(&web, "Available"), "True/MinimumReplicasAvailable");
    assert_eq!(condition(&web, "Progressing"), "True/NewReplicaSetAvailable");
    assert_eq!(web["metadata"]["annotations"], json!({REVISION: "1"}));
    assert_eq!(
        set["metadata"]["annotations"],
        json!({
            REVISION: "1", "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
        })
    );
    let hash = meta::label(set, "pod-template-hash").expect("a hash");
    assert_eq!(name, format!("web-{hash}"));
    assert_eq!(
        set["spec"]["selector"]["matchLabels"],
        json!({"app": "web", "pod-template-hash": hash})
    );
    assert_eq!(
        cluster.told("ScalingReplicaSet"),
        [format!("Scaled up replica set {name} from 0 to 3")]
    );
}

#[test]
fn a_rollout_keeps_its_bounds_and_a_rollback_takes_the_old_set_again() {
    let mut cluster = with(|_| {});
    edit(&mut cluster, |web| set_image(web, "b"));
    assert_eq!(sets(&cluster), [is("a", 0, "1"), is("b", 3, "2")]);
    let told = cluster.told("ScalingReplicaSet");
    let steps: Vec<_> = told
        .iter()
        .map(|told| told.split_once(" from ").expect("a change").1)
        .collect();
    assert_eq!(
        steps,
        [
            "0 to 3", "0 to 1", "3 to 2", "1 to 2", "2 to 1", "2 to 3", "1 to 0"
        ]
    );

    edit(&mut cluster, |web| set_image(web, "a"));
    assert_eq!(sets(&cluster), [is("b", 0, "2"), is("a", 3, "3")]);
    assert_eq!(meta::annotation(&deployment(&cluster), REVISION), Some("3"));
    let back = cluster.list(&Kind::REPLICA_SET);
    let history = back
        .iter()
        .find_map(|set| meta::annotation(set, "deployment.kubernetes.io/revision-history"));
    assert_eq!(history, Some("1"));
}

#[test]
fn old_revisions_are_forgotten_beyond_the_limit() {
    let mut cluster = with(|web| web["spec"]["revisionHistoryLimit"] = json!(1));
    for image in ["b", "c", "d"] {
        edit(&mut cluster, |web| set_image(web, image));
    }
    assert_eq!(sets(&cluster), [is("c", 0, "3"), is("d", 3, "4")]);
}

#[test]
fn recreate_ends_all_old_pods_first() {
    let mut cluster = with(|web| web["spec"]["strategy"] = json!({"type": "Recreate"}));
    cluster.edit(&Kind::DEPLOYMENT, "web", |web| set_image(web, "b"));
    cluster.settle_without_nodes();
    // The old ones are still on their way out, so nothing new is there.
    assert_eq!(sets(&cluster), [is("a", 0, "1")]);
    cluster.settle();
    assert_eq!(sets(&cluster), [is("a", 0, "1"), is("b", 3, "2")]);
    assert_eq!(cluster.list(&Kind::POD).len(), 3);
}

#[test]
fn a_paused_deployment_takes_a_new_size_but_no_new_template() {
    let mut cluster = with(|_| {});
    edit(&mut cluster, |web| web["spec"]["paused"] = json!(true));
    let web = deployment(&cluster);
    assert_eq!(condition(&web, "Progressing"), "Unknown/DeploymentPaused");
    assert_eq!(web["status"]["observedGeneration"], json!(2));
    edit(&mut cluster, |web| {
        set_image(web, "b");
        web["spec"]["replicas"] = json!(5);
    });
    assert_eq!(sets(&cluster), [is("a", 5, "1")]);
    edit(&mut cluster, |web| web["spec"]["paused"] = json!(false));
    assert_eq!(sets(&cluster), [is("a", 0, "1"), is("b", 5, "2")]);
    assert_eq!(
        condition(&deployment(&cluster), "Progressing"),
        "True/NewReplicaSetAvailable"
    );
}

#[test]
fn a_rollout_that_stands_still_is_given_up_but_stays() {
    let mut cluster = with(|web| web["spec"]["progressDeadlineSeconds"] = json!(5));
    edit(&mut cluster, |web| set_image(web, "broken"));
    let web = deployment(&cluster);
    assert_eq!(condition(&web, "Progressing"), "False/ProgressDeadlineExceeded");
    assert_eq!(condition(&web, "Available"), "True/MinimumReplicasAvailable");
    assert_eq!(sets(&cluster), [is("a", 3, "1"), is("broken", 1, "2")]);
    assert_eq!(web["status"]["unavailableReplicas"], json!(1));

    edit(&mut cluster, |web| set_image(web, "a"));
    assert_eq!(sets(&cluster), [is("broken", 0, "2"), is("a", 3, "3")]);
    assert_eq!(
        condition(&deployment(&cluster), "Progressing"),
        "True/NewReplicaSetAvailable"
    );
}

#[test]
fn a_new_size_in_the_middle_of_a_rollout_is_spread() {
    let mut cluster = with(|web| web["spec"]["replicas"] = json!(8));
    edit(&mut cluster, |web| set_image(web, "broken"));
    let before = sets(&cluster);
    assert_eq!(before, [is("a", 6, "1"), is("broken", 4, "2")]);
    edit(&mut cluster, |web| web["spec"]["replicas"] = json!(16));
    // 20 pods may be there: 6/10 and 4/10 of them; then the old ones shrink to what must be available.
    assert_eq!(sets(&cluster), [is("a", 12, "1"), is("broken", 8, "2")]);
}

#[test]
fn a_name_that_is_taken_counts_as_a_collision() {
    let first = with(|_| {});
    let name = meta::name(&first.list(&Kind::REPLICA_SET)[0]).to_owned();
    let mut cluster = Cluster::new(loops, 1).with_nodes(1);
    let mut stranger = workload("ReplicaSet", &name, "x", &json!({"replicas": 0}));
    stranger["spec"]["selector"] = json!({"matchLabels": {"app": "stranger"}});
    cluster.create(stranger);
    cluster.create(web(1));
    cluster.settle();
    assert_eq!(deployment(&cluster)["status"]["collisionCount"], json!(1));
    assert_eq!(deployment(&cluster)["status"]["availableReplicas"], json!(1));
}

#[test]
fn trouble_of_a_replica_set_is_told() {
    let mut cluster = Cluster::new(loops, 1).with_nodes(1);
    cluster.quota = Some(1);
    cluster.create(web(3));
    cluster.settle();
    assert_eq!(
        condition(&deployment(&cluster), "ReplicaFailure"),
        "True/FailedCreate"
    );
    cluster.quota = None;
    cluster.settle();
    assert_eq!(condition(&deployment(&cluster), "ReplicaFailure"), "");
}

#[test]
fn orphaned_replica_sets_are_adopted() {
    let mut cluster = with(|_| {});
    let set = meta::name(&cluster.list(&Kind::REPLICA_SET)[0]).to_owned();
    cluster.edit(&Kind::REPLICA_SET, &set, |set| {
        set["metadata"]["ownerReferences"] = json!([]);
    });
    cluster.settle();
    let owners = cluster.get(&Kind::REPLICA_SET, &set)["metadata"]["ownerReferences"].clone();
    assert_eq!(owners[0]["kind"], json!("Deployment"));
    assert_eq!(cluster.list(&Kind::REPLICA_SET).len(), 1);
}
