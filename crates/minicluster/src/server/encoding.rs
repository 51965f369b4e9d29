//! An answer, which is made in JSON, becomes what was asked for: protobuf, YAML, or JSON for human eyes.
//!
//! JSON for machines passes through untouched. Only what somebody asked for is translated, and only objects: a
//! document that has no message stays JSON, as its media type says.

use bytes::Bytes;
use serde_json::Value;

use super::negotiate::Encoding;
use crate::protobuf;
use crate::registry::{Content, Reply};

/// Clients behind which a person is.
const READERS: &[&str] = &["curl", "Wget", "Mozilla/5.0"];

/// Writes an answer in an encoding. Watches are encoded line by line while they are sent.
pub(super) fn encode(reply: Reply, encoding: Encoding) -> Reply {
    let content = match (reply.content, encoding) {
        (Content::Json(json), Encoding::Protobuf) => {
            match parsed(&json).as_ref().and_then(protobuf::encode) {
                Some(bytes) => Content::Typed(protobuf::MEDIA, bytes.into()),
                None => Content::Json(json),
            }
        }
        (Content::Json(json), Encoding::Yaml) => {
            let text = parsed(&json).and_then(|value| yaml::to_string(&yaml_of(value)).ok());
            match text {
                Some(text) => Content::Typed("application/yaml", text.into()),
                None => Content::Json(json),
            }
        }
        (Content::Stream(lines), Encoding::Protobuf) => Content::Frames(lines),
        (content, _) => content,
    };
    Reply { content, ..reply }
}

/// Lays JSON out in lines, for whoever asks for it or is a person.
pub(super) fn pretty(reply: Reply, wanted: &str, agent: &str) -> Reply {
    let wanted = match wanted {
        "" => READERS.iter().any(|reader| agent.starts_with(reader)),
        text => matches!(text, "1" | "t" | "T" | "true" | "True" | "TRUE"),
    };
    let content = match reply.content {
        Content::Json(json) if wanted => Content::Json(indent(&json).into()),
        content => content,
    };
    Reply { content, ..reply }
}

fn parsed(json: &Bytes) -> Option<Value> {
    serde_json::from_slice(json).ok()
}

/// As deep as the JSON parser went.
fn yaml_of(value: Value) -> yaml::Value {
    match value {
        Value::Null => yaml::Value::Null,
        Value::Bool(value) => yaml::Value::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => yaml::Value::Int(number),
            None => yaml::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => yaml::Value::String(text),
        Value::Array(items) => yaml::Value::Seq(items.into_iter().map(yaml_of).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, yaml_of(value)));
            yaml::Value::Map(fields.collect())
        }
    }
}

/// Go's `json.Indent` with two spaces: works on the bytes, so the order of keys stays.
fn indent(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', depth * 2));
    };
    for (at, byte) in json.iter().copied().enumerate() {
        if in_text {
            out.push(byte);
            in_text = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                depth += 1;
                if !matches!(json.get(at + 1), Some(b'}' | b']')) {
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(at.checked_sub(1).and_then(|at| json.get(at)), Some(b'{' | b'[')) {
                    line(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            b' ' | b'\n' | b'\t' | b'\r' => {}
            _ => {
                in_text = byte == b'"';
                out.push(byte);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_for_people_has_gos_layout() {
        let json = br#"{"kind":"A","e":{},"l":[],"n":[1,{"a":"x:,\"{\\"}]}"#;
        let expected = "{\n  \"kind\": \"A\",\n  \"e\": {},\n  \"l\": [],\n  \"n\": [\n    1,\n    {\n      \"a\": \
                        \"x:,\\\"{\\\\\"\n    }\n  ]\n}";
        assert_eq!(String::from_utf8(indent(json)).unwrap(), expected);
    }

    #[test]
    fn answers_become_what_was_asked_for() {
        let reply = || {
            Reply::bytes(
                200,
                &br#"{"kind":"ConfigMap","apiVersion":"v1","data":{"a":"1"}}"#[..],
            )
        };
        let Content::Typed("application/yaml", yaml) = encode(reply(), Encoding::Yaml).content else {
            panic!("no YAML");
        };
        assert_eq!(yaml, "apiVersion: v1\ndata:\n  a: \"1\"\nkind: ConfigMap\n");
        let Content::Typed(protobuf::MEDIA, bytes) = encode(reply(), Encoding::Protobuf).content else {
            panic!("no protobuf");
        };
        assert!(bytes.starts_with(b"k8s\0"));
        // What has no message stays what it is.
        let unknown = Reply::bytes(200, &br#"{"kind":"Odd","apiVersion":"x/v1"}"#[..]);
        assert!(matches!(
            encode(unknown, Encoding::Protobuf).content,
            Content::Json(_)
        ));
    }
}
