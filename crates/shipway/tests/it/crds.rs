//! The definitions of the kinds: printed, and checked in as they are printed.

use std::collections::BTreeMap;

use crate::{seen, shipway};

fn printed(line: &str) -> String {
    String::from_utf8(shipway(line).stdout).expect("definitions are UTF-8")
}

#[test]
fn what_is_checked_in_is_what_the_types_say() {
    let files: BTreeMap<String, String> =
        serde_json::from_str(&printed("reference --kinds")).expect("paths and texts");
    assert!(!files.is_empty());
    for (path, text) in files {
        let file = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        let checked_in = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            checked_in == text,
            "{path} is not what the types of `kinds` say: run `cargo xtask docs` and review its diff"
        );
    }
}

#[test]
fn definitions_are_a_stream_of_documents_or_one_list() {
    let stream = printed("crds");
    let documents = stream.split("---\n").count();
    assert_eq!(
        stream.matches("kind: CustomResourceDefinition\n").count(),
        documents
    );
    let list: serde_json::Value = serde_json::from_str(&printed("crds -o json")).expect("it is JSON");
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(documents));
}

#[test]
fn a_kind_is_found_by_any_of_its_names() {
    let tenant = printed("crds Tenant");
    assert!(tenant.contains("name: tenants.shipway.dev\n"), "{tenant}");
    for name in ["tenants", "ten", "TENANT"] {
        assert_eq!(printed(&format!("crds {name}")), tenant, "{name}");
    }
}

#[test]
fn an_unknown_kind_is_told_with_the_nearest() {
    insta::assert_snapshot!(seen("crds tenent"), @r#"
    --- stderr
    error[SW0005]: there is no kind "tenent"
    hint: did you mean `tenant`? `shipway crds` without a name prints all of them
    --- exit 1
    "#);
}
