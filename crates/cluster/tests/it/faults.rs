//! What a request does when the way to the cluster, or the cluster, fails.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::{Apply, Cluster, Delete, Error, ListQuery, Resource, Target, Why, Write};
use model::Diagnose as _;
use serde_json::Value;
use testkit::faulty::{Fault, Faulty};

use crate::ground::{Ground, config_map, target};

/// A cluster, the way to it, and a client that takes this way.
struct Bad {
    ground: Ground,
    faulty: Faulty,
    cluster: Cluster,
    maps: Resource,
}

impl Bad {
    async fn new() -> Self {
        let ground = Ground::new().await;
        let faulty = Faulty::start(&ground.server.handle()).await.unwrap();
        let path = ground.folder.path().join("faulty");
        std::fs::write(&path, faulty.kubeconfig()).unwrap();
        let mut way: Target = target(path);
        way.limits.request = Duration::from_millis(500);
        way.limits.tries = 4;
        let cluster = Cluster::connect(way).await.unwrap();
        let maps = cluster.resource("v1", "ConfigMap").await.unwrap().unwrap();
        Self {
            ground,
            faulty,
            cluster,
            maps,
        }
    }

    async fn create(&self, name: &str) -> Result<Value, Error> {
        let at = self.maps.at("default", name);
        self.cluster
            .create(at, &config_map(name, "1"), Write::default())
            .await
    }

    async fn is_there(&self, name: &str) -> bool {
        let at = self.maps.at("default", name);
        self.ground.cluster.get(at).await.unwrap().is_some()
    }
}

fn all() -> Vec<Fault> {
    vec![
        Fault::busy(0),
        Fault::status(500, "InternalError"),
        Fault::status(503, "ServiceUnavailable"),
        Fault::status(504, "Timeout"),
        Fault::Cut,
        Fault::Lose,
        Fault::Hang,
        Fault::Swallow,
        Fault::Break { lines: 0 },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_done_whatever_fails_once() {
    let bad = Bad::new().await;
    for fault in all() {
        let shown = format!("{fault:?}");
        bad.faulty.fail_at(1, fault.clone());
        let listed = bad
            .cluster
            .list(&bad.maps, Some("default"), &ListQuery::default())
            .await;
        assert!(listed.is_ok(), "{shown}: {listed:?}");

        bad.faulty.fail_at(1, fault.clone());
        let by = Apply {
            manager: "test",
            ..Apply::default()
        };
        let applied = bad
            .cluster
            .apply(bad.maps.at("default", "a"), &config_map("a", "1"), by)
            .await;
        let uid = applied.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();

        bad.faulty.fail_at(1, fault);
        let this = Delete {
            uid: &uid,
            ..Delete::default()
        };
        assert!(
            bad.cluster
                .delete(bad.maps.at("default", "a"), this)
                .await
                .unwrap(),
            "{shown}"
        );
        assert!(!bad.is_there("a").await, "{shown}");
        assert_eq!(bad.faulty.seen().len(), 2, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_never_sent_again_where_it_may_have_been_done() {
    let bad = Bad::new().await;
    for (number, fault) in all().into_iter().enumerate() {
        let (name, shown) = (format!("m{number}"), format!("{fault:?}"));
        let busy = matches!(fault, Fault::Answer { code: 429, .. });
        bad.faulty.fail_at(1, fault);
        let created = bad.create(&name).await;
        let sent = bad.faulty.seen().len();
        match created {
            Ok(_) => assert_eq!((busy, sent), (true, 2), "{shown}"),
            Err(error) => assert!(!busy && sent == 1 && error.may_be_done(), "{shown}: {error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_never_left_is_sent_again() {
    let bad = Bad::new().await;
    // Whoever has no connection yet gets none: every try is the first byte of a new one.
    let path = bad.ground.folder.path().join("faulty");
    let mut way = target(path);
    way.limits.tries = 3;
    let fresh = Cluster::connect(way).await.unwrap();
    bad.faulty.refuse(true);
    let at = bad.maps.at("default", "a");
    let error = fresh
        .create(at, &config_map("a", "1"), Write::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code().id, error.may_be_done(), fresh.requests()),
        ("SW0402", false, 3)
    );
    bad.faulty.refuse(false);
    fresh
        .create(at, &config_map("a", "1"), Write::default())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_after_a_lost_answer_may_be_one_with_ourselves() {
    let bad = Bad::new().await;
    let mut object = bad.create("a").await.unwrap();
    object["data"]["k"] = "2".into();
    bad.faulty.fail_at(1, Fault::Lose);
    let at = bad.maps.at("default", "a");
    let error = bad
        .cluster
        .update(at, &object, Write::default())
        .await
        .unwrap_err();
    assert_eq!((error.why(), error.may_be_done()), (Some(&Why::Conflict), true));
    let error = bad
        .cluster
        .update(at, &object, Write::default())
        .await
        .unwrap_err();
    assert_eq!((error.why(), error.may_be_done()), (Some(&Why::Conflict), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_end_and_the_last_failure_is_told() {
    let bad = Bad::new().await;
    let cases = [
        (Fault::status(500, "InternalError"), "SW0413", 4),
        (Fault::busy(0), "SW0411", 4),
        (Fault::busy(3600), "SW0411", 1),
        (Fault::Cut, "SW0402", 4),
        (Fault::Hang, "SW0412", 4),
        (Fault::status(410, "Expired"), "SW0410", 3),
        (Fault::lines(&[]), "SW0414", 1),
    ];
    for (fault, code, sent) in cases {
        let shown = format!("{fault:?}");
        bad.faulty.plan(move |_| Some(fault.clone()));
        let listed = bad
            .cluster
            .list(&bad.maps, Some("default"), &ListQuery::default())
            .await;
        let error = listed.unwrap_err();
        assert_eq!(
            (error.code().id, bad.faulty.seen().len()),
            (code, sent),
            "{shown}"
        );
        assert!(error.hint().is_some(), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_state_is_forgotten_on_the_way_begins_anew() {
    let bad = Bad::new().await;
    let maps = &bad.maps;
    for number in 0..501 {
        let at = maps.at("default", "");
        let map = config_map(&format!("m{number}"), "1");
        bad.ground
            .cluster
            .create(at, &map, Write::default())
            .await
            .unwrap();
    }
    bad.faulty.fail_at(2, Fault::status(410, "Expired"));
    let listed = bad
        .cluster
        .list(maps, Some("default"), &ListQuery::default())
        .await
        .unwrap();
    assert_eq!((listed.items.len(), bad.faulty.seen().len()), (502, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_a_permit_and_not_for_watches() {
    let bad = Bad::new().await;
    let mut way = target(bad.ground.folder.path().join("faulty"));
    way.limits.at_once = 1;
    way.limits.tries = 1;
    way.limits.request = Duration::from_millis(300);
    let narrow = Cluster::connect(way).await.unwrap();
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&times);
    bad.faulty.plan(move |seen| {
        noted.lock().unwrap().push(Instant::now());
        (seen.number == 1).then_some(Fault::Hang)
    });
    let at = bad.maps.at("default", "a");
    let (first, second) = tokio::join!(narrow.get(at), narrow.get(at));
    assert_eq!(first.unwrap_err().code().id, "SW0412");
    assert_eq!(second.unwrap(), None);
    let times = times.lock().unwrap().clone();
    assert!(times[1] - times[0] >= Duration::from_millis(250), "{times:?}");

    bad.faulty.plan(|_| None);
    let mut watches: Vec<_> = (0..100)
        .map(|_| bad.cluster.watch(&bad.maps, None, &ListQuery::default(), "1"))
        .collect();
    for watch in &mut watches {
        watch.next().await.unwrap();
    }
    for _ in 0..10 {
        bad.cluster.get(at).await.unwrap();
    }
    let seen = bad.faulty.seen();
    let connections = |watch: bool| {
        let of = seen
            .iter()
            .filter(|seen| seen.path.contains("watch=true") == watch);
        of.map(|seen| seen.connection)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!((connections(true).len(), connections(false).len()), (2, 1));
    assert!(connections(true).is_disjoint(&connections(false)));
}
