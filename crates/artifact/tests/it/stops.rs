//! A publisher or a sweep that is stopped between any two steps leaves no half a version, and the next goes on.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use artifact::objects::{Content, Doing, Folder, Listed, Objects, Tag};
use artifact::retain::{Needed, Rules, plan};
use artifact::{Error, Index, Place, Store};
use bytes::Bytes;

use crate::made::{after, envelope, package, publish, store};

/// Does a number of steps and no more, as a process that is killed.
#[derive(Debug)]
struct Stopping {
    folder: Folder,
    left: AtomicUsize,
    /// Whether the step at which it stops is still done, its answer lost.
    late: bool,
}

impl Stopping {
    fn step<'a, T: Send + 'a>(&'a self, doing: Doing<'a, T>) -> Doing<'a, T> {
        Box::pin(async move {
            let stopped = || Error::Contended {
                place: "stopped".into(),
                doing: "go on".into(),
                problem: "killed".into(),
            };
            let left = self
                .left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            match left {
                Ok(1) if self.late => {
                    doing.await?;
                    Err(stopped())
                }
                Ok(2..) => doing.await,
                Ok(1) | Ok(0) | Err(_) => Err(stopped()),
            }
        })
    }
}

impl Objects for Stopping {
    fn get<'a>(&'a self, key: &'a str, limit: usize) -> Doing<'a, Option<Content>> {
        self.step(self.folder.get(key, limit))
    }
    fn create<'a>(&'a self, key: &'a str, bytes: Bytes) -> Doing<'a, bool> {
        self.step(self.folder.create(key, bytes))
    }
    fn replace<'a>(&'a self, key: &'a str, bytes: Bytes, was: Option<Tag>) -> Doing<'a, bool> {
        self.step(self.folder.replace(key, bytes, was))
    }
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Listed>> {
        self.step(self.folder.list(folder))
    }
    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a, ()> {
        self.step(self.folder.delete(key))
    }
    fn check_conditions(&self) -> Doing<'_, ()> {
        self.step(self.folder.check_conditions())
    }
}

fn stopping(folder: &Path, left: usize, late: bool) -> Store {
    let objects = Stopping {
        folder: Folder::new(folder),
        left: AtomicUsize::new(left),
        late,
    };
    Store::over(Place::Folder(folder.to_owned()), Arc::new(objects))
}

/// Every version is whole, and the index names nothing that can't be fetched.
async fn check_whole(folder: &Path, context: &str) {
    let store = store(folder);
    for (name, said) in store
        .list(store.names().await.expect("lists"))
        .await
        .expect("reads")
    {
        let said = said.unwrap_or_else(|error| panic!("{context}: {name}: {error}"));
        store
            .package(&said)
            .await
            .unwrap_or_else(|error| panic!("{context}: {name}: {error}"));
    }
    if let Ok(bytes) = fs::read(folder.join("index.yaml")) {
        for name in Index::read(&bytes).expect("our own index").names() {
            assert!(
                folder.join(name.package_key()).exists(),
                "{context}: the index has {name}"
            );
        }
    }
}

/// More steps than anything takes.
const STEPS: usize = 200;

#[tokio::test]
async fn a_publisher_may_be_stopped_anywhere() {
    let mut ended = false;
    for (left, late) in (1..STEPS).flat_map(|left| [(left, false), (left, true)]) {
        let folder = tempfile::tempdir().expect("a folder");
        publish(&store(folder.path()), &package("web", "1.0.0", ""))
            .await
            .expect("publishes");
        let next = package("web", "1.1.0", "a: 1");
        let stopped = publish(&stopping(folder.path(), left, late), &next).await;
        let context = format!("stopped at step {left}, late {late}");
        check_whole(folder.path(), &context).await;

        // Other content now or later: refused, or there is no first one any more.
        let other = package("web", "1.1.0", "a: 2");
        let store = store(folder.path());
        let now = publish(&store, &other).await;
        let later = store
            .publish(&other, &envelope(&other, after(0)), after(3600))
            .await;
        check_whole(folder.path(), &context).await;
        let names = store.names().await.expect("lists");
        assert_eq!(names.len(), 2, "{context}");
        let winner = if later.is_ok() { &other } else { &next };
        assert!(
            now.is_err() || later.is_ok(),
            "{context}: what is published stays"
        );
        let again = publish(&store, winner)
            .await
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        again.index.expect("the index is written");
        let index = Index::read(&fs::read(folder.path().join("index.yaml")).expect("an index"));
        assert_eq!(index.expect("our own index").names(), names, "{context}");
        ended = stopped.is_ok_and(|published| published.index.is_ok());
        if ended {
            break;
        }
    }
    assert!(ended, "{STEPS} steps were not enough to come to the end");
}

#[tokio::test]
async fn a_sweep_may_be_stopped_anywhere() {
    let mut ended = false;
    let rules = Rules {
        newest: std::num::NonZeroUsize::MIN,
        younger_than: jiff::SignedDuration::ZERO,
    };
    for (left, late) in (1..STEPS).flat_map(|left| [(left, false), (left, true)]) {
        let folder = tempfile::tempdir().expect("a folder");
        for version in ["1.0.0", "1.1.0", "1.2.0"] {
            publish(&store(folder.path()), &package("web", version, ""))
                .await
                .expect("publishes");
        }
        let sweep = async |store: &Store| {
            let swept = store.sweep().await?;
            let plan = plan(&swept.stored, &Needed::default(), &rules, after(3600));
            store.remove(&plan).await
        };
        ended = sweep(&stopping(folder.path(), left, late)).await.is_ok();
        let context = format!("stopped at step {left}, late {late}");
        check_whole(folder.path(), &context).await;
        let store = store(folder.path());
        sweep(&store)
            .await
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        check_whole(folder.path(), &context).await;
        let left: Vec<_> = fs::read_dir(folder.path().join("charts"))
            .expect("a folder")
            .collect();
        assert_eq!(left.len(), 2, "{context}: one version stays");
        let other = package("web", "1.0.0", "a: 2");
        publish(&store, &other)
            .await
            .expect_err("a version keeps its content after it is gone");
        if ended {
            break;
        }
    }
    assert!(ended, "{STEPS} steps were not enough to come to the end");
}
