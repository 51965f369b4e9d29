//! One HTTP/2 connection over TLS to a cluster, with as many streams as wanted.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use hyper::http::Request;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::report::Result;
use crate::server::{Server, TOKEN};

/// What a stream and a connection may send unasked: whole pages of a list.
const WINDOW: u32 = 16 << 20;

/// A connection. Cheap to clone; runs on the runtime that made it.
#[derive(Clone)]
pub struct Client {
    send: SendRequest<Bytes>,
}

impl Client {
    pub async fn connect(server: &Server) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&server.authority)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let (send, connection) = Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(stream)
            .await?;
        // It ends with the server; whoever waits for an answer then is told.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { send })
    }

    /// Sends a request and gives the code and the body, which has yet to come.
    pub async fn open(
        &self,
        method: &str,
        path: &str,
        (media, body): (&str, Bytes),
    ) -> Result<(u16, RecvStream)> {
        let mut send = self.send.clone().ready().await?;
        let request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("user-agent", "bench/1")
            .header("content-type", media)
            .body(())?;
        let (answer, mut stream) = send.send_request(request, body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        let (head, body) = answer.await?.into_parts();
        Ok((head.status.as_u16(), body))
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&self, method: &str, path: &str, (media, body): (&str, Bytes)) -> Result<Bytes> {
        let (code, mut stream) = self.open(method, path, (media, body)).await?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = next(&mut stream).await? {
            whole.extend_from_slice(&chunk);
        }
        if code >= 300 {
            let text = String::from_utf8_lossy(&whole);
            return Err(format!("{method} {path}: {code} {text}").into());
        }
        Ok(whole.freeze())
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let body = self.ask("GET", path, ("application/json", Bytes::new())).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    pub async fn create(&self, path: &str, object: &Value) -> Result<Bytes> {
        let body = Bytes::from(object.to_string());
        self.ask("POST", path, ("application/json", body)).await
    }

    pub async fn patch(&self, path: &str, patch: &Value) -> Result<Bytes> {
        let body = Bytes::from(patch.to_string());
        self.ask("PATCH", path, ("application/merge-patch+json", body))
            .await
    }
}

/// The next piece of a body.
pub async fn next(stream: &mut RecvStream) -> Result<Option<Bytes>> {
    let Some(chunk) = stream.data().await else {
        return Ok(None);
    };
    let chunk = chunk?;
    stream.flow_control().release_capacity(chunk.len())?;
    Ok(Some(chunk))
}
