//! Peers that refuse, lie or are not there, and what is said then.

use std::sync::Arc;

use artifact::objects::{Content, Doing, Folder, Listed, Objects, Tag};
use artifact::queue::{Queue as _, Sqs};
use artifact::{Place, Settings, Store};
use bytes::Bytes;
use model::Diagnose;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::made::{package, publish};

/// A server that answers everything alike, by its address.
async fn server(answer: &'static str) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut request = vec![0; 64 * 1024];
            let mut length = 0;
            // Head and body may come in two parts; what is sent here is small.
            while !is_whole(&request[..length]) {
                match stream.read(&mut request[length..]).await {
                    Ok(read @ 1..) => length += read,
                    _ => break,
                }
            }
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

fn settings(endpoint: String) -> Settings {
    Settings {
        endpoint: Some(endpoint),
        identity: [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]
            .map(|(name, value)| (name, value.to_owned()))
            .into(),
        ..Settings::default()
    }
}

fn bucket(endpoint: String) -> Store {
    let place = Place::parse("s3://charts/x").expect("a place");
    Store::open(place, &settings(endpoint)).expect("settings that lead somewhere")
}

async fn check(answer: &'static str, code: &str, expected: &str) {
    let store = bucket(server(answer).await);
    let error = publish(&store, &package("web", "1.0.0", ""))
        .await
        .expect_err("it refuses");
    assert_eq!((error.code().id, error.to_string().as_str()), (code, expected));
}

#[tokio::test]
async fn a_store_that_takes_conditions_and_writes_anyway_is_refused() {
    let lies = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    check(
        lies,
        "SW0704",
        "the store s3://charts/x can't keep what was written: `If-None-Match: *` is answered as if it were not there",
    )
    .await;
}

#[tokio::test]
async fn a_store_that_refuses_is_told_from_one_that_is_not_there() {
    let refuses = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    check(
        refuses,
        "SW0703",
        "may not write .conditions in the store s3://charts/x",
    )
    .await;
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    check(
        missing,
        "SW0702",
        "can't write .conditions in the store s3://charts/x",
    )
    .await;
}

#[test]
fn aws_needs_a_region() {
    let place = Place::parse("s3://charts").expect("a place");
    let error = Store::open(place, &Settings::default()).expect_err("no region");
    assert_eq!(error.code().id, "SW0701");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("no region is set; AWS_REGION names one"));
}

#[tokio::test]
async fn a_queue_that_refuses_says_why() {
    let answer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n\
                  {\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"it is no\"}";
    let url = format!("{}/1/charts", server(answer).await);
    let queue = Sqs::open(&url, &settings(url.trim_end_matches("/1/charts").to_owned())).expect("an address");
    let error = queue.delete(&["r".to_owned()]).await.expect_err("it refuses");
    assert_eq!(error.code().id, "SW0715");
    let expected = format!("can't delete from the queue {url}: QueueDoesNotExist: it is no");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_not_there_is_tried_again_and_told() {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/1/charts", socket.local_addr().expect("an address"));
    drop(socket);
    let queue = Sqs::open(&url, &settings(url.trim_end_matches("/1/charts").to_owned())).expect("an address");
    let error = queue.depth().await.expect_err("nobody is there");
    assert_eq!(error.code().id, "SW0716");
    assert_eq!(error.to_string(), format!("can't ask about the queue {url}"));
}

/// A folder in which somebody else is always faster to write the index.
#[derive(Debug)]
struct Contended(Folder);

impl Objects for Contended {
    fn get<'a>(&'a self, key: &'a str, limit: usize) -> Doing<'a, Option<Content>> {
        self.0.get(key, limit)
    }
    fn create<'a>(&'a self, key: &'a str, bytes: Bytes) -> Doing<'a, bool> {
        self.0.create(key, bytes)
    }
    fn replace<'a>(&'a self, _: &'a str, _: Bytes, _: Option<Tag>) -> Doing<'a, bool> {
        Box::pin(async { Ok(false) })
    }
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Listed>> {
        self.0.list(folder)
    }
    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a, ()> {
        self.0.delete(key)
    }
    fn check_conditions(&self) -> Doing<'_, ()> {
        self.0.check_conditions()
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_is_published_although_its_index_can_not_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = Arc::new(Contended(Folder::new(folder.path())));
    let store = Store::over(Place::Folder(folder.path().to_owned()), objects);
    let published = publish(&store, &package("web", "1.0.0", ""))
        .await
        .expect("publishes");
    let error = published.index.expect_err("others write it");
    assert_eq!(error.code().id, "SW0705");
    assert_eq!(store.names().await.expect("lists").len(), 1);
}
