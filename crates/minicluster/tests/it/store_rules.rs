//! What the store promises, one rule a test.

use std::sync::Arc;
use std::thread;

use minicluster::store::{At, Continue, Draft, Error, Expected, Object, Options, Query, Store};
use serde_json::json;

use crate::store_samples::{content, draft, key, list, memory, names, resource, told};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

#[test]
fn each_write_is_one_revision() {
    let (_store, handle) = memory();
    assert_eq!(handle.revision(), 1);
    let event = handle.create(key("pods/a/x"), draft("1")).wait().unwrap();
    assert_eq!((event.revision(), handle.revision()), (2, 2));
    handle.create(key("nodes/n"), draft("1")).wait().unwrap();
    let event = handle
        .update(key("pods/a/x"), Expected::Revision(2), draft("2"))
        .wait()
        .unwrap();
    assert_eq!(event.revision(), 4);
    assert_eq!(content(event.previous.as_ref().unwrap()), "1");
    let event = handle.delete(key("pods/a/x"), Expected::Any).wait().unwrap();
    assert_eq!((event.revision(), content(&event.object)), (5, "2".to_owned()));
    assert!(handle.get(&key("pods/a/x")).is_none());
    assert_eq!(handle.get(&key("nodes/n")).unwrap().revision(), 3);
}

#[test]
fn refused_writes_change_nothing() {
    let (_store, handle) = memory();
    let x = key("pods/a/x");
    assert!(matches!(
        handle.update(x.clone(), Expected::Any, draft("1")).wait(),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        handle.delete(x.clone(), Expected::Any).wait(),
        Err(Error::NotFound { .. })
    ));
    handle.create(x.clone(), draft("1")).wait().unwrap();
    assert!(matches!(
        handle.create(x.clone(), draft("2")).wait(),
        Err(Error::Exists { .. })
    ));
    let stale = Expected::Revision(1);
    let conflict = handle.update(x.clone(), stale, draft("2")).wait().unwrap_err();
    assert!(matches!(
        conflict,
        Error::Conflict {
            expected: 1,
            actual: 2,
            ..
        }
    ));
    assert!(matches!(
        handle.delete(x.clone(), stale).wait(),
        Err(Error::Conflict { .. })
    ));
    assert_eq!(
        (handle.revision(), content(&handle.get(&x).unwrap())),
        (2, "1".to_owned())
    );
}

#[test]
fn bounds_are_kept() {
    let options = Options {
        object_bytes: 300,
        total_bytes: 500,
        ..Options::default()
    };
    let store = Store::memory(options).unwrap();
    let handle = store.handle();
    let too_large = handle.create(key("pods/a/x"), draft(&"x".repeat(300))).wait();
    assert!(matches!(too_large, Err(Error::TooLarge { limit: 300, .. })));
    handle
        .create(key("pods/a/x"), draft(&"x".repeat(60)))
        .wait()
        .unwrap();
    let full = handle.create(key("pods/a/y"), draft(&"x".repeat(60))).wait();
    assert!(matches!(full, Err(Error::Full { limit: 500, .. })), "{full:?}");
    handle.delete(key("pods/a/x"), Expected::Any).wait().unwrap();
    assert_eq!((handle.stats().objects, handle.stats().object_bytes), (0, 0));
    handle
        .create(key("pods/a/y"), draft(&"x".repeat(60)))
        .wait()
        .unwrap();
}

#[test]
fn all_pages_show_the_revision_of_the_first() {
    let (_store, handle) = memory();
    for name in ["a/1", "a/2", "b/1", "a-b/1"] {
        handle
            .create(key(&format!("pods/{name}")), draft(name))
            .wait()
            .unwrap();
    }
    let first = list(
        &handle,
        "pods",
        &Query {
            limit: Some(2),
            ..Query::default()
        },
    );
    assert_eq!(
        (names(&first), first.remaining),
        (vec!["1=a-b/1".to_owned(), "1=a/1".to_owned()], Some(2))
    );
    handle.delete(key("pods/b/1"), Expected::Any).wait().unwrap();
    handle
        .update(key("pods/a/2"), Expected::Any, draft("new"))
        .wait()
        .unwrap();
    handle.create(key("pods/a/3"), draft("new")).wait().unwrap();
    let token = Continue::parse(&first.next.unwrap().to_string()).unwrap();
    let second = list(
        &handle,
        "pods",
        &Query {
            limit: Some(2),
            after: Some(&token),
            ..Query::default()
        },
    );
    assert_eq!(
        (names(&second), second.revision),
        (vec!["2=a/2".to_owned(), "1=b/1".to_owned()], first.revision)
    );
    assert!(second.next.is_none() && second.remaining.is_none());

    handle.compact(&resource("pods"), handle.revision()).unwrap();
    let query = Query {
        after: Some(&token),
        ..Query::default()
    };
    let late = handle.list(&resource("pods"), &query).unwrap_err();
    assert!(matches!(
        late,
        Error::Expired {
            requested: 5,
            oldest: 8
        }
    ));
    let token = token.inconsistent();
    let rest = list(
        &handle,
        "pods",
        &Query {
            after: Some(&token),
            ..Query::default()
        },
    );
    assert_eq!(
        (names(&rest), rest.revision),
        (vec!["2=new".to_owned(), "3=new".to_owned()], 8)
    );
}

#[test]
fn a_namespace_is_a_bound_that_no_token_passes() {
    let (_store, handle) = memory();
    for name in ["a/1", "a/2", "b/1", "b/2"] {
        handle
            .create(key(&format!("pods/{name}")), draft(name))
            .wait()
            .unwrap();
    }
    let page = list(
        &handle,
        "pods",
        &Query {
            limit: Some(1),
            namespace: Some("b"),
            ..Query::default()
        },
    );
    assert_eq!(
        (names(&page), page.remaining),
        (vec!["1=b/1".to_owned()], Some(1))
    );
    let token = page.next.unwrap();
    let other = Query {
        namespace: Some("a"),
        after: Some(&token),
        ..Query::default()
    };
    assert!(list(&handle, "pods", &other).objects.is_empty());
}

#[test]
fn selectors_fill_a_page_and_leave_the_count_out() {
    let (_store, handle) = memory();
    for number in 0..10 {
        handle
            .create(key(&format!("pods/a/{number}")), draft(&number.to_string()))
            .wait()
            .unwrap();
    }
    let even = |object: &_| content(object).parse::<u32>().unwrap() % 2 == 0;
    let query = Query {
        limit: Some(3),
        keep: Some(&even),
        ..Query::default()
    };
    let page = list(&handle, "pods", &query);
    assert_eq!(names(&page), ["0=0", "2=2", "4=4"]);
    assert_eq!(page.remaining, None);
    let token = page.next.unwrap();
    let page = list(
        &handle,
        "pods",
        &Query {
            after: Some(&token),
            ..query
        },
    );
    assert_eq!(
        (names(&page), page.next),
        (vec!["6=6".to_owned(), "8=8".to_owned()], None)
    );
}

#[test]
fn a_list_of_the_future_is_refused() {
    let (_store, handle) = memory();
    for at in [At::Exact(2), At::NotOlderThan(2)] {
        for plural in ["pods", "nodes"] {
            let query = Query {
                at,
                ..Query::default()
            };
            let error = handle.list(&resource(plural), &query).unwrap_err();
            assert_eq!(error.to_string(), "Too large resource version: 2, current: 1");
        }
    }
    assert!(matches!(
        handle.watch(&resource("pods"), None, 9),
        Err(Error::Future { .. })
    ));
}

#[test]
fn a_watch_replays_then_follows() {
    let (_store, handle) = memory();
    handle.create(key("pods/a/x"), draft("1")).wait().unwrap();
    handle.create(key("nodes/n"), draft("1")).wait().unwrap();
    handle.create(key("pods/b/y"), draft("1")).wait().unwrap();
    handle
        .update(key("pods/a/x"), Expected::Any, draft("2"))
        .wait()
        .unwrap();
    let mut all = handle.watch(&resource("pods"), None, 1).unwrap();
    let mut one = handle.watch(&resource("pods"), Some("a"), 2).unwrap();
    assert_eq!(told(&all.wait().unwrap()), ["2 +x=1", "4 +y=1", "5 ~x=2"]);
    assert_eq!(told(&one.wait().unwrap()), ["5 ~x=2"]);
    assert!(all.try_next().unwrap().is_empty());
    let writer = thread::spawn({
        let handle = handle.clone();
        move || handle.delete(key("pods/a/x"), Expected::Any).wait().unwrap()
    });
    let batch = all.wait().unwrap();
    assert_eq!(told(&batch), ["6 -x=2"]);
    assert_eq!(batch[0].previous.as_ref().unwrap().revision(), 5);
    assert!(Arc::ptr_eq(&batch[0], &one.wait().unwrap()[0]));
    writer.join().unwrap();
}

#[test]
fn progress_moves_on_without_events() {
    let (_store, handle) = memory();
    let mut watcher = handle.watch(&resource("pods"), Some("a"), 1).unwrap();
    handle.create(key("nodes/n"), draft("1")).wait().unwrap();
    handle.create(key("pods/b/y"), draft("1")).wait().unwrap();
    assert_eq!(watcher.progress(), 1, "an event is not yet looked at");
    assert!(watcher.try_next().unwrap().is_empty());
    assert_eq!(watcher.progress(), 3);
    handle.create(key("nodes/m"), draft("1")).wait().unwrap();
    assert_eq!(watcher.progress(), 4);
    handle.create(key("pods/a/x"), draft("1")).wait().unwrap();
    assert_eq!(watcher.progress(), 4, "what was not handed out is no progress");
}

#[test]
fn a_slow_watcher_ends_and_costs_nothing() {
    let options = Options {
        history_events: 10,
        ..Options::default()
    };
    let store = Store::memory(options).unwrap();
    let handle = store.handle();
    let mut watcher = handle.watch(&resource("pods"), None, 1).unwrap();
    handle.create(key("pods/a/x"), draft("0")).wait().unwrap();
    for _ in 0..10 {
        handle
            .update(key("pods/a/x"), Expected::Any, draft("1"))
            .wait()
            .unwrap();
    }
    let error = watcher.wait().unwrap_err();
    assert_eq!(error.to_string(), "too old resource version: 1 (2)");
    assert!(handle.watch(&resource("pods"), None, 1).is_err());
    assert_eq!(
        handle
            .watch(&resource("pods"), None, 2)
            .unwrap()
            .wait()
            .unwrap()
            .len(),
        10
    );
}

#[test]
fn the_longest_history_pays_for_the_budget() {
    let options = Options {
        history_bytes: 100_000,
        ..Options::default()
    };
    let store = Store::memory(options).unwrap();
    let handle = store.handle();
    handle.create(key("nodes/n"), draft("quiet")).wait().unwrap();
    handle.create(key("pods/a/x"), draft("0")).wait().unwrap();
    for _ in 0..2000 {
        handle
            .update(key("pods/a/x"), Expected::Any, draft("loud"))
            .wait()
            .unwrap();
        assert!(handle.stats().history_bytes <= 100_000);
    }
    assert!(handle.watch(&resource("pods"), None, 1).is_err());
    assert_eq!(
        told(&handle.watch(&resource("nodes"), None, 1).unwrap().wait().unwrap()),
        ["2 +n=quiet"]
    );
}

#[test]
fn waiting_for_a_revision_ends_with_it() {
    let (store, handle) = memory();
    let runtime = runtime();
    let waiter = runtime.spawn({
        let handle = handle.clone();
        async move { handle.reached(50).await }
    });
    for number in 0..49 {
        handle
            .create(key(&format!("pods/a/{number}")), draft(""))
            .wait()
            .unwrap();
    }
    runtime.block_on(waiter).unwrap().unwrap();
    let waiter = runtime.spawn({
        let handle = handle.clone();
        async move { handle.reached(1_000).await }
    });
    store.close();
    assert!(matches!(runtime.block_on(waiter).unwrap(), Err(Error::Closed)));
}

#[test]
fn many_watchers_miss_nothing_while_many_write() {
    const WRITES: u64 = 2000;
    let (_store, handle) = memory();
    let runtime = runtime();
    let watchers: Vec<_> = (0..50)
        .map(|_| {
            let mut watcher = handle.watch(&resource("pods"), None, 1).unwrap();
            runtime.spawn(async move {
                let mut next = 2;
                while next < WRITES + 2 {
                    for event in watcher.next().await.unwrap() {
                        assert_eq!(event.revision(), next);
                        next += 1;
                    }
                }
            })
        })
        .collect();
    thread::scope(|scope| {
        for writer in 0..4 {
            let handle = &handle;
            scope.spawn(move || {
                for number in 0..WRITES / 4 {
                    handle
                        .create(key(&format!("pods/w{writer}/{number}")), draft(""))
                        .wait()
                        .unwrap();
                }
            });
        }
    });
    for watcher in watchers {
        runtime.block_on(watcher).unwrap();
    }
}

#[test]
fn a_list_and_a_watch_from_it_show_every_object_once() {
    let (_store, handle) = memory();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..3000 {
                handle
                    .create(key(&format!("pods/a/{number}")), draft(""))
                    .wait()
                    .unwrap();
            }
        });
        while !writer.is_finished() {
            let page = list(&handle, "pods", &Query::default());
            assert_eq!(page.objects.len() as u64, page.revision - 1);
            assert!(
                page.objects
                    .iter()
                    .all(|object| object.revision() <= page.revision)
            );
            let mut watcher = handle.watch(&resource("pods"), None, page.revision).unwrap();
            if let Some(event) = watcher.try_next().unwrap().first() {
                assert_eq!(event.revision(), page.revision + 1);
            }
        }
    });
}

#[test]
fn a_closed_store_refuses_writes_and_ends_watchers() {
    let (store, handle) = memory();
    handle.create(key("pods/a/x"), draft("1")).wait().unwrap();
    let mut watcher = handle.watch(&resource("pods"), None, 1).unwrap();
    let blocked = thread::spawn({
        let mut watcher = handle.watch(&resource("pods"), None, 2).unwrap();
        move || watcher.wait().unwrap_err()
    });
    store.close();
    assert!(matches!(blocked.join().unwrap(), Error::Closed));
    assert_eq!(watcher.wait().unwrap().len(), 1, "what was written is still told");
    assert!(matches!(watcher.wait(), Err(Error::Closed)));
    assert!(matches!(
        handle.create(key("pods/a/y"), draft("1")).wait(),
        Err(Error::Closed)
    ));
    assert!(handle.get(&key("pods/a/x")).is_some());
}

#[test]
fn a_list_by_node_gives_what_a_look_at_all_objects_gives() {
    let (_store, handle) = memory();
    let bound = |node: &str, text: &str| {
        let fields = [(Box::from("spec.nodeName"), Box::from(node))];
        let object = json!({"metadata": {"labels": {"content": text}}, "data": text});
        Draft::new(&object, Box::from(fields)).unwrap()
    };
    let write = |name: &str, node: &str| {
        let key = key(&format!("pods/{name}"));
        let update = handle.update(key.clone(), Expected::Any, bound(node, name));
        if update.wait().is_err() {
            handle.create(key, bound(node, name)).wait().unwrap();
        }
    };
    let check = |place: &str| {
        for (node, namespace, limit) in [
            ("one", None, None),
            ("one", Some("a"), None),
            ("one", None, Some(1)),
            ("two", Some("b"), None),
            ("none", None, None),
        ] {
            let keep = |object: &Object| object.fields().iter().any(|(_, value)| **value == *node);
            let scan = Query {
                namespace,
                limit,
                keep: Some(&keep),
                ..Query::default()
            };
            let lookup = Query {
                field: Some(("spec.nodeName", node)),
                ..scan
            };
            let pages = [scan, lookup].map(|query| names(&list(&handle, "pods", &query)));
            assert_eq!(pages[0], pages[1], "{place}: {lookup:?}");
        }
    };
    for (name, node) in [("a/1", "one"), ("b/1", "one"), ("a/2", "two"), ("a/3", "")] {
        write(name, node);
    }
    check("created");
    write("a/1", "two");
    write("a/3", "one");
    write("b/1", "");
    check("moved");
    handle.delete(key("pods/a/3"), Expected::Any).wait().unwrap();
    check("deleted");
    write("a/3", "one");
    check("made again");
}
