//! The two promises that all others rest on: one creates, and who replaces replaces what he read.

use std::sync::Arc;

use artifact::objects::{Content, Folder, Objects as _, Tag};
use bytes::Bytes;
use futures::future::join_all;

/// Adds one to a number in an object, as often as it takes, and says how often that was.
async fn add(objects: &Folder) -> usize {
    for turn in 1.. {
        let was = objects.get("n", 100).await.expect("reads");
        let number: usize = was.as_ref().map_or(0, |was| {
            let text = std::str::from_utf8(&was.bytes).expect("text");
            text.parse().expect("a number")
        });
        let tag = was.map(|was| was.tag);
        let next = Bytes::from((number + 1).to_string());
        if objects.replace("n", next, tag).await.expect("replaces") {
            return turn;
        }
    }
    unreachable!("one of those who try gets through each time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_replacement_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = Arc::new(Folder::new(folder.path()));
    let adding = (0..50).map(|_| {
        let objects = Arc::clone(&objects);
        tokio::spawn(async move { add(&objects).await })
    });
    let turns: usize = join_all(adding)
        .await
        .into_iter()
        .map(|turns| turns.expect("adds"))
        .sum();
    let Content { bytes, .. } = objects.get("n", 100).await.expect("reads").expect("is there");
    assert_eq!(bytes, "50");
    assert!(turns >= 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_one_creates() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = Arc::new(Folder::new(folder.path()));
    let creating = (0..50).map(|number| {
        let objects = Arc::clone(&objects);
        let bytes = Bytes::from(number.to_string());
        tokio::spawn(async move {
            objects
                .create("a/b", bytes.clone())
                .await
                .expect("creates")
                .then_some(bytes)
        })
    });
    let created = join_all(creating)
        .await
        .into_iter()
        .filter_map(|created| created.expect("creates"));
    let created: Vec<Bytes> = created.collect();
    let there = objects.get("a/b", 100).await.expect("reads").expect("is there");
    assert_eq!(created, [there.bytes]);
}

#[tokio::test]
async fn only_what_was_read_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = Folder::new(folder.path());
    let replace =
        async |bytes: &'static str, was| objects.replace("a", bytes.into(), was).await.expect("replaces");
    let read = async || objects.get("a", 100).await.expect("reads").expect("is there").tag;
    assert!(!replace("1", Some(Tag("other".into()))).await, "it is not there");
    assert!(replace("1", None).await);
    assert!(!replace("2", None).await, "it is there");
    let first = read().await;
    assert!(replace("2", Some(first.clone())).await);
    assert!(!replace("3", Some(first)).await, "it was replaced");
    objects.delete("a").await.expect("deletes");
    objects.delete("a").await.expect("deletes what is not there");
    assert_eq!(objects.get("a", 100).await.expect("reads"), None);
}
