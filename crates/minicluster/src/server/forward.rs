//! Forwarded ports: SPDY streams in a WebSocket, in pairs, and a connection to the pod for each pair.
//!
//! A client opens a stream for errors and one for data, both with the port and the same request id. What the pod's
//! port says goes out on the second one; why there is no connection goes out on the first.

use std::collections::HashMap;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::spdy::{self, Decoder, Event};
use super::websocket::{Said, Socket};

/// Streams of one client at one time, as browsers and more never reach.
const MOST_STREAMS: usize = 1000;

/// Frames that wait for a slow client, and pieces that wait for a slow pod.
const AHEAD: usize = 32;

/// One side of a forwarded connection, as the other side of the tunnel sees it.
enum Stream {
    /// Carries the reason when there is no connection; by the request's id.
    Error { request: String },
    /// What the client says goes to the connection; an empty piece is its end.
    Data(mpsc::Sender<Vec<u8>>),
}

/// Serves a tunnel until the client goes.
pub(super) async fn forward(socket: Socket, address: String) {
    let Socket {
        mut reader,
        mut writer,
    } = socket;
    let (sender, mut frames) = mpsc::channel::<Vec<u8>>(AHEAD);
    let mut tunnel = Tunnel {
        decoder: Decoder::new(),
        streams: HashMap::new(),
        replied: false,
        address,
        sender,
        connections: JoinSet::new(),
    };
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => if !writer.send(&[&frame]).await { return },
                None => return,
            },
            said = reader.next() => match said {
                Some(Said::Ping(payload)) => if !writer.pong(&payload).await { return },
                Some(Said::Message(bytes)) => {
                    let Some(answers) = tunnel.take(&bytes) else { return };
                    for answer in answers {
                        if !writer.send(&[&answer]).await {
                            return;
                        }
                    }
                }
                None => return,
            },
        }
    }
}

/// The streams of one client.
struct Tunnel {
    decoder: Decoder,
    streams: HashMap<u32, Stream>,
    replied: bool,
    address: String,
    sender: mpsc::Sender<Vec<u8>>,
    /// They end with the tunnel.
    connections: JoinSet<()>,
}

impl Tunnel {
    /// Takes in what the client sent; the frames to answer with. Nothing when the tunnel is no use any more.
    fn take(&mut self, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.decoder.feed(bytes);
        while self.connections.try_join_next().is_some() {}
        let mut answers = Vec::new();
        while let Some(event) = self.decoder.next().ok()? {
            match event {
                Event::Opened { stream, headers, .. } => {
                    answers.push(spdy::reply(stream, !self.replied));
                    self.replied = true;
                    if !self.open(stream, &headers) {
                        answers.push(spdy::reset(stream));
                    }
                }
                Event::Data { stream, bytes, last } => self.hand_on(stream, bytes, last),
                Event::Reset(stream) => drop(self.streams.remove(&stream)),
                Event::Ping(number) => answers.push(spdy::pong(number)),
                Event::GoAway => return None,
            }
        }
        Some(answers)
    }

    fn open(&mut self, stream: u32, headers: &[(String, String)]) -> bool {
        let text = |wanted: &str| {
            let mut found = headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.next().map_or("", |(_, value)| value.as_str())
        };
        if self.streams.len() >= MOST_STREAMS {
            return false;
        }
        let request = text("requestid").to_owned();
        match text("streamtype") {
            "error" => {
                self.streams.insert(stream, Stream::Error { request });
                true
            }
            "data" => {
                let Ok(port) = text("port").parse::<u16>() else {
                    return false;
                };
                let mut errors = self.streams.iter();
                let error = errors
                    .find(|(_, known)| matches!(known, Stream::Error { request: id } if *id == request));
                let Some((&error, _)) = error else { return false };
                let (sender, hears) = mpsc::channel(AHEAD);
                self.streams.insert(stream, Stream::Data(sender));
                self.streams.remove(&error);
                let connection = Connection {
                    address: self.address.clone(),
                    port,
                    data: stream,
                    error,
                };
                self.connections
                    .spawn(connection.carry(hears, self.sender.clone()));
                true
            }
            _ => false,
        }
    }

    fn hand_on(&mut self, stream: u32, bytes: Vec<u8>, last: bool) {
        let Some(Stream::Data(sender)) = self.streams.get(&stream) else {
            return;
        };
        let sender = sender.clone();
        let mut pieces = Vec::new();
        if !bytes.is_empty() {
            pieces.push(bytes);
        }
        if last {
            pieces.push(Vec::new());
            self.streams.remove(&stream);
        }
        for piece in pieces {
            // A pod that reads too slowly loses this connection, rather than hold up all others of the tunnel.
            if sender.try_send(piece).is_err() {
                self.streams.remove(&stream);
            }
        }
    }
}

/// One connection to a pod.
struct Connection {
    address: String,
    port: u16,
    data: u32,
    error: u32,
}

impl Connection {
    async fn carry(self, mut hears: mpsc::Receiver<Vec<u8>>, sender: mpsc::Sender<Vec<u8>>) {
        let (mut from, mut to) = match TcpStream::connect((self.address.as_str(), self.port)).await {
            Ok(stream) => stream.into_split(),
            Err(error) => {
                let text = format!(
                    "failed to connect to {}:{} inside the pod: {error}",
                    self.address, self.port
                );
                let _ = sender.send(spdy::data(self.error, text.as_bytes(), true)).await;
                let _ = sender.send(spdy::data(self.data, &[], true)).await;
                return;
            }
        };
        let out = async {
            let mut buffer = vec![0; 32 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                if sender
                    .send(spdy::data(self.data, &buffer[..count], false))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        };
        let inward = async {
            while let Some(piece) = hears.recv().await {
                if piece.is_empty() {
                    break;
                }
                if to.write_all(&piece).await.is_err() {
                    return;
                }
            }
            let _ = to.shutdown().await;
            // The pod may still have something to say.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = out => {}
            () = inward => {}
        }
        let _ = sender.send(spdy::data(self.data, &[], true)).await;
        let _ = sender.send(spdy::data(self.error, &[], true)).await;
    }
}
