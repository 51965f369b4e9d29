//! Watches over streams that end, break and forget.

use cluster::{Cluster, Delete, Event, ListQuery, Resource, Watch, Write};
use serde_json::{Value, json};
use testkit::faulty::{Fault, Faulty};

use crate::ground::{Ground, config_map, connected};

const US: Write<'_> = Write {
    manager: "",
    dry_run: false,
    strict: false,
};

async fn create(cluster: &Cluster, maps: &Resource, name: &str) -> Value {
    let at = maps.at("default", name);
    cluster.create(at, &config_map(name, "1"), US).await.unwrap()
}

/// What happened, as a line.
async fn next(watch: &mut Watch) -> String {
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    match watch.next().await.unwrap() {
        Event::Added(object) => format!("added {}", name(&object)),
        Event::Modified(object) => format!("modified {}", name(&object)),
        Event::Deleted(object) => format!("deleted {}", name(&object)),
        Event::Relisted(objects) => {
            let names: Vec<String> = objects.iter().map(name).collect();
            format!("relisted {}", names.join(" "))
        }
    }
}

/// A cluster, a client of it by a bad way, and a watch there.
async fn bad_watch(query: &ListQuery) -> (Ground, Faulty, Resource, Watch) {
    let ground = Ground::new().await;
    let faulty = Faulty::start(&ground.server.handle()).await.unwrap();
    let path = ground.folder.path().join("faulty");
    std::fs::write(&path, faulty.kubeconfig()).unwrap();
    let cluster = connected(path).await;
    let maps = ground.config_maps().await;
    let first = create(&ground.cluster, &maps, "first").await;
    let from = first["metadata"]["resourceVersion"].as_str().unwrap();
    let watch = cluster.watch(&maps, Some("default"), query, from);
    (ground, faulty, maps, watch)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_from_the_state_on_that_was_named() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    let first = create(cluster, &maps, "a").await;
    create(cluster, &maps, "b").await;
    let from = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut all = cluster.watch(&maps, Some("default"), &ListQuery::default(), from);
    let mut one = cluster.watch(&maps, Some("default"), &ListQuery::named("c"), "");
    assert_eq!(next(&mut one).await, "relisted ");
    assert_eq!(next(&mut all).await, "added b");
    create(cluster, &maps, "c").await;
    assert_eq!(next(&mut all).await, "added c");
    let change = json!({"data": {"k": "2"}});
    cluster
        .patch(maps.at("default", "c"), cluster::Patch::Merge(&change), US)
        .await
        .unwrap();
    assert_eq!(next(&mut all).await, "modified c");
    cluster
        .delete(maps.at("default", "c"), Delete::default())
        .await
        .unwrap();
    assert_eq!(next(&mut all).await, "deleted c");
    for expected in ["added c", "modified c", "deleted c"] {
        assert_eq!(next(&mut one).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_or_breaks_off_is_taken_up_where_it_was() {
    for fault in [Fault::End { lines: 1 }, Fault::Break { lines: 1 }] {
        let (ground, faulty, maps, mut watch) = bad_watch(&ListQuery::default()).await;
        faulty.plan(move |_| Some(fault.clone()));
        for name in ["a", "b", "c", "d"] {
            create(&ground.cluster, &maps, name).await;
        }
        for name in ["a", "b", "c", "d"] {
            assert_eq!(next(&mut watch).await, format!("added {name}"));
        }
        assert_eq!(faulty.seen().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_forgotten_is_read_anew() {
    let expired = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}});
    for fault in [Fault::status(410, "Expired"), Fault::lines(&[expired])] {
        let (ground, faulty, maps, mut watch) = bad_watch(&ListQuery::default()).await;
        create(&ground.cluster, &maps, "a").await;
        faulty.fail_at(1, fault);
        assert_eq!(next(&mut watch).await, "relisted a first kube-root-ca.crt");
        create(&ground.cluster, &maps, "b").await;
        assert_eq!(next(&mut watch).await, "added b");
        let paths: Vec<String> = faulty.seen().into_iter().map(|seen| seen.path).collect();
        assert_eq!(paths.len(), 3, "{paths:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_after_failures_and_gives_up_after_too_many() {
    let (ground, faulty, maps, mut watch) = bad_watch(&ListQuery::default()).await;
    create(&ground.cluster, &maps, "a").await;
    let faults = [Fault::busy(0), Fault::status(500, "InternalError"), Fault::Cut];
    faulty.plan(move |seen| faults.get(seen.number - 1).cloned());
    assert_eq!(next(&mut watch).await, "added a");
    assert_eq!(faulty.seen().len(), 4);

    let (_ground, faulty, _, mut watch) = bad_watch(&ListQuery::default()).await;
    faulty.plan(|_| Some(Fault::status(503, "ServiceUnavailable")));
    assert!(watch.next().await.is_err());
    assert_eq!(faulty.seen().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_waited_for_no_longer_loses_nothing() {
    let ground = Ground::new().await;
    let (cluster, maps) = (&ground.cluster, ground.config_maps().await);
    let first = create(cluster, &maps, "a").await;
    let from = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = cluster.watch(&maps, Some("default"), &ListQuery::default(), from);
    for name in ["b", "c", "d"] {
        // Polled, and dropped at whatever it was doing.
        for _ in 0..20 {
            tokio::select! {
                biased;
                event = watch.next() => panic!("nothing has happened, yet {event:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        create(cluster, &maps, name).await;
        assert_eq!(next(&mut watch).await, format!("added {name}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_watch_and_write_at_once_from_tasks_of_their_own() {
    let ground = Ground::new().await;
    let maps = ground.config_maps().await;
    let task = |number: usize| {
        let (cluster, maps) = (ground.cluster.clone(), maps.clone());
        tokio::spawn(async move {
            let name = format!("m{number}");
            let mut watch = cluster.watch(&maps, Some("default"), &ListQuery::named(&name), "");
            let before = next(&mut watch).await;
            create(&cluster, &maps, &name).await;
            (before, next(&mut watch).await == format!("added {name}"))
        })
    };
    let tasks: Vec<_> = (0..100).map(task).collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), ("relisted ".to_owned(), true));
    }
}
