//! What is refused, in the words that `fromYaml` of the real helm gives.

use yaml::{Error, Value};

fn from_yaml(document: &str) -> Result<Value, Error> {
    let wanted = "map[string]interface {}";
    match yaml::from_slice(document.as_bytes())? {
        Value::Seq(_) => Err(Error::shape("array", wanted)),
        Value::String(_) => Err(Error::shape("string", wanted)),
        Value::Bool(_) => Err(Error::shape("bool", wanted)),
        Value::Int(_) | Value::Float(_) => Err(Error::shape("number", wanted)),
        value => Ok(value),
    }
}

#[track_caller]
fn check(document: &str, expected: &str) {
    assert_eq!(
        from_yaml(document).expect_err("it is refused").to_string(),
        expected,
        "{document}"
    );
}

#[test]
fn indentation_must_fit() {
    check(
        "a:\n  b: c\n d: e",
        "error converting YAML to JSON: yaml: line 2: did not find expected key",
    );
    check(
        "a: b\n  c: d",
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
    );
    check(
        "a:\n  - b\n c: d",
        "error converting YAML to JSON: yaml: line 2: did not find expected key",
    );
    check(
        "- a\nb: c",
        "error converting YAML to JSON: yaml: line 1: did not find expected '-' indicator",
    );
    check(
        "a: b\n- c",
        "error converting YAML to JSON: yaml: line 1: did not find expected key",
    );
    check(
        "a:\n  b\nc",
        "error converting YAML to JSON: yaml: line 4: could not find expected ':'",
    );
    check(
        "a: 1\n b: 2",
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
    );
    check(
        "x: 1\na:\n   - b\n  - c",
        "error converting YAML to JSON: yaml: line 3: did not find expected key",
    );
}

#[test]
fn values_must_be_allowed_where_they_stand() {
    check(
        "a: b: c",
        "error converting YAML to JSON: yaml: mapping values are not allowed in this context",
    );
    check(
        "a: - b",
        "error converting YAML to JSON: yaml: block sequence entries are not allowed in this context",
    );
    check(
        "a: ? b",
        "error converting YAML to JSON: yaml: mapping keys are not allowed in this context",
    );
    check(
        "\"a\" \"b\": c",
        "error converting YAML to JSON: yaml: did not find expected key",
    );
    check(
        "a: \"b\" c",
        "error converting YAML to JSON: yaml: did not find expected key",
    );
    check(
        "a: 'b'c: d",
        "error converting YAML to JSON: yaml: did not find expected key",
    );
    check(
        "a: b\nc: d: e",
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
    );
    check(
        "x: y\na: {b}: c",
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
    );
}

#[test]
fn keys_must_end_with_a_colon_on_their_line() {
    check(
        "a\nb: c",
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
    );
    check(
        "a: 1\nb\nc: 2",
        "error converting YAML to JSON: yaml: line 3: could not find expected ':'",
    );
    check(
        "\"a\n b\": c",
        "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context",
    );
    check(
        "x:\n  \"a\n  b\": c",
        "error converting YAML to JSON: yaml: line 3: mapping values are not allowed in this context",
    );
    check(
        "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: v",
        "error converting YAML to JSON: yaml: mapping values are not allowed in this context",
    );
    check(
        "a: 1\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: v",
        "error converting YAML to JSON: yaml: line 2: could not find expected ':'",
    );
    check(
        "{kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: v}",
        "error converting YAML to JSON: yaml: did not find expected ',' or '}'",
    );
}

#[test]
fn flow_collections_must_be_closed_and_separated() {
    check(
        "a: [b",
        "error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'",
    );
    check(
        "a: {b",
        "error converting YAML to JSON: yaml: line 1: did not find expected ',' or '}'",
    );
    check(
        "a: [b}",
        "error converting YAML to JSON: yaml: did not find expected ',' or ']'",
    );
    check(
        "a: {b]",
        "error converting YAML to JSON: yaml: did not find expected ',' or '}'",
    );
    check(
        "a: [b c: d}",
        "error converting YAML to JSON: yaml: did not find expected ',' or ']'",
    );
    check(
        "a: [b, , c]",
        "error converting YAML to JSON: yaml: did not find expected node content",
    );
    check(
        "a: {b: c d: e}",
        "error converting YAML to JSON: yaml: did not find expected ',' or '}'",
    );
    check(
        "a: [b] c",
        "error converting YAML to JSON: yaml: did not find expected key",
    );
    check(
        "a: ]",
        "error converting YAML to JSON: yaml: did not find expected node content",
    );
    check(
        "x: 1\na: [1 2: 3, 4 5] ]",
        "error converting YAML to JSON: yaml: line 1: did not find expected key",
    );
    check(
        "a: [- b]",
        "error converting YAML to JSON: yaml: did not find expected node content",
    );
}

#[test]
fn tabs_may_not_indent() {
    check(
        "a:\n\tb: c",
        "error converting YAML to JSON: yaml: line 2: found character that cannot start any token",
    );
    check(
        "\ta: b",
        "error converting YAML to JSON: yaml: found character that cannot start any token",
    );
    check(
        "a:\n  b:\n\t- c",
        "error converting YAML to JSON: yaml: line 3: found character that cannot start any token",
    );
    check(
        "a: |\n\tb",
        "error converting YAML to JSON: yaml: line 2: found a tab character where an indentation space is expected",
    );
    check(
        "a: b\n\tc",
        "error converting YAML to JSON: yaml: line 2: found a tab character that violates indentation",
    );
    check(
        "x:\n- \ta: b",
        "error converting YAML to JSON: yaml: line 2: found character that cannot start any token",
    );
}

#[test]
fn characters_that_begin_nothing_are_refused() {
    check(
        "a: @b",
        "error converting YAML to JSON: yaml: found character that cannot start any token",
    );
    check(
        "a: `b`",
        "error converting YAML to JSON: yaml: found character that cannot start any token",
    );
    check(
        "a: %b",
        "error converting YAML to JSON: yaml: found character that cannot start any token",
    );
    check(
        "a: *",
        "error converting YAML to JSON: yaml: did not find expected alphabetic or numeric character",
    );
    check(
        "a: &",
        "error converting YAML to JSON: yaml: did not find expected alphabetic or numeric character",
    );
    check(
        "a: *b",
        "error converting YAML to JSON: yaml: unknown anchor 'b' referenced",
    );
    check(
        "a: |x\n  b",
        "error converting YAML to JSON: yaml: did not find expected comment or line break",
    );
    check(
        "a: |0\n b",
        "error converting YAML to JSON: yaml: found an indentation indicator equal to 0",
    );
    check(
        "a: >-1x\n b",
        "error converting YAML to JSON: yaml: did not find expected comment or line break",
    );
    check(
        "a: !<x b",
        "error converting YAML to JSON: yaml: did not find the expected '>'",
    );
    check(
        "a: !x!y b",
        "error converting YAML to JSON: yaml: found undefined tag handle",
    );
    check(
        "a: & b",
        "error converting YAML to JSON: yaml: did not find expected alphabetic or numeric character",
    );
}

#[test]
fn quotes_must_be_closed() {
    check(
        "a: \"b",
        "error converting YAML to JSON: yaml: found unexpected end of stream",
    );
    check(
        "a: 'b\nc: d",
        "error converting YAML to JSON: yaml: line 2: found unexpected end of stream",
    );
    check(
        "x: y\na: \"b\\z\"",
        "error converting YAML to JSON: yaml: line 2: found unknown escape character",
    );
    check(
        "a: \"\\x4g\"",
        "error converting YAML to JSON: yaml: did not find expected hexdecimal number",
    );
    check(
        "a: \"\\ud83d\"",
        "error converting YAML to JSON: yaml: found invalid Unicode character escape code",
    );
    check(
        "a: \"b\n---\nc\"",
        "error converting YAML to JSON: yaml: line 2: found unexpected document indicator",
    );
    check(
        "a: \"b\n...\n\"",
        "error converting YAML to JSON: yaml: line 2: found unexpected document indicator",
    );
}

#[test]
fn directives_must_be_known() {
    check(
        "%YAML 1.2\n---\na: b",
        "error converting YAML to JSON: yaml: found incompatible YAML document",
    );
    check(
        "%YAML 1.1\n%YAML 1.1\n---\n",
        "error converting YAML to JSON: yaml: line 1: found duplicate %YAML directive",
    );
    check(
        "%FOO\n---\n",
        "error converting YAML to JSON: yaml: found unknown directive name",
    );
    check(
        "%TAG ! a\n%TAG ! b\n---\n",
        "error converting YAML to JSON: yaml: line 1: found duplicate %TAG directive",
    );
    check(
        "%YAML 1.1\na: b",
        "error converting YAML to JSON: yaml: line 1: did not find expected <document start>",
    );
    check(
        "%YAML 1\n---\n",
        "error converting YAML to JSON: yaml: did not find expected digit or '.' character",
    );
    check(
        "%YAML 1.111\n---\n",
        "error converting YAML to JSON: yaml: found extremely long version number",
    );
    check(
        "% \n",
        "error converting YAML to JSON: yaml: could not find expected directive name",
    );
    check(
        "%TAG x\n---\n",
        "error converting YAML to JSON: yaml: did not find expected '!'",
    );
}

#[test]
fn aliases_and_merges_must_fit() {
    check(
        "a: *b",
        "error converting YAML to JSON: yaml: unknown anchor 'b' referenced",
    );
    check(
        "a: &a [*a]",
        "error converting YAML to JSON: yaml: anchor 'a' value contains itself",
    );
    check(
        "<<: 1",
        "error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value",
    );
    check(
        "<<: [1]",
        "error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value",
    );
    check(
        "a: &x 1\n<<: *x",
        "error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value",
    );
    check(
        "a: &x [{b: 1}]\nc:\n  <<: [*x]",
        "error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value",
    );
    check(
        "a: &x {b: *x}",
        "error converting YAML to JSON: yaml: anchor 'x' value contains itself",
    );
}

#[test]
fn what_json_cannot_hold_is_refused() {
    check(
        "a: .nan",
        "error converting YAML to JSON: json: unsupported value: NaN",
    );
    check(
        "a: -.inf",
        "error converting YAML to JSON: json: unsupported value: -Inf",
    );
    check(
        "a: {b: [.inf]}",
        "error converting YAML to JSON: json: unsupported value: +Inf",
    );
    check(
        "null: a",
        "error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: \"a\"",
    );
    check(
        "~: {a: [1, x]}",
        "error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: map[interface {}]interface {}{\"a\":[]interface {}{1, \"x\"}}",
    );
    check(
        "18446744073709551615: a",
        "error converting YAML to JSON: unsupported map key of type: uint64, key: 0xffffffffffffffff, value: \"a\"",
    );
    check(
        "{a: b}: c",
        "error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{\"a\":\"b\"}",
    );
    check(
        "[a, 1, ~]: c",
        "error converting YAML to JSON: yaml: invalid map key: []interface {}{\"a\", 1, interface {}(nil)}",
    );
    check(
        "a: {{ .Values.x }}",
        "error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{\".Values.x\":interface {}(nil)}",
    );
    check(
        "a: {{ .Values.x }}-{{ y }}",
        "error converting YAML to JSON: yaml: did not find expected key",
    );
    check(
        "{{ x }}: a",
        "error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{\"x\":interface {}(nil)}",
    );
    check(
        "a: {[b]: c}",
        "error converting YAML to JSON: yaml: invalid map key: []interface {}{\"b\"}",
    );
    check(
        "? {a: {b: 1.5, c: yes}}\n: d",
        "error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{\"a\":map[interface {}]interface {}{\"b\":1.5, \"c\":true}}",
    );
}

#[test]
fn tags_must_fit_their_scalar() {
    check(
        "a: !!int x",
        "error converting YAML to JSON: yaml: cannot decode !!str `x` as a !!int",
    );
    check(
        "a: !!float x",
        "error converting YAML to JSON: yaml: cannot decode !!str `x` as a !!float",
    );
    check(
        "a: !!bool 1",
        "error converting YAML to JSON: yaml: cannot decode !!int `1` as a !!bool",
    );
    check(
        "a: !!null x",
        "error converting YAML to JSON: yaml: cannot decode !!str `x` as a !!null",
    );
    check(
        "a: !!binary ===",
        "error converting YAML to JSON: yaml: !!binary value contains invalid base64 data",
    );
    check(
        "a: !!timestamp x",
        "error converting YAML to JSON: yaml: cannot decode !!str `x` as a !!timestamp",
    );
    check(
        "a: !!int 2001-01-01",
        "error converting YAML to JSON: yaml: cannot decode !!str `2001-01-01` as a !!int",
    );
}

#[test]
fn only_printable_characters_are_read() {
    check(
        "a: \u{1}",
        "error converting YAML to JSON: yaml: control characters are not allowed",
    );
    check(
        "a: b\u{7F}",
        "error converting YAML to JSON: yaml: control characters are not allowed",
    );
    check(
        "a: \u{FFFE}",
        "error converting YAML to JSON: yaml: control characters are not allowed",
    );
    check(
        "a: \u{80}",
        "error converting YAML to JSON: yaml: control characters are not allowed",
    );
    check(
        "a: [\n\"\u{1}\"",
        "error converting YAML to JSON: yaml: control characters are not allowed",
    );
}

#[test]
fn a_map_is_wanted() {
    check(
        "- a",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    check(
        "a",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type map[string]interface {}",
    );
    check(
        "1",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go value of type map[string]interface {}",
    );
    check(
        "true",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal bool into Go value of type map[string]interface {}",
    );
    check(
        "[]",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    check(
        "\"x\"",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type map[string]interface {}",
    );
    check(
        "1.5",
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go value of type map[string]interface {}",
    );
}

#[test]
fn the_first_mistake_in_gos_order_is_reported() {
    check(
        "a: .nan\nb: [c",
        "error converting YAML to JSON: yaml: line 2: did not find expected ',' or ']'",
    );
    check(
        "a: *x\nb: [c",
        "error converting YAML to JSON: yaml: unknown anchor 'x' referenced",
    );
    check(
        "a: !!int x\nb: *y",
        "error converting YAML to JSON: yaml: unknown anchor 'y' referenced",
    );
    check(
        "{a: b}: c\nd: [",
        "error converting YAML to JSON: yaml: line 2: did not find expected node content",
    );
    check(
        "null: 1\nb: {[c]: d}",
        "error converting YAML to JSON: yaml: invalid map key: []interface {}{\"c\"}",
    );
    check(
        "a: .nan\n~: 1",
        "error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: 1",
    );
}
