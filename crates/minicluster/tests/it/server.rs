//! A cluster is started, asked over HTTPS as any client would, and stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use minicluster::server::{ClientCertificate, Cluster, Handle, Options};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Sends one request over HTTP/1.1 and gives the code and the body.
pub(crate) async fn ask(
    handle: &Handle,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    send(handle, &request).await
}

/// Sends a request as it stands and reads the answer.
pub(crate) async fn send(handle: &Handle, request: &str) -> (u16, String) {
    let (code, body) = send_bytes(handle, request.as_bytes()).await;
    (code, String::from_utf8(body).unwrap())
}

/// The same with bytes. Who answers before everything is sent may close, so the end of writing is not insisted on.
pub(crate) async fn send_bytes(handle: &Handle, request: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = connect(handle, None, &[]).await;
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    // The server may close without TLS's own goodbye.
    let _ = stream.read_to_end(&mut answer).await;
    let head = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let code = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (code, answer.split_off(head + 4))
}

/// Sends requests, the last of which closes the connection, and reads whatever is answered.
pub(crate) async fn exchange(
    handle: &Handle,
    certificate: Option<&ClientCertificate>,
    requests: &str,
) -> String {
    let mut stream = connect(handle, certificate, &[]).await;
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

/// A connection that speaks one of the protocols, or HTTP/1.1 if there are none.
pub(crate) async fn connect(
    handle: &Handle,
    certificate: Option<&ClientCertificate>,
    protocols: &[&[u8]],
) -> TlsStream<TcpStream> {
    let config = config(handle.authority(), certificate, protocols);
    open(handle.address(), config).await.unwrap()
}

/// A connection to a server that may be gone.
pub(crate) async fn open(address: SocketAddr, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, stream).await
}

/// What a client knows that trusts an authority.
pub(crate) fn config(
    authority: &str,
    certificate: Option<&ClientCertificate>,
    protocols: &[&[u8]],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some(ClientCertificate { certificate, key }) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
    config
}

pub(crate) async fn json(handle: &Handle, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: application/json\r\n",
        handle.token()
    );
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (code, text) = ask(handle, method, path, &headers, &body).await;
    (code, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"k": "v"}})
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_created_listed_and_deleted() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let (code, _) = ask(&handle, "GET", "/readyz", "", "").await;
    assert_eq!(code, 200);
    let (code, created) = json(&handle, "POST", CONFIG_MAPS, &config_map("a")).await;
    assert_eq!((code, &created["kind"]), (201, &json!("ConfigMap")));
    let (code, again) = json(&handle, "POST", CONFIG_MAPS, &config_map("a")).await;
    assert_eq!((code, &again["reason"]), (409, &json!("AlreadyExists")));
    let (_, list) = json(
        &handle,
        "GET",
        &format!("{CONFIG_MAPS}?fieldSelector=metadata.name=a"),
        &Value::Null,
    )
    .await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let (code, _) = json(&handle, "DELETE", &format!("{CONFIG_MAPS}/a"), &Value::Null).await;
    assert_eq!(code, 200);
    let (code, _) = json(&handle, "GET", &format!("{CONFIG_MAPS}/a"), &Value::Null).await;
    assert_eq!(code, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_only_health_and_version() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    for (path, headers, expected) in [
        ("/healthz", "", 200),
        ("/version", "", 200),
        ("/apis", "", 403),
        (CONFIG_MAPS, "", 403),
        (CONFIG_MAPS, "Authorization: Bearer wrong\r\n", 401),
    ] {
        assert_eq!(ask(&handle, "GET", path, headers, "").await.0, expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_are_refused() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: application/json\r\n",
        handle.token()
    );
    let deep = "[".repeat(100_000);
    for (body, expected) in [(deep.as_str(), 400), ("", 400), ("null", 400)] {
        assert_eq!(
            ask(&handle, "POST", CONFIG_MAPS, &headers, body).await.0,
            expected
        );
    }
    // A length that is too large is refused before the body comes.
    let huge = format!(
        "POST {CONFIG_MAPS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4194304\r\n{headers}\r\n"
    );
    assert_eq!(send(&handle, &huge).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_cluster_finds_its_objects_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let cluster = Cluster::start(options()).await.unwrap();
    let (code, _) = json(&cluster.handle(), "POST", CONFIG_MAPS, &config_map("kept")).await;
    assert_eq!(code, 201);
    drop(cluster);
    let cluster = Cluster::start(options()).await.unwrap();
    let (code, _) = json(
        &cluster.handle(),
        "GET",
        &format!("{CONFIG_MAPS}/kept"),
        &Value::Null,
    )
    .await;
    assert_eq!(code, 200);
}
