//! A record as text and back: Go's JSON, gzip, base64, as Helm packs them.
//!
//! Payloads of Helm's early days are not compressed; they are told by gzip's first bytes, as Helm tells them.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

use crate::error::{Error, Unpack};
use crate::go_json;
use crate::record::Record;

/// How gzip with deflate begins.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// What a record may unpack to: YAML packs ten to one, so a full Secret holds about 10 MB, and a bomb a thousand.
pub const MAX_UNPACKED: u64 = 64 << 20;

/// gzip's number for an unknown operating system, which Go writes.
const GZIP_OS_UNKNOWN: u8 = 255;

/// Packs a record into at most `limit` bytes if that is possible; the same record gives the same text.
///
/// Helm takes the best compression always, which takes twice as long and saves a quarter of a percent. So that is left
/// for records that need it.
///
/// # Errors
/// [`Error::Pack`], for what JSON can't hold.
pub fn pack(record: &Record, limit: usize) -> Result<String, Error> {
    let failed = |reason: String| Error::Pack {
        release: record.name.clone(),
        revision: record.revision,
        reason,
    };
    let json = go_json::to_vec(record).map_err(|error| failed(error.to_string()))?;
    let text = |level| {
        let packed = compress(&json, level).map_err(|error| failed(error.to_string()))?;
        Ok(STANDARD.encode(packed))
    };
    let packed = text(Compression::default())?;
    if packed.len() <= limit {
        return Ok(packed);
    }
    text(Compression::best())
}

/// Unpacks what [`pack`] or Helm packed.
///
/// # Errors
/// The step that failed.
pub fn unpack(text: &[u8]) -> Result<Record, Unpack> {
    let bytes = decode(text)?;
    let json = if bytes.starts_with(&MAGIC) {
        decompress(&bytes)?
    } else {
        bytes
    };
    serde_json::from_slice(&json).map_err(|error| Unpack::Json {
        reason: error.to_string(),
    })
}

/// Base64 as Go reads it, which skips line breaks.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, Unpack> {
    let failed = |error: base64::DecodeError| Unpack::Base64 {
        reason: error.to_string(),
    };
    if !text.contains(&b'\n') && !text.contains(&b'\r') {
        return STANDARD.decode(text).map_err(failed);
    }
    let joined: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    STANDARD.decode(joined).map_err(failed)
}

fn compress(bytes: &[u8], level: Compression) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(GZIP_OS_UNKNOWN)
        .write(Vec::new(), level);
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>, Unpack> {
    let mut out = Vec::new();
    let read = MultiGzDecoder::new(bytes)
        .take(MAX_UNPACKED + 1)
        .read_to_end(&mut out);
    read.map_err(|error| Unpack::Gzip {
        reason: error.to_string(),
    })?;
    if out.len() as u64 > MAX_UNPACKED {
        return Err(Unpack::TooLarge { limit: MAX_UNPACKED });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"name":"a","info":{"status":"deployed"},"version":1}"#;

    fn unpacked(text: &[u8]) -> String {
        match unpack(text) {
            Ok(record) => serde_json::to_string(&record).expect("JSON"),
            Err(error) => error.to_string(),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzBuilder::new().write(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    #[test]
    fn what_was_packed_unpacks() {
        let record: Record = serde_json::from_str(JSON).expect("a record");
        let packed = pack(&record, usize::MAX).expect("it packs");
        assert!(packed.starts_with("H4sI"), "{packed}");
        assert_eq!(unpacked(packed.as_bytes()), JSON);
    }

    #[test]
    fn payloads_need_not_be_compressed_or_in_one_line() {
        let mut plain = STANDARD.encode(JSON);
        assert_eq!(unpacked(plain.as_bytes()), JSON);
        plain.insert_str(8, "\r\n");
        assert_eq!(unpacked(plain.as_bytes()), JSON);
    }

    #[test]
    fn damage_is_told_by_its_step() {
        let cases: [(&[u8], &str); 5] = [
            (b"!", "its data is not base64: "),
            (b"", "its data is not the JSON of a release: "),
            (b"YQ==", "its data is not the JSON of a release: "),
            (b"H4sIAAAA", "its data can't be decompressed: "),
            (
                b"e30=",
                "its data is not the JSON of a release: missing field `version`",
            ),
        ];
        for (text, expected) in cases {
            let error = unpacked(text);
            assert!(error.starts_with(expected), "{error}");
        }
        let cut = gzip(JSON.as_bytes());
        let cut = STANDARD.encode(&cut[..cut.len() - 9]);
        assert!(unpacked(cut.as_bytes()).starts_with("its data can't be decompressed: "));
    }

    #[test]
    fn bombs_are_not_unpacked() {
        let zeros = vec![0; 1 << 20];
        let bomb: Vec<u8> = std::iter::repeat_n(gzip(&zeros), 65).flatten().collect();
        let error = unpacked(STANDARD.encode(bomb).as_bytes());
        assert_eq!(error, "its data unpacks to more than 67108864 bytes");
    }
}
