//! Helm's records are read, written back as they were, and made from the same charts.

use std::io::Read as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::capabilities::Capabilities;
use chart::render::{self, Rendered, Request};
use chart::values::user::Sources;
use jiff::Timestamp;
use release::record::{Contents, Record};
use release::storage::{self, Driver, Write};
use release::{StoredChart, values};
use serde_json::{Value, json};

use crate::{objects, record, recorded, records};

/// What Helm packed, as it is.
fn packed(secret: &Value) -> String {
    let data = secret["data"]["release"].as_str().expect("data");
    let text = STANDARD.decode(data).expect("base64");
    let packed = STANDARD.decode(text).expect("base64 within");
    let mut json = String::new();
    flate2::read::GzDecoder::new(&*packed)
        .read_to_string(&mut json)
        .expect("gzip");
    json
}

fn payload(secret: &Value) -> Value {
    serde_json::from_str(&packed(secret)).expect("JSON")
}

/// Leaves out what we say with less: Helm 3's empty times.
fn without_empty_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|field, value| {
                let time = matches!(&**field, "deleted" | "started_at" | "completed_at");
                !(time && *value == "")
            });
            fields.values_mut().for_each(without_empty_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty_times),
        _ => {}
    }
}

/// Leaves out the times of files, which only Helm 4 keeps.
fn without_file_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("modtime");
            fields.remove("schemamodtime");
            fields.values_mut().for_each(without_file_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_file_times),
        _ => {}
    }
}

#[test]
fn records_of_either_helm_are_written_back_as_they_were() {
    for story in ["four", "three"] {
        for secret in objects(&format!("kept/{story}.jsonl")) {
            let record = storage::from_object(&secret).expect("it is Helm's");
            let mut expected = payload(&secret);
            without_empty_times(&mut expected);
            assert_eq!(
                serde_json::to_value(&record).expect("JSON"),
                expected,
                "{}",
                secret["metadata"]["name"]
            );
            let written = storage::to_secret(&record, Write::Update(Timestamp::UNIX_EPOCH)).expect("it fits");
            if story == "four" {
                assert_eq!(packed(&written), packed(&secret), "to the byte");
            }
            assert_eq!(payload(&written), expected);
            let mut labels = secret["metadata"]["labels"].clone();
            labels["modifiedAt"] = "0".into();
            assert_eq!(written["metadata"]["labels"], labels);
            assert_eq!(written["type"], secret["type"]);
        }
    }
}

#[test]
fn records_of_the_other_driver_are_read_and_written() {
    let object = objects("kept/configmap.jsonl").remove(0);
    let record = storage::from_object(&object).expect("it is Helm's");
    assert_eq!(record.name, "mapped");
    let written = storage::to_object(&record, Driver::ConfigMap, Write::Update(Timestamp::UNIX_EPOCH))
        .expect("it fits");
    assert_eq!(written["kind"], "ConfigMap");
    assert_eq!(storage::from_object(&written).expect("ours"), record);
}

struct Made {
    stored: StoredChart,
    given: chart::values::Map,
    rendered: Rendered,
}

fn make(chart: &str, namespace: &str, sources: &Sources) -> Made {
    let loaded = chart::load::path(&recorded(chart)).expect("a good chart").chart;
    let mut no_files = |_: &str| Err("there are no files".to_owned());
    let given = sources.values(&mut no_files).expect("good values");
    let request = Request {
        release: render::Release {
            name: &"ledger".parse().expect("a name"),
            namespace: &namespace.parse().expect("a namespace"),
            revision: model::Revision::FIRST,
            is_upgrade: false,
        },
        values: given.clone(),
        capabilities: &Capabilities::default(),
        skip_schema_validation: false,
        subchart_notes: false,
    };
    let host = chart::functions::Host::new(0, Box::new(chart::random::Seeded::new(0)));
    Made {
        stored: StoredChart::of(&loaded, &given).expect("its values are JSON"),
        rendered: render::render(&loaded, request, &host).expect("it renders"),
        given,
    }
}

fn ours(made: Made, namespace: &str) -> Record {
    let config = values::to_json(&made.given).expect("JSON");
    let contents = Contents::of(made.stored, config, &made.rendered);
    let mut record = Record::install(
        "ledger",
        namespace,
        model::Revision::FIRST,
        contents,
        Timestamp::UNIX_EPOCH,
    );
    record.deployed(None);
    record
}

#[test]
fn the_same_install_makes_the_same_record_as_helm() {
    for story in ["four", "three"] {
        let sources = Sources {
            set: vec!["replicas=1,tree.a=null,big=98765432109876543".to_owned()],
            ..Sources::default()
        };
        let mut record = ours(make("ledger", story, &sources), story);
        record.superseded();
        // Helm has read it since, with every number as a float.
        record.config = values::to_json(&values::from_json(&record.config)).expect("JSON");
        let mut ours =
            payload(&storage::to_secret(&record, Write::Create(Timestamp::UNIX_EPOCH)).expect("it fits"));
        let secrets = objects(&format!("kept/{story}.jsonl"));
        let secret = secrets
            .iter()
            .find(|secret| secret["metadata"]["name"] == "sh.helm.release.v1.ledger.v1");
        let mut helms = payload(secret.expect("it was recorded"));
        without_empty_times(&mut helms);
        without_file_times(&mut helms);
        for record in [&mut ours, &mut helms] {
            record["info"]["first_deployed"] = json!("then");
            record["info"]["last_deployed"] = json!("then");
            for hook in record["hooks"].as_array_mut().expect("hooks") {
                // What has run says so.
                hook["last_run"] = json!({});
                if hook["delete_policies"] == json!(["before-hook-creation"]) {
                    hook.as_object_mut().expect("a hook").remove("delete_policies");
                }
            }
        }
        assert_eq!(ours["apply_method"], "ssa");
        if story == "three" {
            ours.as_object_mut().expect("a record").remove("apply_method");
            for hook in ours["hooks"].as_array_mut().expect("hooks") {
                // Helm 3.17 does not know them.
                hook.as_object_mut()
                    .expect("a hook")
                    .remove("output_log_policies");
            }
        }
        for part in helms.as_object().expect("a record").keys() {
            let pretty = |record: &Value| serde_json::to_string_pretty(&record[part]).expect("JSON");
            assert_eq!(pretty(&ours), pretty(&helms), "{story}: {part}");
        }
        assert_eq!(ours, helms, "{story}");
    }
}

#[test]
fn charts_come_back_out_of_records() {
    let record = record("kept/four.jsonl", "ledger", 1);
    let stored = record.chart.as_ref().expect("a chart");
    let chart = stored.to_chart().expect("it is Helm's");
    assert_eq!(chart.name(), "ledger");
    assert_eq!(chart.content().templates.len(), stored.templates.len());
    let motd = chart
        .content()
        .files
        .iter()
        .find(|file| &*file.name == "files/motd.txt");
    assert_eq!(
        motd.map(|file| Arc::clone(&file.data)).as_deref(),
        Some("hello <world> é\n".as_bytes())
    );
    let again = StoredChart::of(&chart, &chart::values::Map::new()).expect("its values are JSON");
    assert_eq!(again.metadata, stored.metadata);
    assert_eq!(again.values, stored.values);
}

#[test]
fn histories_of_either_helm_are_histories() {
    for story in ["four", "three"] {
        let history = release::History::new("ledger", records(&format!("kept/{story}.jsonl")));
        assert_eq!(history.next_revision().expect("there is one").get(), 4);
        assert_eq!(history.current().expect("it is deployed").revision.get(), 3);
        let labels = &history.last().expect("the rollback").labels;
        assert_eq!(labels.get("team").map(String::as_str), Some("x"), "{story}");
    }
}
