//! What a message of a queue tells: names of objects to look at, and nothing that is believed.
//!
//! ```text
//! S3 ─► SQS             {"Records": [{"s3": {"bucket", "object"}}]}      keys are encoded as in a form
//! S3 ─► SNS ─► SQS      {"Type": "Notification", "Message": "…"}         the same, in a text
//! EventBridge ─► SQS    {"detail-type", "detail": {"bucket", "object"}}  keys are as they are
//! S3, on setting it up  {"Event": "s3:TestEvent"}                        nothing to look at
//! ```
//!
//! What happened to an object, and when, is not read: whoever looks finds out.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::name::Name;
use crate::place::Place;

/// SQS takes no larger message.
const MAX_BODY: usize = 1024 * 1024;

/// SNS wraps once, EventBridge through SNS once more.
const MAX_WRAPPERS: u8 = 3;

/// The objects that a message is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    objects: BTreeSet<(String, String)>,
}

/// A message that is none of those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message {problem}")]
pub struct NoticeError {
    problem: String,
}

impl Notice {
    /// Reads the body of a message.
    ///
    /// # Errors
    /// What no store sends.
    pub fn read(body: &str) -> Result<Self, NoticeError> {
        let mut notice = Self::default();
        notice.unwrap(body, 0)?;
        Ok(notice)
    }

    /// The versions of a store that it is about. Other buckets, prefixes and objects are other people's.
    pub fn names(&self, place: &Place) -> BTreeSet<Name> {
        let Place::Bucket { bucket: ours, .. } = place else {
            return BTreeSet::new();
        };
        let of_store = self.objects.iter().filter(|(bucket, _)| bucket == ours);
        of_store
            .filter_map(|(_, key)| Name::of_statement(place.below(key)?))
            .collect()
    }

    fn unwrap(&mut self, body: &str, wrappers: u8) -> Result<(), NoticeError> {
        if body.len() > MAX_BODY {
            return Err(refuse(format!("is larger than {MAX_BODY} bytes")));
        }
        let root: Value =
            serde_json::from_str(body).map_err(|error| refuse(format!("is no JSON: {error}")))?;
        if let Some(records) = root.get("Records").and_then(Value::as_array) {
            return records.iter().try_for_each(|record| self.record(record));
        }
        if root.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return Ok(());
        }
        if root.get("detail-type").is_some() {
            let detail = root.get("detail").unwrap_or(&Value::Null);
            return self.add(detail, str::to_owned);
        }
        match (text(&root, "/Type"), text(&root, "/Message")) {
            (Some("Notification"), Some(inner)) if wrappers < MAX_WRAPPERS => {
                self.unwrap(inner, wrappers + 1)
            }
            _ => Err(refuse("is no notification of a store")),
        }
    }

    fn record(&mut self, record: &Value) -> Result<(), NoticeError> {
        let about = record
            .get("s3")
            .ok_or_else(|| refuse("has a record that is not of a store"))?;
        self.add(about, |key| {
            let spaced = key.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        })
    }

    fn add(&mut self, about: &Value, decode: impl Fn(&str) -> String) -> Result<(), NoticeError> {
        match (text(about, "/bucket/name"), text(about, "/object/key")) {
            (Some(bucket), Some(key)) => {
                self.objects.insert((bucket.to_owned(), decode(key)));
                Ok(())
            }
            _ => Err(refuse("names no bucket and key")),
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn refuse(problem: impl Into<String>) -> NoticeError {
    NoticeError {
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// As S3 writes it, less what is not read.
    fn s3(bucket: &str, key: &str) -> Value {
        json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-1", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-01-02T03:04:05.678Z",
            "s3": {
                "s3SchemaVersion": "1.0", "configurationId": "all",
                "bucket": {"name": bucket, "arn": format!("arn:aws:s3:::{bucket}")},
                "object": {"key": key, "size": 812, "eTag": "d41d8c", "sequencer": "0055AED6DCD90281E5"},
            },
        }]})
    }

    fn sns(inner: &Value) -> Value {
        json!({
            "Type": "Notification", "MessageId": "22b80b92", "TopicArn": "arn:aws:sns:eu-1:1:charts",
            "Subject": "Amazon S3 Notification", "Message": inner.to_string(),
            "Timestamp": "2026-01-02T03:04:05.678Z", "SignatureVersion": "1",
        })
    }

    fn bridge(key: &str) -> Value {
        json!({
            "version": "0", "id": "2ee9cc15", "detail-type": "Object Created", "source": "aws.s3",
            "detail": {"version": "0", "bucket": {"name": "b"}, "object": {"key": key, "size": 812}, "reason": "PutObject"},
        })
    }

    fn check(body: &Value, expected: &str) {
        let place = Place::parse("s3://b/x").expect("a place");
        let said = match Notice::read(&body.to_string()) {
            Ok(notice) => {
                let names: Vec<String> = notice.names(&place).iter().map(ToString::to_string).collect();
                names.join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn every_way_from_a_store_to_a_queue_is_read() {
        let direct = s3("b", "x/charts/web-1.0.0.tgz.json");
        check(&direct, "web-1.0.0");
        check(&sns(&direct), "web-1.0.0");
        check(&bridge("x/charts/web-1.0.0.tgz.json"), "web-1.0.0");
        check(&sns(&bridge("x/charts/web-1.0.0.tgz.json")), "web-1.0.0");
        check(
            &json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
            "",
        );
    }

    #[test]
    fn keys_are_decoded_as_each_way_encodes_them() {
        check(&s3("b", "x/charts/web-1.0.0%2B7.tgz.json"), "web-1.0.0+7");
        check(&bridge("x/charts/web-1.0.0+7.tgz.json"), "web-1.0.0+7");
        // A space in a form; no version has one.
        check(&s3("b", "x/charts/web-1.0.0+7.tgz.json"), "");
    }

    #[test]
    fn what_is_other_peoples_is_passed_over() {
        for (bucket, key) in [
            ("other", "x/charts/web-1.0.0.tgz.json"),
            ("b", "charts/web-1.0.0.tgz.json"),
            ("b", "x/charts/web-1.0.0.tgz"),
            ("b", "x/index.yaml"),
            ("b", "x/charts/../../etc/passwd.tgz.json"),
        ] {
            check(&s3(bucket, key), "");
        }
    }

    #[test]
    fn what_no_store_sends_is_refused() {
        check(&json!("hello"), "the message is no notification of a store");
        check(
            &json!({"Records": [{"Sns": {}}]}),
            "the message has a record that is not of a store",
        );
        check(
            &json!({"Records": [{"s3": {"bucket": {}}}]}),
            "the message names no bucket and key",
        );
        check(
            &sns(&sns(&sns(&sns(&s3("b", "k"))))),
            "the message is no notification of a store",
        );
        let error = Notice::read("{").expect_err("no JSON");
        assert!(
            error.to_string().starts_with("the message is no JSON: "),
            "{error}"
        );
        assert!(Notice::read(&" ".repeat(MAX_BODY + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_body_breaks_it(body in ".{0,200}") {
            let _ = Notice::read(&body);
        }
    }
}
