//! Protobuf as Kubernetes speaks it: objects in an envelope, and watches as frames of events.
//!
//! ```text
//! "k8s\0" + Unknown{ TypeMeta, raw } ─► message of the kind, by protobuf.txt ─► the same object as JSON, and back
//! length ‖ WatchEvent{ type, envelope }                                       ◄─ a line of a JSON watch
//! ```
//!
//! kubectl, helm and client-go write and read built-in kinds so; custom kinds have no messages. The server itself
//! knows only JSON: this is a translation at its edge, made for those who ask. Types are not checked here.

mod decode;
mod encode;
mod table;
pub(crate) mod wire;

use serde_json::{Value, json};

use crate::schema::Table;
use wire::{Reader, Wire, put_bytes};

/// The media type of a body or an answer.
pub(crate) const MEDIA: &str = "application/vnd.kubernetes.protobuf";

/// The media type of a watch.
pub(crate) const MEDIA_WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";

const MAGIC: &[u8] = b"k8s\0";

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// Why a body is no object, in the words of the real server.
#[derive(Debug, PartialEq, Eq)]
pub struct Error {
    /// What the body said it was, if it came to say it.
    pub kind: Option<(String, String)>,
    pub cause: String,
}

/// The parts of an envelope that anybody fills in.
#[derive(Default)]
struct Unknown<'a> {
    api_version: String,
    kind: String,
    raw: &'a [u8],
}

/// Decodes a body. `expected` is the apiVersion and kind of an object that doesn't say its own.
///
/// # Errors
/// Bytes that are no message, or one of an unknown kind. No input makes it panic.
pub fn decode(body: &[u8], expected: (&str, &str)) -> Result<Value, Error> {
    let unknown = open(body).map_err(|cause| Error { kind: None, cause })?;
    let or = |own: String, expected: &str| if own.is_empty() { expected.to_owned() } else { own };
    let api_version = or(unknown.api_version, expected.0);
    let kind = or(unknown.kind, expected.1);
    let failed = |cause: String| Error {
        kind: Some((api_version.clone(), kind.clone())),
        cause,
    };
    let message = message_of(&api_version, &kind).ok_or_else(|| {
        failed(format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\""
        ))
    })?;
    let mut object = decode::message(&message, unknown.raw, 0).map_err(failed)?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(object)
}

/// Encodes an object or list; `None` if its kind has no message.
#[must_use]
pub fn encode(object: &Value) -> Option<Vec<u8>> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let message = message_of(api_version, kind)?;
    let raw = encode::message(&message, object.as_object()?, 0);
    let mut head = Vec::new();
    put_bytes(&mut head, 1, api_version.as_bytes());
    put_bytes(&mut head, 2, kind.as_bytes());
    let mut out = Vec::with_capacity(raw.len() + head.len() + 16);
    out.extend_from_slice(MAGIC);
    put_bytes(&mut out, 1, &head);
    put_bytes(&mut out, 2, &raw);
    // The encoding and the type of the content, which nobody has ever set.
    put_bytes(&mut out, 3, &[]);
    put_bytes(&mut out, 4, &[]);
    Some(out)
}

/// Encodes a line of a JSON watch as a frame; `None` if it is none, or of a kind without a message.
pub(crate) fn frame(line: &[u8]) -> Option<Vec<u8>> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let object = encode(event.get("object")?)?;
    let mut extension = Vec::with_capacity(object.len() + 8);
    put_bytes(&mut extension, 1, &object);
    let mut message = Vec::with_capacity(extension.len() + 32);
    put_bytes(&mut message, 1, event.get("type")?.as_str()?.as_bytes());
    put_bytes(&mut message, 2, &extension);
    let length = u32::try_from(message.len()).ok()?;
    Some([&length.to_be_bytes()[..], &message].concat())
}

/// The full name of a kind's message.
fn message_of(api_version: &str, kind: &str) -> Option<String> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let name = match kind {
        // Kinds that OpenAPI does not have.
        "PartialObjectMetadata" => format!("{META}.PartialObjectMetadata"),
        "PartialObjectMetadataList" => format!("{META}.PartialObjectMetadataList"),
        _ => Table::get()
            .kind(group, version, kind)?
            .definition_name()
            .to_owned(),
    };
    table::message(&name).is_some().then_some(name)
}

fn open(body: &[u8]) -> Result<Unknown<'_>, String> {
    if body.is_empty() {
        return Err("empty data".to_owned());
    }
    let Some(envelope) = body.strip_prefix(MAGIC) else {
        return Err(format!(
            "provided data does not appear to be a protobuf message, expected prefix [{}]",
            MAGIC.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
        ));
    };
    if envelope.is_empty() {
        return Err("empty body".to_owned());
    }
    let mut unknown = Unknown::default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut reader = Reader(envelope);
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Bytes(head)) => {
                let mut head = Reader(head);
                while let Some(field) = head.field()? {
                    match field {
                        (1, Wire::Bytes(bytes)) => unknown.api_version = text(bytes),
                        (2, Wire::Bytes(bytes)) => unknown.kind = text(bytes),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => unknown.raw = bytes,
            _ => {}
        }
    }
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(object: &Value) -> Value {
        decode(&encode(object).unwrap(), ("", "")).unwrap()
    }

    #[test]
    fn objects_come_back_as_they_were() {
        for object in [
            json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "s",
                "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"a": "b", "c": ""}, "finalizers": ["x/y"],
                "managedFields": [{"manager": "m", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}}},
                    "time": "2026-01-02T03:04:05Z"}]}, "data": {"k": "AAEC"}, "immutable": false}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 0,
                "selector": {}, "template": {"metadata": {}, "spec": {"containers": [{"name": "c",
                    "resources": {"limits": {"cpu": "500m"}}, "livenessProbe": {"httpGet": {"port": "http"},
                    "periodSeconds": 3}, "ports": [{"containerPort": 80}]}], "volumes": [{"name": "v",
                    "emptyDir": {}}], "automountServiceAccountToken": false,
                    "securityContext": {"supplementalGroups": [1, 0, -2]}}},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}}}),
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"},
                "spec": {"renewTime": "2026-01-02T03:04:05.123456Z", "holderIdentity": ""}}),
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {},
                "spec": {"group": "g", "names": {"plural": "ks", "kind": "K"}, "scope": "Cluster", "versions": [
                    {"name": "v1", "served": true, "storage": false, "schema": {"openAPIV3Schema": {
                        "type": "object", "minimum": 1.5, "default": {"a": [1, null]}, "$ref": "r",
                        "items": {"type": "string"}, "additionalProperties": true,
                        "x-kubernetes-preserve-unknown-fields": false, "dependencies": {"d": ["e"]},
                        "properties": {"p": {"additionalProperties": {"type": "integer"},
                            "items": [{"type": "null"}]}}}}}]}}),
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {},
                "spec": {"user": "u", "extra": {"k": ["a", "b"]}}}),
            json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "code": 404, "details": {"causes": [
                {"field": "f"}]}}),
            json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
                "metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}]}),
            json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {}, "data": {"spec": {"x": 1}},
                "revision": 3}),
        ] {
            let back = round(&object);
            // A plain message says nothing when it is empty, so it may get lost; nothing else may.
            let missing = missing(&object, &back);
            assert_eq!(missing, None, "{object:#}\n{back:#}");
        }
    }

    /// The first place where `back` lacks something of `object` that is more than `{}`.
    fn missing(object: &Value, back: &Value) -> Option<String> {
        match (object, back) {
            (Value::Object(all), _) => all.iter().find_map(|(key, value)| match back.get(key) {
                Some(back) => missing(value, back).map(|path| format!(".{key}{path}")),
                None => (*value != json!({})).then(|| format!(".{key}")),
            }),
            (Value::Array(all), Value::Array(back)) if all.len() == back.len() => all
                .iter()
                .zip(back)
                .find_map(|(value, back)| missing(value, back)),
            _ => (object != back).then(|| format!(": {object} became {back}")),
        }
    }

    #[test]
    fn zeros_of_plain_fields_mean_nothing_and_behind_pointers_themselves() {
        // PodSpec: terminationGracePeriodSeconds (4, a pointer) and hostNetwork (11, plain), both zero.
        let pod = b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x06\x12\x04\x20\x00\x58\x00";
        let expected =
            json!({"apiVersion": "v1", "kind": "Pod", "spec": {"terminationGracePeriodSeconds": 0}});
        assert_eq!(decode(pod, ("", "")), Ok(expected));
    }

    #[test]
    fn an_envelope_without_a_kind_is_of_the_kind_expected() {
        let got = decode(b"k8s\0\x12\x05\x0a\x03\x0a\x01a", ("v1", "ConfigMap"));
        assert_eq!(
            got,
            Ok(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}))
        );
    }

    #[test]
    fn damage_is_refused_and_no_prefix_of_an_object_panics() {
        let cause = |body: &[u8]| decode(body, ("v1", "ConfigMap")).unwrap_err().cause;
        assert_eq!(cause(b""), "empty data");
        assert!(cause(b"not protobuf").ends_with("expected prefix [107 56 115 0]"));
        assert_eq!(cause(b"k8s\0\x12\x02\x0a\x05"), "unexpected EOF");
        assert_eq!(
            cause(b"k8s\0\x12\x02\x08\x05"),
            "proto: wrong wireType = 0 for field metadata"
        );
        let nested = (0..200_000).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut out = Vec::new();
            if inner.len() < 3000 {
                // Field 12 of a schema is another, `not`.
                put_bytes(&mut out, 28, &inner);
                return out;
            }
            inner
        });
        assert_eq!(
            decode::message(SCHEMA, &nested, 0),
            Err("proto: message nested too deeply".to_owned())
        );
        let whole = encode(
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"k": "v"}}),
        )
        .unwrap();
        for length in 0..whole.len() {
            let _ = decode(&whole[..length], ("", ""));
        }
    }

    #[test]
    fn a_watch_is_frames_of_events_that_hold_envelopes() {
        let line =
            br#"{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}}"#;
        let frame = frame(line).unwrap();
        let (length, event) = frame.split_at(4);
        assert_eq!(
            u32::from_be_bytes(length.try_into().unwrap()) as usize,
            event.len()
        );
        let mut reader = Reader(event);
        assert_eq!(reader.field(), Ok(Some((1, Wire::Bytes(b"ADDED")))));
        let Ok(Some((2, Wire::Bytes(extension)))) = reader.field() else {
            panic!("no object");
        };
        let Ok(Some((1, Wire::Bytes(object)))) = Reader(extension).field() else {
            panic!("no raw object");
        };
        let expected = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}});
        assert_eq!(decode(object, ("", "")), Ok(expected));
    }
}
