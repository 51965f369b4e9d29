//! A server that says what it was told to say, byte for byte, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET /user`
    pub line: String,
    /// In lower case.
    pub head: String,
    pub body: String,
}

/// A server on this machine.
pub struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// An answer of JSON, with more headers, each with its line end.
pub fn json(status: u16, headers: &str, body: &str) -> String {
    let size = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n{headers}\r\n{body}"
    )
}

impl Server {
    /// Answers one connection after the other, each with the next of these.
    pub async fn saying(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = Vec::new();
                let asked = loop {
                    let mut some = [0; 4096];
                    let count = stream.read(&mut some).await.unwrap();
                    bytes.extend(&some[..count]);
                    if let Some(asked) = parsed(&bytes) {
                        break asked;
                    }
                    assert!(count > 0, "the request ended too early");
                };
                memory.lock().unwrap().push(asked);
                stream.write_all(answer.as_bytes()).await.unwrap();
                // Closed, so that every request comes on a connection of its own.
                stream.shutdown().await.unwrap();
            }
        });
        Self { address, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Methods and paths of what was asked.
    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

/// A request, once it is there wholly.
fn parsed(bytes: &[u8]) -> Option<Asked> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_owned();
    let size = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    if body.len() < size.unwrap_or(0) {
        return None;
    }
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked {
        line,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}
