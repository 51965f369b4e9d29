//! What Helm decodes of a manifest, and how it refuses one of another shape: the real helm's words behind
//! `YAML parse error on FILE: `.

use yaml::{Head, head};

#[track_caller]
fn refused(document: &str, expected: &str) {
    assert_eq!(
        head(document.as_bytes()).expect_err("it is refused").to_string(),
        expected,
        "{document}"
    );
}

#[track_caller]
fn check(document: &str, expected: &Head) {
    assert_eq!(
        &head(document.as_bytes()).expect("it is read"),
        expected,
        "{document}"
    );
}

fn pairs(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn fields_of_another_type_are_refused_as_go_does() {
    refused(
        "kind: [a]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SimpleHead.kind of type string",
    );
    refused(
        "kind: {a: b}",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field SimpleHead.kind of type string",
    );
    refused(
        "Kind: [a]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SimpleHead.kind of type string",
    );
    refused(
        "apiVersion: [x]\nkind: [y]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SimpleHead.apiVersion of type string",
    );
    refused(
        "metadata: foo",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    );
    refused(
        "metadata: [x]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    );
    refused(
        "metadata: 3",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    );
    refused(
        "metadata: true",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal bool into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    );
    refused(
        "metadata:\n  name: [x]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field .metadata.name of type string",
    );
    refused(
        "metadata:\n  annotations: foo",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct field .metadata.annotations of type map[string]string",
    );
    refused(
        "metadata:\n  annotations: [a]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field .metadata.annotations of type map[string]string",
    );
    refused(
        "metadata:\n  annotations:\n    a: [b]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field .metadata.annotations of type string",
    );
    refused(
        "metadata:\n  annotations:\n    a: {b: c}",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field .metadata.annotations of type string",
    );
    refused(
        "metadata:\n  annotations: 3",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go struct field .metadata.annotations of type map[string]string",
    );
    refused(
        "metadata:\n  annotations: true",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal bool into Go struct field .metadata.annotations of type map[string]string",
    );
    refused(
        "- a",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type util.SimpleHead",
    );
    refused(
        "foo",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type util.SimpleHead",
    );
    refused(
        "12",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go value of type util.SimpleHead",
    );
    refused(
        "true",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal bool into Go value of type util.SimpleHead",
    );
    refused(
        "a: .nan",
        "error converting YAML to JSON: json: unsupported value: NaN",
    );
    refused(
        "a: .inf\nb: -.inf",
        "error converting YAML to JSON: json: unsupported value: +Inf",
    );
    refused(
        "null: x",
        "error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: \"x\"",
    );
    refused(
        "18446744073709551615: x",
        "error converting YAML to JSON: unsupported map key of type: uint64, key: 0xffffffffffffffff, value: \"x\"",
    );
    refused(
        "a: {{x}: y}",
        "error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{\"x\":interface {}(nil)}",
    );
    refused(
        "{{x}}: a",
        "error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{\"x\":interface {}(nil)}",
    );
    refused(
        "a: *x",
        "error converting YAML to JSON: yaml: unknown anchor 'x' referenced",
    );
    refused(
        "METADATA: [a]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    );
    refused(
        "metadata: {Name: [a], NAME: {b: c}}",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field .metadata.name of type string",
    );
    refused(
        "<<: {kind: [x]}",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SimpleHead.kind of type string",
    );
    refused(
        "<<: x\n",
        "error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value",
    );
}

#[test]
fn the_fields_are_found_wherever_they_stand() {
    let expected = Head {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        name: "a".to_owned(),
        namespace: "b".to_owned(),
        annotations: pairs(&[("helm.sh/hook", "test"), ("x", "y\n")]),
        labels: pairs(&[("c", "d")]),
    };
    let annotations = "{helm.sh/hook: test, x: \"y\\n\"}";
    let metadata = format!("{{name: a, namespace: b, labels: {{c: d}}, annotations: {annotations}}}");
    check(
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata: {{k: v}}\n"),
        &expected,
    );
    check(
        &format!("spec: [{{a: 1}}, [b]]\nmetadata: {metadata}\nkind: ConfigMap\napiVersion: v1\n"),
        &expected,
    );
    // The slow way.
    check(
        &format!("a: &x 1\nb: *x\napiVersion: v1\nmetadata: {metadata}\nkind: ConfigMap\n"),
        &expected,
    );
    check(
        &format!("<<: {{kind: ConfigMap}}\nmetadata: {metadata}\napiVersion: !!str v1\n"),
        &expected,
    );
}

#[test]
fn scalars_become_strings_and_null_is_nothing() {
    let annotations = pairs(&[
        ("a", "1"),
        ("b", "true"),
        ("c", "1.1"),
        ("d", ""),
        ("e", "2001-01-01"),
        ("1", "f"),
    ]);
    let expected = Head {
        kind: "12".to_owned(),
        annotations,
        ..Head::default()
    };
    check(
        "kind: 12\napiVersion:\nmetadata: {annotations: {a: 1, b: yes, c: 1.10, d: , e: 2001-01-01, 1: f}, name: ~}",
        &expected,
    );
    check("metadata: null", &Head::default());
    check("# nothing\n", &Head::default());
    check("null", &Head::default());
}

#[test]
fn names_match_whatever_their_case_and_the_last_in_byte_order_wins() {
    let kind = |kind: &str| Head {
        kind: kind.to_owned(),
        ..Head::default()
    };
    check("kind: a\nKind: b", &kind("a"));
    check("KIND: b", &kind("b"));
    check("\u{212A}ind: c\nkind: d", &kind("c"));
    check("Metadata: {name: x}\nmetadata: null", &Head::default());
    let both = Head {
        name: "x".to_owned(),
        annotations: pairs(&[("a", "b"), ("c", "d")]),
        ..Head::default()
    };
    check(
        "Metadata: {name: x, annotations: {a: b}}\nmetadata: {annotations: {c: d}}",
        &both,
    );
}

#[test]
fn the_rest_of_the_document_is_checked() {
    refused(
        "kind: a\nspec:\n  b: c: d",
        "error converting YAML to JSON: yaml: line 3: mapping values are not allowed in this context",
    );
    refused(
        "kind: a\nspec: {b: .nan}",
        "error converting YAML to JSON: json: unsupported value: NaN",
    );
    refused(
        "kind: a\nspec: {b: *c}",
        "error converting YAML to JSON: yaml: unknown anchor 'c' referenced",
    );
    check(
        "kind: a\n---\n]",
        &Head {
            kind: "a".to_owned(),
            ..Head::default()
        },
    );
}
