//! The server's side of a WebSocket (RFC 6455): frames in, messages out, and the other way round.
//!
//! Only what Kubernetes clients use: no extensions. Text and binary are the same to us. A message has a bound.

use base64::Engine as _;
use bytes::{Buf as _, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};

/// Clients send pieces of 32 KiB; more than this is a mistake.
const MOST_BYTES: usize = 4 << 20;

/// What every server adds to the key (RFC 6455, 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const CONTINUES: u8 = 0;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// An upgraded connection.
pub(super) struct Socket {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

/// What the client says.
pub(super) struct Reader {
    stream: ReadHalf<TokioIo<Upgraded>>,
    buffer: BytesMut,
    message: Vec<u8>,
}

/// What is said to the client.
pub(super) struct Writer(WriteHalf<TokioIo<Upgraded>>);

/// One thing that a client said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Message(Vec<u8>),
    /// To be answered with the same bytes.
    Ping(Vec<u8>),
}

/// A frame as it came.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    last: bool,
    opcode: u8,
    payload: Vec<u8>,
}

/// The proof that the server speaks WebSocket.
pub(super) fn accept(key: &str) -> String {
    let digest = Sha1::digest(format!("{key}{MAGIC}").as_bytes());
    base64::engine::general_purpose::STANDARD.encode(digest)
}

impl Socket {
    pub(super) fn new(stream: TokioIo<Upgraded>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader: Reader {
                stream: reader,
                buffer: BytesMut::new(),
                message: Vec::new(),
            },
            writer: Writer(writer),
        }
    }
}

impl Reader {
    /// The next thing that the client says; nothing when it is done, or breaks the rules. May be dropped at any time.
    pub(super) async fn next(&mut self) -> Option<Said> {
        loop {
            while let Some(frame) = parse(&mut self.buffer).ok()? {
                match frame.opcode {
                    CLOSE => return None,
                    PING => return Some(Said::Ping(frame.payload)),
                    PONG => {}
                    opcode => {
                        if opcode != CONTINUES {
                            self.message.clear();
                        }
                        self.message.extend(frame.payload);
                        if self.message.len() > MOST_BYTES {
                            return None;
                        }
                        if frame.last {
                            return Some(Said::Message(std::mem::take(&mut self.message)));
                        }
                    }
                }
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(1..) => {}
                _ => return None,
            }
        }
    }
}

impl Writer {
    /// Sends a message. False when nobody is there any more.
    pub(super) async fn send(&mut self, parts: &[&[u8]]) -> bool {
        self.frame(BINARY, parts).await
    }

    pub(super) async fn pong(&mut self, payload: &[u8]) -> bool {
        self.frame(PONG, &[payload]).await
    }

    /// Says that nothing more comes: 1000, a normal end.
    pub(super) async fn close(&mut self) {
        self.frame(CLOSE, &[&1000_u16.to_be_bytes()]).await;
        let _ = self.0.shutdown().await;
    }

    async fn frame(&mut self, opcode: u8, parts: &[&[u8]]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut frame = vec![0x80 | opcode];
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(small @ 0..126), _) => frame.push(small),
            (_, Ok(medium)) => {
                frame.push(126);
                frame.extend(medium.to_be_bytes());
            }
            _ => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        parts.iter().for_each(|part| frame.extend_from_slice(part));
        self.0.write_all(&frame).await.is_ok() && self.0.flush().await.is_ok()
    }
}

/// Takes one frame from the front of what came; none while it isn't whole.
fn parse(buffer: &mut BytesMut) -> Result<Option<Frame>, ()> {
    let (Some(&first), Some(&second)) = (buffer.first(), buffer.get(1)) else {
        return Ok(None);
    };
    // Clients must mask, and extensions were not agreed on.
    if second & 0x80 == 0 || first & 0x70 != 0 {
        return Err(());
    }
    let (length, head) = match second & 0x7f {
        126 => match buffer.get(2..4) {
            Some(bytes) => (bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 4),
            None => return Ok(None),
        },
        127 => match buffer.get(2..10) {
            Some(bytes) => (bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 10),
            None => return Ok(None),
        },
        small => (u64::from(small), 2),
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MOST_BYTES)
        .ok_or(())?;
    if buffer.len() < head + 4 + length {
        return Ok(None);
    }
    buffer.advance(head);
    let mask = buffer.split_to(4);
    let payload = buffer.split_to(length);
    let unmasked = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask);
    Ok(Some(Frame {
        last: first & 0x80 != 0,
        opcode: first & 0x0f,
        payload: unmasked.collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_standard() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn frames_are_read_when_they_are_whole_and_masked() {
        let whole = [0x82, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
        for cut in 0..whole.len() {
            assert_eq!(parse(&mut BytesMut::from(&whole[..cut])), Ok(None), "{cut}");
        }
        let frame = Frame {
            last: true,
            opcode: BINARY,
            payload: b"hi".to_vec(),
        };
        assert_eq!(parse(&mut BytesMut::from(&whole[..])), Ok(Some(frame)));
        assert_eq!(parse(&mut BytesMut::from(&[0x82, 0x02, 1, 2][..])), Err(()));
        assert_eq!(
            parse(&mut BytesMut::from(&[0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0][..])),
            Err(())
        );
    }
}
