//! Webhooks: a signed one makes the controller look at once; forged, stale, repeated, huge and strange ones do nothing.

use std::sync::Arc;
use std::time::Duration;

use artifact::{Place, Settings, SigningKey, Store, Trusted};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use control::{Charts, Options, Service};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kinds::{ChartSource, Object};
use serde_json::json;
use sha2::Sha256;
use source::forge::Link;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ground::{Ground, now};
use crate::origin::{Origin, git};

const SECRET: &str = "correct horse battery staple";

/// A hub with a source that is not looked at by itself for an hour.
struct Hub {
    ground: Ground,
    origin: Origin,
    address: String,
    _serving: tokio::task::JoinHandle<()>,
}

impl Hub {
    async fn new() -> Self {
        let ground = Ground::new(&[]).await;
        let origin = Origin::new();
        origin.commit(&[("README.md", "x")]);
        let secret = json!({"secret": BASE64.encode(SECRET)});
        let metadata = json!({"name": "hook", "namespace": "shipway-system"});
        ground
            .create(
                "v1",
                json!({"kind": "Secret", "metadata": metadata, "data": secret}),
            )
            .await;
        let spec = json!({"url": origin.remote().url(), "interval": "1h", "webhook": {"secret": "hook"}});
        for (name, spec) in [
            ("charts", spec.clone()),
            ("open", json!({"url": origin.remote().url(), "interval": "1h"})),
        ] {
            ground
                .create(
                    kinds::API_VERSION,
                    json!({"kind": "ChartSource", "metadata": {"name": name}, "spec": spec}),
                )
                .await;
        }
        let service = Service::start(options(&ground, &origin)).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let handles = api::Handles {
            webhooks: service.webhooks(),
            desk: None,
            proxies: Vec::new(),
        };
        let serving = tokio::spawn(async move {
            tokio::select! {
                () = service.run(std::future::pending()) => {}
                () = api::serve(listener, handles) => {}
            }
        });
        Self {
            ground,
            origin,
            address,
            _serving: serving,
        }
    }

    async fn seen(&self, commit: source::ObjectId) -> Object<ChartSource> {
        let is_it = |one: &Object<ChartSource>| one.status.commit == commit.to_string();
        self.ground.until("charts", is_it).await
    }

    /// Sends a request and gives the status line's number.
    async fn send(&self, head: &str, body: &[u8]) -> u16 {
        self.sent(head, body, body.len()).await
    }

    /// Sends the head of a request alone, whose body never comes.
    async fn send_part(&self, head: &str, length: usize) -> u16 {
        self.sent(head, b"", length).await
    }

    async fn sent(&self, head: &str, body: &[u8], length: usize) -> u16 {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!("{head}host: hub\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // Who is refused may be cut off before all is sent.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_default()
    }

    async fn hook(&self, source: &str, (id, age): (&str, i64), secret: &str, body: &str) -> u16 {
        let at = now().as_second() - age;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        let sum = BASE64.encode(mac.finalize().into_bytes());
        let head = format!(
            "POST /webhooks/{source} HTTP/1.1\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
             webhook-timestamp: {at}\r\nwebhook-signature: v1,{sum}\r\n"
        );
        self.send(&head, body.as_bytes()).await
    }
}

fn options(ground: &Ground, origin: &Origin) -> Options {
    let key = Arc::new(SigningKey::from_seed(&[7; 32]));
    let place = Place::Folder(origin.place("store"));
    let charts = Charts {
        cache: origin.place("cache"),
        git: git(),
        link: Link::new(None).unwrap(),
        store: Store::open(place, &Settings::default()).unwrap(),
        trusted: Arc::new(Trusted::new([key.public()])),
        key,
        queue: None,
        sweep: Duration::from_secs(3600),
        look: Duration::from_secs(3600),
    };
    Options {
        charts: Some(charts),
        ..ground.options("one")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_makes_it_look_at_once_and_no_other_does() {
    let hub = Hub::new().await;
    let url = hub.origin.remote().url().to_owned();
    let first = hub.origin.git(&["rev-parse", "HEAD"]).trim().parse().unwrap();
    hub.seen(first).await;
    let second = hub.origin.commit(&[("README.md", "y")]);
    let body = json!({"repository": url, "ref": "refs/heads/main"}).to_string();

    assert_eq!(
        hub.hook("charts", ("1", 0), "guessed", &body).await,
        401,
        "forged"
    );
    assert_eq!(hub.hook("charts", ("1", 3600), SECRET, &body).await, 401, "stale");
    assert_eq!(
        hub.hook("open", ("1", 0), SECRET, &body).await,
        401,
        "a source without a secret"
    );
    assert_eq!(hub.hook("nobody", ("1", 0), SECRET, &body).await, 404);
    assert_eq!(hub.hook("..%2fsecrets", ("1", 0), SECRET, &body).await, 404);
    let other = json!({"repository": "https://example.com/other.git", "ref": "refs/heads/main"});
    assert_eq!(
        hub.hook("charts", ("2", 0), SECRET, &other.to_string()).await,
        400,
        "another repository"
    );
    // What nobody waits for is not read: it is answered before its body is there.
    for (source, status) in [("nobody", 404), ("open", 401)] {
        let head = format!("POST /webhooks/{source} HTTP/1.1\r\n");
        assert_eq!(hub.send_part(&head, 25 << 20).await, status, "{source}");
    }
    let huge = vec![b' '; source::webhook::LARGEST + 1];
    assert_eq!(hub.send("POST /webhooks/charts HTTP/1.1\r\n", &huge).await, 413);
    assert_eq!(hub.send("GET /webhooks/charts HTTP/1.1\r\n", b"").await, 405);
    assert_eq!(hub.send("GET /healthz HTTP/1.1\r\n", b"").await, 200);
    assert_eq!(hub.send("GET / HTTP/1.1\r\n", b"").await, 404);
    let untouched = hub.seen(first).await;
    assert!(
        untouched.metadata.annotations.is_empty(),
        "{:?}",
        untouched.metadata.annotations
    );

    assert_eq!(hub.hook("charts", ("3", 0), SECRET, &body).await, 202);
    assert_eq!(
        hub.hook("charts", ("3", 0), SECRET, &body).await,
        409,
        "played again"
    );
    hub.seen(second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_slowed_and_whoever_takes_all_connections_leaves_probes_theirs() {
    let hub = Hub::new().await;
    let mut last = 401;
    for at in 0..400 {
        if last != 401 {
            break;
        }
        last = hub.hook("charts", (&at.to_string(), 0), "guessed", "{}").await;
    }
    assert_eq!(last, 429);

    // Nobody is asked anything on these.
    let mut idle = Vec::new();
    for _ in 0..256 {
        idle.push(TcpStream::connect(&hub.address).await.unwrap());
    }
    assert_eq!(hub.send("GET /healthz HTTP/1.1\r\n", b"").await, 200);
    assert_eq!(hub.send("GET / HTTP/1.1\r\n", b"").await, 429);
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn few_large_bodies_are_held_at_once_and_small_ones_do_not_wait_for_them() {
    let hub = Hub::new().await;
    let begin = async |length: usize| {
        let mut stream = TcpStream::connect(&hub.address).await.unwrap();
        let head = format!("POST /webhooks/charts HTTP/1.1\r\nhost: hub\r\ncontent-length: {length}\r\n");
        // The server says so when it begins to read.
        let head = format!("{head}expect: 100-continue\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = begin(25 << 20).await;
        let mut said = [0; 12];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 100");
        held.push(stream);
    }
    let waits = begin(25 << 20).await;
    // What is small is heard, and answered, as often as anybody likes.
    for _ in 0..20 {
        assert_eq!(hub.hook("charts", ("1", 0), "guessed", "{}").await, 401);
    }
    let said = waits.try_read(&mut [0; 12]);
    assert!(said.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    // A place that is given back is the next one's.
    held.pop();
    waits.readable().await.unwrap();
    assert_eq!(waits.try_read(&mut [0; 12]).unwrap(), 12);
}
