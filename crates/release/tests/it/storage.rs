//! Objects of records: labels, both drivers, damage and size.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use model::Diagnose as _;
use release::Record;
use release::storage::{Driver, SYSTEM_LABELS, Write, from_object, merge_labels, to_object, to_secret};
use serde_json::{Value, json};

fn record(json: Value) -> Record {
    serde_json::from_value(json).expect("a record")
}

fn small() -> Record {
    record(json!({"name": "a", "info": {"status": "deployed"}, "version": 3, "namespace": "n"}))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

/// Bytes that don't compress.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(state >> 56).unwrap_or(0)
    };
    STANDARD.encode((0..length).map(|_| next()).collect::<Vec<u8>>())
}

#[test]
fn objects_are_labelled_as_helm_labels_them() {
    let mut record = small();
    record.labels.insert("team".to_owned(), "x".to_owned());
    let secret = to_secret(&record, Write::Create(at(5))).expect("it is small");
    assert_eq!(
        secret["metadata"],
        json!({
            "name": "sh.helm.release.v1.a.v3", "namespace": "n",
            "labels": {"team": "x", "name": "a", "owner": "helm", "status": "deployed", "version": "3", "createdAt": "5"},
        })
    );
    assert_eq!(secret["type"], "helm.sh/release.v1");
    let updated = to_secret(&record, Write::Update(at(6))).expect("it is small");
    assert_eq!(updated["metadata"]["labels"]["modifiedAt"], "6");
    assert_eq!(updated["metadata"]["labels"]["createdAt"], Value::Null);
}

#[test]
fn what_was_written_is_read_by_either_driver_with_or_without_its_kind() {
    let mut record = small();
    record.labels.insert("team".to_owned(), "x".to_owned());
    for driver in [Driver::Secret, Driver::ConfigMap] {
        let mut object = to_object(&record, driver, Write::Create(at(5))).expect("it is small");
        assert_eq!(from_object(&object).expect("ours"), record, "{driver:?}");
        object.as_object_mut().expect("an object").remove("kind");
        assert_eq!(from_object(&object).expect("ours"), record, "{driver:?}");
    }
}

#[test]
fn damage_names_the_object_and_the_cure() {
    let mut secret = to_secret(&small(), Write::Create(at(5))).expect("it is small");
    for (data, cause) in [
        (json!({}), "it has no data under the key `release`"),
        (
            json!({"release": "%"}),
            "its data is not base64: Invalid symbol 37, offset 0.",
        ),
        (json!({"release": "SDRzSQ=="}), "its data can't be decompressed: "),
    ] {
        secret["data"] = data;
        let error = from_object(&secret).expect_err("it is damaged");
        assert_eq!(
            error.to_string(),
            "Secret n/sh.helm.release.v1.a.v3 holds no release record that can be read"
        );
        let source = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(source.starts_with(cause), "{source}");
        assert_eq!(error.code().id, "SW0506");
    }
    assert!(from_object(&json!(null)).is_err());
}

#[test]
fn helms_own_labels_are_refused() {
    let wanted = |label: &str, value: &str| BTreeMap::from([(label.to_owned(), value.to_owned())]);
    for label in SYSTEM_LABELS {
        let error = merge_labels(&small(), &wanted(label, "x")).expect_err("it is Helm's");
        assert_eq!(error.code().id, "SW0508");
    }
    let mut last = small();
    last.labels = wanted("team", "x");
    let labels = merge_labels(&last, &wanted("other", "y")).expect("they are the user's");
    assert_eq!(labels.len(), 2);
    assert!(
        merge_labels(&last, &wanted("team", "null"))
            .expect("it is the user's")
            .is_empty()
    );
}

#[test]
fn records_that_no_secret_can_hold_are_refused_with_what_is_largest() {
    let mut record = record(json!({
        "name": "big", "version": 1, "info": {},
        "chart": {
            "templates": [{"name": "templates/a.yaml", "data": "YQ=="}],
            "files": [{"name": "crds/huge.yaml", "data": noise(800_000)}],
        },
    }));
    let error = to_secret(&record, Write::Create(at(0))).expect_err("it is too large");
    let text = error.to_string();
    assert!(
        text.contains("revision 1 has 1")
            && text.contains(
                "a Secret holds at most 1048576; the largest in it: crds/huge.yaml (1066668 bytes), "
            ),
        "{text}"
    );
    let hint = error.hint().expect("a cure");
    assert!(
        hint.starts_with("move the CRDs into a chart of their own"),
        "{hint}"
    );
    assert_eq!(error.code().id, "SW0507");
    record.chart = None;
    assert!(to_secret(&record, Write::Create(at(0))).is_ok());
}
