//! Reading and writing objects.

use cluster::{Apply, Delete, ListQuery, Patch, Why, Write};
use model::Diagnose as _;
use serde_json::json;

use crate::ground::{Ground, config_map};

const US: Write<'_> = Write {
    manager: "test",
    dry_run: false,
    strict: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_created_read_changed_and_deleted() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    let at = maps.at("default", "a");
    assert_eq!(cluster.get(at).await.unwrap(), None);
    let created = cluster.create(at, &config_map("a", "1"), US).await.unwrap();
    let again = cluster.create(at, &config_map("a", "1"), US).await.unwrap_err();
    assert_eq!((again.why(), again.code().id), (Some(&Why::Exists), "SW0408"));

    let merge = json!({"data": {"k": "2"}});
    cluster.patch(at, Patch::Merge(&merge), US).await.unwrap();
    let stale = cluster.update(at, &created, US).await.unwrap_err();
    assert_eq!((stale.why(), stale.code().id), (Some(&Why::Conflict), "SW0406"));
    let operations = json!([{"op": "replace", "path": "/data/k", "value": "3"}]);
    let mut now = cluster.patch(at, Patch::Json(&operations), US).await.unwrap();
    now["data"]["k"] = json!("4");
    cluster.update(at, &now, US).await.unwrap();
    let read = cluster.get(at).await.unwrap().unwrap();
    assert_eq!(read["data"]["k"], "4");

    assert!(cluster.delete(at, Delete::default()).await.unwrap());
    assert!(!cluster.delete(at, Delete::default()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_meets_only_the_object_that_was_meant() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    let at = maps.at("default", "a");
    let created = cluster.create(at, &config_map("a", "1"), US).await.unwrap();
    let other = Delete {
        uid: "00000000-0000-0000-0000-000000000000",
        ..Delete::default()
    };
    let refused = cluster.delete(at, other).await.unwrap_err();
    assert_eq!(refused.why(), Some(&Why::Conflict));
    let dry = Delete {
        dry_run: true,
        ..Delete::default()
    };
    assert!(cluster.delete(at, dry).await.unwrap());
    let this = Delete {
        uid: created["metadata"]["uid"].as_str().unwrap(),
        ..Delete::default()
    };
    assert!(cluster.delete(at, this).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_names_the_owner_of_a_field_and_takes_it_when_told() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    let at = maps.at("default", "a");
    let by = |manager, force| Apply {
        manager,
        force,
        dry_run: false,
    };
    cluster
        .apply(at, &config_map("a", "1"), by("one", false))
        .await
        .unwrap();
    let refused = cluster.apply(at, &config_map("a", "2"), by("other", false)).await;
    let refused = refused.unwrap_err();
    let Some(Why::Fields(conflicts)) = refused.why() else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (conflicts[0].field.as_str(), conflicts[0].manager.as_str()),
        (".data.k", "one")
    );
    assert_eq!(refused.code().id, "SW0407");
    assert_eq!(
        refused.to_string(),
        "can't apply ConfigMap default/a: .data.k belongs to one"
    );
    let dry = Apply {
        dry_run: true,
        ..by("other", true)
    };
    let would = cluster.apply(at, &config_map("a", "2"), dry).await.unwrap();
    assert_eq!(would["data"]["k"], "2");
    assert_eq!(cluster.get(at).await.unwrap().unwrap()["data"]["k"], "1");
    let taken = cluster
        .apply(at, &config_map("a", "2"), by("other", true))
        .await
        .unwrap();
    assert_eq!(taken["data"]["k"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_every_page_and_every_item_its_kind() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    for number in 0..520 {
        let mut map = config_map(&format!("m{number:03}"), "1");
        map["metadata"]["labels"] = json!({"even": (number % 2 == 0).to_string()});
        cluster.create(maps.at("default", ""), &map, US).await.unwrap();
    }
    let before = cluster.requests();
    let all = ListQuery::labelled("even");
    let listed = cluster.list(&maps, Some("default"), &all).await.unwrap();
    assert_eq!((listed.items.len(), listed.complete), (520, true));
    assert_eq!(cluster.requests() - before, 2);
    assert!(
        listed
            .items
            .iter()
            .all(|item| item["kind"] == "ConfigMap" && item["apiVersion"] == "v1")
    );
    assert!(!listed.resource_version.is_empty());

    let few = ListQuery {
        limit: Some(3),
        ..ListQuery::labelled("even=true")
    };
    let listed = cluster.list(&maps, None, &few).await.unwrap();
    assert_eq!((listed.items.len(), listed.complete), (3, false));
    assert_eq!(listed.items[2]["metadata"]["name"], "m004");

    let metadata = ListQuery {
        metadata_only: true,
        ..ListQuery::named("m007")
    };
    let listed = cluster.list(&maps, None, &metadata).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(
        (&listed.items[0]["kind"], listed.items[0].get("data")),
        (&json!("ConfigMap"), None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_kind_does_not_allow_is_refused_with_its_field() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    let at = maps.at("default", "");
    let refused = cluster
        .create(at, &config_map("Not A Name", "1"), US)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.why(), refused.code().id),
        (Some(&Why::Invalid), "SW0409")
    );
    assert_eq!(refused.status().unwrap().causes[0].field, "metadata.name");
    let mut unknown = config_map("a", "1");
    unknown["extra"] = json!(1);
    let strict = Write { strict: true, ..US };
    let refused = cluster.create(at, &unknown, strict).await.unwrap_err();
    assert_eq!(refused.why(), Some(&Why::Invalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_there_is_told_with_its_pod() {
    let ground = Ground::new().await;
    let pods = ground.resource("v1", "Pod").await;
    let log = ground
        .cluster
        .logs(pods.at("default", "web"), "main", 10, true)
        .await;
    let error = log.unwrap_err();
    assert_eq!((error.why(), error.code().id), (Some(&Why::NotFound), "SW0405"));
    assert_eq!(error.to_string(), "can't get log of Pod default/web");
}
