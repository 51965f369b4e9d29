//! Who creates an object owns what was recorded: `tests/recorded/created.json` has objects as they were defaulted,
//! before admission, with the owner's recorded fields.

use minicluster::apply::{self, FieldSet, Manager, Target};
use minicluster::schema::Table;
use serde_json::Value;

#[test]
fn created_objects_are_owned_as_recorded() {
    let cases: Value = serde_json::from_str(include_str!("../recorded/created.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let mut object = case["object"].clone();
        let api_version = object["apiVersion"].as_str().unwrap().to_owned();
        let kind = object["kind"].as_str().unwrap().to_owned();
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let target = Target {
            ty: Table::get().kind(group, version, &kind).unwrap(),
            api_version: &api_version,
            kind: &kind,
            builtin: true,
            reset: &FieldSet::of_fields(&[&["status"]]),
        };
        let manager = Manager {
            name: "creator",
            subresource: "",
        };
        apply::track(None, &mut object, &manager, &target, "2024-01-01T00:00:00Z");
        let entries = &object["metadata"]["managedFields"];
        assert_eq!(entries[0]["fieldsV1"], case["fieldsV1"], "{}", case["name"]);
        assert_eq!(entries.as_array().unwrap().len(), 1);
    }
}
