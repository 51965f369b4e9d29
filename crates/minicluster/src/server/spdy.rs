//! SPDY/3.1 as far as forwarded ports need it: streams with headers, data, and their ends.
//!
//! ```text
//! bytes ──► Decoder ──► Opened, Data, Closed, Ping …        reply, data, close ──► bytes
//! ```
//!
//! There is no flow control, as Kubernetes clients use none. What is sent is not compressed: it is packed into stored
//! blocks of the compressor's format, which every reader takes. Specification: SPDY Protocol, Draft 3.1.

use bytes::{Buf as _, BytesMut};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags::TINFL_FLAG_HAS_MORE_INPUT};

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;

/// The flag of a frame after which its sender says no more on the stream.
const FIN: u8 = 1;

/// Larger frames are no client's; theirs are 32 KiB.
const MOST_BYTES: usize = 1 << 20;

/// Headers are a few words.
const MOST_HEADERS: usize = 64 << 10;

/// The window of the compressor.
const WINDOW: usize = 32 << 10;

/// A compressed stream that was begun with a dictionary: two bytes, and the dictionary's sum.
const ZLIB_HEAD: usize = 6;

/// The words that the compressor begins with, each with its length in front (Draft 3, 2.6.10.1), …
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";

/// … and what follows them.
const TAIL: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/// What the other side did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Opened {
        stream: u32,
        headers: Vec<(String, String)>,
        last: bool,
    },
    Data {
        stream: u32,
        bytes: Vec<u8>,
        last: bool,
    },
    Reset(u32),
    /// To be answered with the same number.
    Ping(u32),
    GoAway,
}

/// Bytes into events.
pub(super) struct Decoder {
    buffer: BytesMut,
    inflate: DecompressorOxide,
    window: Vec<u8>,
    at: usize,
    begun: bool,
}

/// The other side breaks the rules: the connection is no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Decoder {
    pub(super) fn new() -> Self {
        let dictionary = dictionary();
        let mut window = vec![0; WINDOW];
        window[..dictionary.len()].copy_from_slice(&dictionary);
        Self {
            buffer: BytesMut::new(),
            inflate: DecompressorOxide::new(),
            window,
            at: dictionary.len(),
            begun: false,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next thing that came whole.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Broken> {
        loop {
            let Some(head) = self.buffer.get(..8) else {
                return Ok(None);
            };
            let (control, flags) = (head[0] & 0x80 != 0, head[4]);
            let kind = u16::from_be_bytes([head[2], head[3]]);
            let stream = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) & 0x7fff_ffff;
            let length = usize::from(head[5]) << 16 | usize::from(head[6]) << 8 | usize::from(head[7]);
            if length > MOST_BYTES {
                return Err(Broken);
            }
            if self.buffer.len() < 8 + length {
                return Ok(None);
            }
            self.buffer.advance(8);
            let payload = self.buffer.split_to(length);
            let last = flags & FIN != 0;
            if !control {
                let bytes = payload.to_vec();
                return Ok(Some(Event::Data { stream, bytes, last }));
            }
            if let Some(event) = self.control(kind, last, &payload)? {
                return Ok(Some(event));
            }
        }
    }

    fn control(&mut self, kind: u16, last: bool, payload: &[u8]) -> Result<Option<Event>, Broken> {
        let number = || number(payload, 0).ok_or(Broken);
        Ok(match kind {
            SYN_STREAM => {
                let stream = number()? & 0x7fff_ffff;
                let headers = self.headers(payload.get(10..).ok_or(Broken)?)?;
                Some(Event::Opened {
                    stream,
                    headers,
                    last,
                })
            }
            RST_STREAM => Some(Event::Reset(number()? & 0x7fff_ffff)),
            PING => Some(Event::Ping(number()?)),
            GOAWAY => Some(Event::GoAway),
            // Settings and windows say nothing to us.
            _ => None,
        })
    }

    fn headers(&mut self, mut packed: &[u8]) -> Result<Vec<(String, String)>, Broken> {
        if !self.begun {
            self.begun = true;
            packed = packed.get(ZLIB_HEAD..).ok_or(Broken)?;
        }
        let mut plain = Vec::new();
        loop {
            let (status, read, written) = decompress(
                &mut self.inflate,
                packed,
                &mut self.window,
                self.at,
                TINFL_FLAG_HAS_MORE_INPUT,
            );
            plain.extend_from_slice(self.window.get(self.at..self.at + written).ok_or(Broken)?);
            self.at = (self.at + written) % WINDOW;
            packed = packed.get(read..).ok_or(Broken)?;
            match status {
                TINFLStatus::HasMoreOutput if plain.len() <= MOST_HEADERS => {}
                TINFLStatus::NeedsMoreInput if packed.is_empty() => break,
                _ => return Err(Broken),
            }
        }
        pairs(&plain).ok_or(Broken)
    }
}

/// The answer that accepts a stream, without headers of its own; the first one begins the compressor's stream.
pub(super) fn reply(stream: u32, first: bool) -> Vec<u8> {
    // No headers: their number alone, as a stored block, and an empty one behind which the reader has everything.
    let plain = 0_u32.to_be_bytes();
    let mut packed = if first { vec![0x78, 0x01] } else { Vec::new() };
    packed.extend([0, 4, 0, 0xfb, 0xff]);
    packed.extend(plain);
    packed.extend([0, 0, 0, 0xff, 0xff]);
    control(SYN_REPLY, &[&stream.to_be_bytes(), &packed])
}

/// Data of a stream; `last` ends this side of it.
pub(super) fn data(stream: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    let mut frame = stream.to_be_bytes().to_vec();
    frame.extend(length(bytes.len(), u8::from(last)));
    frame.extend_from_slice(bytes);
    frame
}

/// Gives a stream up.
pub(super) fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 5;
    control(RST_STREAM, &[&stream.to_be_bytes(), &CANCEL.to_be_bytes()])
}

pub(super) fn pong(number: u32) -> Vec<u8> {
    control(PING, &[&number.to_be_bytes()])
}

fn control(kind: u16, parts: &[&[u8]]) -> Vec<u8> {
    let size = parts.iter().map(|part| part.len()).sum();
    let mut frame = vec![0x80, 3];
    frame.extend(kind.to_be_bytes());
    frame.extend(length(size, 0));
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    frame
}

/// Flags and a length of 24 bits.
fn length(size: usize, flags: u8) -> [u8; 4] {
    let [_, high, middle, low] = u32::try_from(size).unwrap_or(0x00ff_ffff).to_be_bytes();
    [flags, high, middle, low]
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_be_bytes(four))
}

fn pairs(plain: &[u8]) -> Option<Vec<(String, String)>> {
    let mut at = 4;
    let mut text = || {
        let length = usize::try_from(number(plain, at)?).ok()?;
        let text = plain.get(at + 4..(at + 4).checked_add(length)?)?;
        at += 4 + length;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    (0..number(plain, 0)?).map(|_| Some((text()?, text()?))).collect()
}

fn dictionary() -> Vec<u8> {
    let mut out = Vec::new();
    for word in WORDS.split(' ') {
        let word = word.replace('_', " ");
        out.extend(u32::try_from(word.len()).unwrap_or_default().to_be_bytes());
        out.extend_from_slice(word.as_bytes());
    }
    out.extend_from_slice(TAIL.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What zlib makes of two blocks of headers with the dictionary, flushed after each.
    const FIRST: &str = "78f9e3c6a7c202253a48f95b044eea16061606409ab308125f99a074cc68004e892545a989b9d0c2863515141500000000ffff";
    const SECOND: &str = "225333a8a44a04000000ffff";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    fn syn(stream: u32, packed: &str) -> Vec<u8> {
        control(SYN_STREAM, &[&stream.to_be_bytes(), &[0; 6], &bytes(packed)])
    }

    #[test]
    fn the_dictionary_has_the_sum_that_clients_send() {
        let (mut low, mut high) = (1_u32, 0_u32);
        for byte in dictionary() {
            low = (low + u32::from(byte)) % 65521;
            high = (high + low) % 65521;
        }
        assert_eq!(high << 16 | low, 0xe3c6_a7c2);
    }

    #[test]
    fn streams_are_opened_by_compressed_headers_piece_by_piece() {
        let mut decoder = Decoder::new();
        let sent = [syn(1, FIRST), syn(3, SECOND), data(3, b"hello", true)].concat();
        let mut events = Vec::new();
        for byte in sent {
            decoder.feed(&[byte]);
            events.extend(decoder.next().unwrap());
        }
        let headers = |kind: &str| {
            [("port", "8080"), ("requestid", "0"), ("streamtype", kind)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        };
        let expected = [
            Event::Opened {
                stream: 1,
                headers: headers("error"),
                last: false,
            },
            Event::Opened {
                stream: 3,
                headers: headers("data"),
                last: false,
            },
            Event::Data {
                stream: 3,
                bytes: b"hello".to_vec(),
                last: true,
            },
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn nonsense_is_refused() {
        for sent in [
            syn(1, "00"),
            syn(1, "78bbe3c6a7c2ffffffff"),
            vec![0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff],
        ] {
            let mut decoder = Decoder::new();
            decoder.feed(&sent);
            assert_eq!(decoder.next(), Err(Broken), "{sent:?}");
        }
    }
}
