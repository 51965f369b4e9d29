//! Whose the fields of a release are, and what becomes of those that others have.

use cluster::run::Error;
use cluster::{Apply, Cluster, Patch, Write};
use objects::meta;
use release::Record;
use release::storage::{self, Driver, Write as Purpose};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::release::{NAMESPACE, config_map, contents, install, now, open, options, upgrade};

/// A ConfigMap of two fields.
fn two_fields() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1", "more": "1"}})
}

async fn live(cluster: &Cluster) -> Value {
    let maps = cluster.resource("v1", "ConfigMap").await.unwrap().unwrap();
    cluster.get(maps.at(NAMESPACE, "a")).await.unwrap().unwrap()
}

/// The managers of an object's fields, each with how it came by them.
fn managers(object: &Value) -> Vec<String> {
    let entries = meta::list_at(object, "/metadata/managedFields").iter();
    entries
        .map(|entry| {
            format!(
                "{} {}",
                meta::text(entry, "manager"),
                meta::text(entry, "operation")
            )
        })
        .collect()
}

async fn upgraded(cluster: &Cluster, objects: &[Value]) -> Result<Record, Error> {
    let mut release = open(cluster, options("second")).await;
    let wanted = upgrade(&release, contents(objects, Vec::new()));
    release.deploy(wanted).await
}

/// Before 0.2 fields were applied as `shipway`, by records that said client-side apply.
#[tokio::test]
async fn a_release_whose_fields_are_shipways_is_taken_over() {
    let ground = Ground::new().await;
    let cluster = &ground.cluster;
    let record = install(cluster, contents(&[two_fields()], Vec::new())).await;
    let maps = ground.config_maps().await;
    let mut object = live(cluster).await;
    let mut entries = object["metadata"]["managedFields"].take();
    entries[0]["manager"] = json!("shipway");
    let patch = json!({"metadata": {"managedFields": entries}});
    let at = maps.at(NAMESPACE, "a");
    cluster
        .patch(at, Patch::Merge(&patch), Write::default())
        .await
        .unwrap();
    let mut old = record.clone();
    old.apply_method = release::ApplyMethod::ClientSide;
    let object = storage::to_object(&old, Driver::Secret, Purpose::Update(now())).unwrap();
    let secrets = ground.resource("v1", "Secret").await;
    let name = meta::name(&object).to_owned();
    cluster
        .update(secrets.at(NAMESPACE, &name), &object, Write::default())
        .await
        .unwrap();
    assert_eq!(managers(&live(cluster).await), ["shipway Apply"]);
    let record = upgraded(cluster, &[config_map("a", "2")]).await.unwrap();
    let object = live(cluster).await;
    assert_eq!(managers(&object), ["helm Apply"]);
    assert_eq!(object["data"], json!({"k": "2"}));
    assert_eq!(record.apply_method, release::ApplyMethod::ServerSide);
}

#[tokio::test]
async fn a_field_that_somebody_edited_is_a_conflict_with_its_owner() {
    let ground = Ground::new().await;
    let cluster = &ground.cluster;
    install(cluster, contents(&[two_fields()], Vec::new())).await;
    let maps = ground.config_maps().await;
    let edit = Write {
        manager: "kubectl-edit",
        ..Write::default()
    };
    let patch = json!({"data": {"k": "by hand"}});
    cluster
        .patch(maps.at(NAMESPACE, "a"), Patch::Merge(&patch), edit)
        .await
        .unwrap();
    let error = upgraded(cluster, &[config_map("a", "2")]).await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("kubectl-edit") && told.contains("data.k"), "{told}");
    assert_eq!(live(cluster).await["data"]["k"], "by hand");
}

/// What helm 4 sends when it goes back: the same manager, without force.
#[tokio::test]
async fn helm_meets_no_conflict_with_what_shipway_applied() {
    let ground = Ground::new().await;
    let cluster = &ground.cluster;
    install(cluster, contents(&[two_fields()], Vec::new())).await;
    upgraded(cluster, &[config_map("a", "2")]).await.unwrap();
    let maps = ground.config_maps().await;
    let helm = Apply {
        manager: "helm",
        ..Apply::default()
    };
    let made = cluster
        .apply(maps.at(NAMESPACE, "a"), &config_map("a", "1"), helm)
        .await;
    assert_eq!(made.unwrap()["data"], json!({"k": "1"}));
}
