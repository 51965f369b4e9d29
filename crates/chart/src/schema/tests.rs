//! Schemas and the texts of their violations.

use super::*;

/// Expected texts come from `helm template` (4.1.4) of a chart with this schema and these values.
fn check(schema: &str, values: &str, expected: &str) {
    let shown = match Schema::parse(schema.as_bytes()) {
        Err(failed) => failed.to_string(),
        Ok(schema) => {
            let value = Decoder::new(values.as_bytes()).value().expect("good JSON");
            schema
                .violations(&value)
                .err()
                .map_or(String::new(), |violations| print(&violations))
        }
    };
    assert_eq!(shown, expected, "{schema} on {values}");
}

#[test]
fn a_violation_of_type_hides_the_others() {
    check(
        r#"{"type":"string","enum":["a"]}"#,
        "{}",
        "- at '': got object, want string",
    );
    check(
        r#"{"type":["string","null"]}"#,
        "1",
        "- at '': got number, want null or string",
    );
    check(r#"{"type":"integer"}"#, "1.0", "");
}

#[test]
fn limits_are_printed_in_english() {
    check(
        r#"{"minimum":1234567.5}"#,
        "1e6",
        "- at '': minimum: got 1×10⁰⁶, want 1.2345675×10⁰⁶",
    );
    check(
        r#"{"maximum":-1234.5}"#,
        "5",
        "- at '': maximum: got 5, want -1,234.5",
    );
    check(
        r#"{"minItems":5000}"#,
        "[]",
        "- at '': minItems: got 0, want 5,000",
    );
    check(
        r#"{"maximum":0.00001}"#,
        "1",
        "- at '': maximum: got 1, want 1×10⁻⁰⁵",
    );
}

#[test]
fn multiples_are_exact() {
    check(r#"{"multipleOf":0.1}"#, "0.3", "");
    check(r#"{"multipleOf":0.01}"#, "19.99", "");
    check(
        r#"{"multipleOf":0.1}"#,
        "10.55",
        "- at '': multipleOf: got 10.55, want 0.1",
    );
}

#[test]
fn causes_nest_below_combinations() {
    check(
        r#"{"anyOf":[{"required":["a"]},{"required":["b","c"],"minProperties":1}]}"#,
        "{}",
        "- at '': 'anyOf' failed\n  - at '': missing property 'a'\n  - at '': validation failed\n    \
         - at '': minProperties: got 0, want 1\n    - at '': missing properties 'b', 'c'",
    );
    check(
        r#"{"oneOf":[{},{}]}"#,
        "{}",
        "- at '': 'oneOf' failed, subschemas 0, 1 matched",
    );
    check(r#"{"not":{}}"#, "{}", "- at '': 'not' failed");
}

#[test]
fn references_are_followed_within_the_file() {
    let schema = r##"{"$defs":{"a":{"$anchor":"A","type":"string"}},"properties":{"x":{"$ref":"#A"},"y":{"$ref":"#/$defs/a"}}}"##;
    check(
        schema,
        r#"{"x":1,"y":2}"#,
        "- at '/x': got number, want string\n- at '/y': got number, want string",
    );
    check(
        r##"{"$ref":"#/none"}"##,
        "{}",
        "json-pointer in \"file:///values.schema.json#/none\" not found",
    );
    let cycle = "- at '': both /$ref and  resolve to \"file:///values.schema.json#\" causing reference cycle";
    check(r##"{"$ref":"#"}"##, "{}", cycle);
    let load = "failing loading \"file:///x.json\": open /x.json: no such file or directory";
    check(r#"{"$ref":"x.json"}"#, "{}", load);
}

#[test]
fn a_schema_must_be_a_schema() {
    check(
        r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"strin"}"#,
        "{}",
        "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with \
         'http://json-schema.org/draft-07/schema#'\n- at '/type': 'anyOf' failed\n  - at '/type': value must be one \
         of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'\n  - at '/type': got string, want array",
    );
    check("", "{}", "EOF");
    check("{", "{}", "unexpected EOF");
    check("{} x", "{}", "invalid character after top-level value");
}

#[test]
fn dynamic_references_find_the_outermost_anchor() {
    let schema = r##"{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"type":"object",
        "properties":{"a":{"$recursiveRef":"#"}},"additionalProperties":{"type":"number"}}"##;
    check(
        schema,
        r#"{"a":{"b":"x"}}"#,
        "- at '/a/b': got string, want number",
    );
}

#[test]
fn evil_schemas_end() {
    let levels: Vec<String> = (0..40)
        .map(|i| {
            format!(
                r##""d{i}":{{"anyOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##,
                i + 1
            )
        })
        .collect();
    let schema = format!(
        r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d40":{{"type":"string"}}}}}}"##,
        levels.join(",")
    );
    let schema = Schema::parse(schema.as_bytes()).expect("a schema");
    assert!(validate::run_bounded(&schema, instance::Instance::Number(1.0), 10_000).is_err());
}
