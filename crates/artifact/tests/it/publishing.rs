//! A version is published once, by one of those who try, and stock helm's index follows.

use std::fs;

use artifact::{Index, Name, Trusted};
use futures::future::join_all;
use model::Diagnose as _;

use crate::made::{after, envelope, key, package, publish, store};

#[tokio::test]
async fn a_version_is_published_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let web = package("web", "1.0.0", "a: 1");
    assert!(!publish(&store, &web).await.expect("publishes").already);
    assert!(
        publish(&store, &web)
            .await
            .expect("the same again is fine")
            .already
    );

    let other = package("web", "1.0.0", "a: 2");
    let error = publish(&store, &other)
        .await
        .expect_err("other content is refused");
    assert_eq!(error.code().id, "SW0707");
    assert!(
        error.hint().expect("a cure").contains("raise `version`"),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "web-1.0.0 is published already, with other content: {}, not {}",
            web.digest, other.digest
        )
    );

    let trusted = Trusted::new([key(1).public()]);
    let statement = store
        .statement(&web.name(), &trusted)
        .await
        .expect("it is signed");
    assert_eq!(store.package(&statement).await.expect("it is there"), web);
    assert_eq!(
        store.location(&web.name()),
        format!("file://{}/charts/web-1.0.0.tgz", folder.path().display())
    );
}

#[tokio::test]
async fn a_name_that_can_be_cut_in_two_places_is_one_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    publish(&store, &package("a-1.0.0", "2.0.0", ""))
        .await
        .expect("publishes");
    let error = publish(&store, &package("a", "1.0.0-2.0.0", ""))
        .await
        .expect_err("the name is taken");
    assert_eq!(error.code().id, "SW0707");
}

#[tokio::test]
async fn of_many_at_once_one_content_wins_and_the_index_has_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let packages: Vec<_> = (0..40)
        .map(|number| {
            package(
                "web",
                &format!("1.0.{}", number % 8),
                &format!("a: {}", number % 16),
            )
        })
        .collect();
    let results = join_all(packages.iter().map(|package| publish(&store, package))).await;
    for (package, result) in packages.iter().zip(&results) {
        match result {
            Ok(published) => {
                assert_eq!(published.statement.digest, package.digest);
                published.index.as_ref().expect("the index is written");
            }
            Err(error) => assert!(["SW0707", "SW0708"].contains(&error.code().id), "{error}"),
        }
    }
    let bytes = fs::read(folder.path().join("index.yaml")).expect("an index");
    let index = Index::read(&bytes).expect("our own index");
    assert_eq!(index.names(), store.names().await.expect("lists"));
    assert_eq!(index.names().len(), 8);
    store.rebuild_index().await.expect("rebuilds");
    assert_eq!(
        fs::read(folder.path().join("index.yaml")).expect("an index"),
        bytes
    );
}

#[tokio::test]
async fn the_index_is_what_helm_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let time = "2026-01-02T03:04:05Z".parse().expect("a time");
    for version in ["1.9.0", "1.10.0", "1.10.0+7"] {
        let web = package("web", version, "");
        store
            .publish(&web, &envelope(&web, time), after(0))
            .await
            .expect("publishes");
    }
    let text = fs::read_to_string(folder.path().join("index.yaml")).expect("an index");
    let digest = |version: &str| package("web", version, "").digest.hex();
    let line = |version: &str, url: &str| {
        format!(
            "{{\"apiVersion\":\"v2\",\"appVersion\":\"1\",\"created\":\"2026-01-02T03:04:05Z\",\"digest\":\"{}\",\
             \"keywords\":[\"a\"],\"name\":\"web\",\"urls\":[\"charts/{url}\"],\"version\":\"{version}\"}}",
            digest(version)
        )
    };
    let expected = format!(
        "{{\"apiVersion\":\"v1\",\"generated\":\"2026-01-02T03:04:05Z\",\"entries\":{{\n\"web\":[\n{},\n{},\n{}\n]\n}}}}\n",
        line("1.10.0+7", "web-1.10.0%2B7.tgz"),
        line("1.10.0", "web-1.10.0.tgz"),
        line("1.9.0", "web-1.9.0.tgz"),
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn an_index_by_somebody_else_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    fs::write(folder.path().join("index.yaml"), "apiVersion: v1\nentries: {}\n").expect("writes");
    let published = publish(&store, &package("web", "1.0.0", ""))
        .await
        .expect("publishes");
    assert_eq!(published.index.expect("the index is written").added, 1);
}

#[tokio::test]
async fn what_is_no_statement_is_told_and_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    publish(&store, &package("web", "1.0.0", ""))
        .await
        .expect("publishes");
    let charts = folder.path().join("charts");
    fs::write(charts.join("bad-1.0.0.tgz.json"), "{").expect("writes");
    fs::copy(
        charts.join("web-1.0.0.tgz.json"),
        charts.join("web-2.0.0.tgz.json"),
    )
    .expect("copies");
    let indexed = store.rebuild_index().await.expect("rebuilds");
    let told: Vec<String> = indexed
        .unreadable
        .iter()
        .map(|(_, error)| error.to_string())
        .collect();
    assert_eq!(
        told,
        [
            "the statement of bad-1.0.0 is in no envelope: EOF while parsing an object at line 1 column 1",
            "the statement of web-2.0.0 is about version 1.0.0 of web",
        ]
    );
    assert!(
        indexed
            .unreadable
            .iter()
            .all(|(_, error)| error.code().id == "SW0711")
    );
    assert_eq!(indexed.added, 1);
}

#[tokio::test]
async fn a_package_that_was_changed_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let web = package("web", "1.0.0", "");
    let said = publish(&store, &web).await.expect("publishes").statement;
    let path = folder.path().join("charts/web-1.0.0.tgz");
    fs::write(&path, package("web", "1.0.0", "a: 2").bytes).expect("writes");
    let error = store.package(&said).await.expect_err("it was changed");
    assert_eq!(error.code().id, "SW0709");
    let error = publish(&store, &web).await.expect_err("nothing is overwritten");
    assert_eq!(error.code().id, "SW0709");

    fs::remove_file(&path).expect("removes");
    assert_eq!(
        store.package(&said).await.expect_err("it is gone").code().id,
        "SW0706"
    );
    publish(&store, &web)
        .await
        .expect("the same again brings it back");
    assert_eq!(store.package(&said).await.expect("it is back"), web);
}

#[tokio::test]
async fn evidence_is_found_by_its_digest() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let digest = store.keep_evidence("events".into()).await.expect("keeps");
    assert_eq!(store.keep_evidence("events".into()).await.expect("keeps"), digest);
    assert_eq!(store.evidence(&digest).await.expect("is there"), "events");
    let path = folder.path().join("evidence/sha256").join(digest.hex());
    fs::write(&path, "other").expect("writes");
    assert_eq!(
        store
            .evidence(&digest)
            .await
            .expect_err("it was changed")
            .code()
            .id,
        "SW0709"
    );
    fs::remove_file(&path).expect("removes");
    let error = store.evidence(&digest).await.expect_err("it is gone");
    assert_eq!(error.code().id, "SW0706");
}

#[tokio::test]
async fn what_no_event_told_of_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    assert_eq!(store.unknown(|_| false).await.expect("an empty store is one"), []);
    for version in ["1.0.0", "1.1.0"] {
        publish(&store, &package("web", version, ""))
            .await
            .expect("publishes");
    }
    let known = Name::parse("web-1.0.0").expect("a name");
    let unknown = store.unknown(|name| *name == known).await.expect("lists");
    assert_eq!(unknown, [Name::parse("web-1.1.0").expect("a name")]);
}

#[tokio::test]
async fn what_is_no_package_is_refused() {
    let error = artifact::Package::read("text").expect_err("no archive");
    assert_eq!(error.code().id, "SW0714");
    let error = artifact::Package::read(vec![0; 33 << 20]).expect_err("too large");
    assert_eq!(error.code().id, "SW0713");
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writes");
    let error = publish(&store(&file), &package("web", "1.0.0", ""))
        .await
        .expect_err("a file is no folder");
    assert_eq!(error.code().id, "SW0702");
}
