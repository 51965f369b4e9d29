//! What goes and what stays, in a store.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;

use artifact::retain::{Needed, Rules, plan};
use artifact::{Envelope, Statement, Verified};
use jiff::SignedDuration;
use model::Diagnose as _;

use crate::made::{after, key, package, publish, store};

#[tokio::test]
async fn a_version_goes_with_its_evidence_and_its_name_stays_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    for (version, age) in [("1.0.0", 300), ("1.1.0", 200), ("1.2.0", 100)] {
        let web = package("web", version, "");
        let mut statement = Statement::about(&web, "robot", after(-age));
        statement.verification = Some(Verified {
            evidence: Some(store.keep_evidence(version.into()).await.expect("keeps")),
            ..Verified::default()
        });
        let envelope = Envelope::sign(&statement, &key(1));
        store.publish(&web, &envelope, after(0)).await.expect("publishes");
    }
    let rules = Rules {
        newest: NonZeroUsize::MIN,
        younger_than: SignedDuration::from_secs(60),
    };
    let needed = Needed {
        packages: BTreeSet::from([package("web", "1.0.0", "").digest]),
        ..Needed::default()
    };
    let swept = store.sweep().await.expect("sweeps");
    let removed = store
        .remove(&plan(&swept.stored, &needed, &rules, after(120)))
        .await
        .expect("removes");
    assert_eq!(
        (removed.versions, removed.evidence, removed.index.removed),
        (1, 1, 1)
    );
    let names: Vec<_> = store
        .names()
        .await
        .expect("lists")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["web-1.0.0", "web-1.2.0"]);
    assert!(!folder.path().join("charts/web-1.1.0.tgz").exists());

    let error = publish(&store, &package("web", "1.1.0", "a: 2"))
        .await
        .expect_err("the name is taken");
    assert_eq!(error.code().id, "SW0707");
    publish(&store, &package("web", "1.1.0", ""))
        .await
        .expect("the same content may come back");
}

#[tokio::test]
async fn a_half_is_left_alone_until_nobody_is_on_his_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let charts = folder.path().join("charts");
    fs::create_dir_all(&charts).expect("a folder");
    fs::write(
        charts.join("web-1.0.0.tgz"),
        package("web", "1.0.0", "a: 1").bytes,
    )
    .expect("writes");

    let other = package("web", "1.0.0", "a: 2");
    let error = publish(&store, &other).await.expect_err("somebody is on his way");
    assert_eq!(error.code().id, "SW0708");
    let swept = store.sweep().await.expect("sweeps");
    let plan_at = |now| plan(&swept.stored, &Needed::default(), &Rules::default(), now);
    assert_eq!(plan_at(after(60)).halves, []);
    let later = plan_at(after(3600));
    assert_eq!(later.halves, [other.name()]);
    store.remove(&later).await.expect("removes");
    assert!(!charts.join("web-1.0.0.tgz").exists());
    publish(&store, &other).await.expect("publishes");
}
