//! What documents mean: each is read as `fromYaml` reads it and compared as `toYaml` prints it, both by the
//! real helm.

#[track_caller]
fn check(document: &str, expected: &str) {
    let value = yaml::from_slice(document.as_bytes()).expect("it is read");
    let value = if value == yaml::Value::Null {
        yaml::Value::Map(Default::default())
    } else {
        value
    };
    let printed = yaml::to_string(&value).expect("it is printed");
    assert_eq!(
        printed.strip_suffix('\n').expect("a line"),
        expected,
        "{document}"
    );
}

#[test]
fn plain_scalars_mean_what_yaml_1_1_says() {
    check(
        "a: [yes, No, on, OFF, y, N, true, False]",
        "a:\n- true\n- false\n- true\n- false\n- true\n- false\n- true\n- false",
    );
    check(
        "a: [~, null, Null, NULL, nULL]\nb:\nc: \"\"",
        "a:\n- null\n- null\n- null\n- null\n- nULL\nb: null\nc: \"\"",
    );
    check(
        "a: [1, +1, -1, 0, 00, 1_000, 0x1F, 0b101, 0o17, 017, 08, 0b, 0x, -0x10, 0b-1]",
        "a:\n- 1\n- 1\n- -1\n- 0\n- 0\n- 1000\n- 31\n- 5\n- 15\n- 15\n- 8\n- 0b\n- 0x\n- -16\n- -1",
    );
    check(
        "a: [1.5, .5, -.5, 1e3, 1E-3, 1., 1.e2, 6.02e23, 1e999, .5_0, 1_0.5, 1e, e1]",
        "a:\n- 1.5\n- 0.5\n- -0.5\n- 1000\n- 0.001\n- 1\n- 100\n- 6.02e+23\n- 1e999\n- 0.5\n- 10.5\n- 1e\n- e1",
    );
    check(
        "a: [1:30, 2001-01-01, 2001-01-01T10:00:00Z, 2001-13-01, 1.2.3, 1-2, \"1\", +, -x, .x, ...x]",
        "a:\n- \"1:30\"\n- \"2001-01-01\"\n- \"2001-01-01T10:00:00Z\"\n- 2001-13-01\n- 1.2.3\n- 1-2\n- \"1\"\n- +\n- -x\n- .x\n- '...x'",
    );
    check(
        "a: 9223372036854775807\nb: 9223372036854775808\nc: 18446744073709551615\nd: 18446744073709551616\ne: -9223372036854775809",
        "a: 9223372036854776000\nb: 9223372036854776000\nc: 1.8446744073709552e+19\nd: 1.8446744073709552e+19\ne: -9.223372036854776e+18",
    );
}

#[test]
fn keys_become_strings() {
    check(
        "1: a\n1.5: b\ntrue: c\nyes: d\n0x10: e\n1e3: f\n0.30000001: g\n2001-01-01: h",
        "\"0.3\": g\n\"1\": a\n\"1.5\": b\n\"16\": e\n\"1000\": f\n\"2001-01-01\": h\n\"true\": d",
    );
    check(".inf: a\n.nan: b\n-0: c", "\".inf\": a\n\".nan\": b\n\"0\": c");
    check(
        "? a\n: b\n? |\n  block\n: c\n? \"q\"\n",
        "a: b\n? |\n  block\n: c\nq: null",
    );
    check("? a\n? b\n: c", "a: null\nb: c");
}

#[test]
fn tags_decide_what_a_scalar_is() {
    check(
        "a: !!str 1\nb: !!int \"2\"\nc: !!float 3\nd: !!bool yes\ne: !!null ''\nf: !foo 1\ng: ! 1\nh: !<tag:yaml.org,2002:str> 1",
        "a: \"1\"\nb: 2\nc: 3\nd: true\ne: null\nf: \"1\"\ng: \"1\"\nh: \"1\"",
    );
    check(
        "a: !!binary aGVsbG8=\nb: !!binary |\n  aGVs\n  bG8=\nc: !!timestamp 2001-01-01\nd: !!seq [1]\ne: !!map {a: 1}",
        "a: hello\nb: hello\nc: \"2001-01-01\"\nd:\n- 1\ne:\n  a: 1",
    );
    check("%TAG !e! tag:yaml.org,2002:\n---\na: !e!str 1", "a: \"1\"");
    check("a: !!binary /w==", "a: �");
}

#[test]
fn equal_keys_keep_the_last() {
    check("a: 1\nb: 2\na: 3", "a: 3\nb: 2");
    check("{a: 1, \"a\": 2}", "a: 2");
}

#[test]
fn aliases_are_copies() {
    check(
        "a: &x {b: 1}\nc: *x\nd: [*x, *x]",
        "a:\n  b: 1\nc:\n  b: 1\nd:\n- b: 1\n- b: 1",
    );
    check("a: &x 1\nb: &x 2\nc: *x", "a: 1\nb: 2\nc: 2");
    check("&a k: v\nb: *a", "b: k\nk: v");
    check("a: &x\nb: *x", "a: null\nb: null");
    check(
        "a: &x [1, &y {c: d}]\ne: *y\nf: *x",
        "a:\n- 1\n- c: d\ne:\n  c: d\nf:\n- 1\n- c: d",
    );
    check("&a x : b\nc: *a", "c: x\nx: b");
}

#[test]
fn merges_are_taken_in_order() {
    check(
        "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\ne:\n  c: 3\n  <<: *x",
        "a:\n  b: 1\n  c: 2\nd:\n  b: 1\n  c: 3\ne:\n  b: 1\n  c: 2",
    );
    check(
        "d:\n  <<: [{a: 1}, {a: 2, b: 3}]\n  c: 4",
        "d:\n  a: 1\n  b: 3\n  c: 4",
    );
    check("<<: {<<: {a: 1}, b: 2}", "a: 1\nb: 2");
    check(
        "a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc:\n  <<: [*x, *y]",
        "a:\n  k: 1\nb:\n  k: 2\n  l: 3\nc:\n  k: 1\n  l: 3",
    );
    check("\"<<\": {a: 1}", "<<:\n  a: 1");
    check("<<: []\na: 1", "a: 1");
    check(
        "a: &m {<<: {q: 1}}\nb: {<<: *m}\nc: <<",
        "a:\n  q: 1\nb:\n  q: 1\nc: <<",
    );
}

#[test]
fn block_collections_nest_by_indentation() {
    check(
        "a:\n  - b\n  - c: d\n    e: f\n  -\n  - - g\n    - h",
        "a:\n- b\n- c: d\n  e: f\n- null\n- - g\n  - h",
    );
    check("a:\n- b\n- c\nd: e", "a:\n- b\n- c\nd: e");
    check("a:\n -  b:  c\n    d: e\n", "a:\n- b: c\n  d: e");
    check("x:\n- a\n- b\n", "x:\n- a\n- b");
    check("a:\n    b:\n     c: d\n    e: f", "a:\n  b:\n    c: d\n  e: f");
    check("a: # c\n  # d\n  b # e\n  # f\nc: d#e", "a: b\nc: d#e");
}

#[test]
fn flow_collections_hold_pairs_and_missing_values() {
    check(
        "a: {b: c, d, e: , ? f, ? g : h, }\ni: [j: k, l, ? m : n, ]",
        "a:\n  b: c\n  d: null\n  e: null\n  f: null\n  g: h\ni:\n- j: k\n- l\n- m: false",
    );
    check(
        "a: [\n  b,\n  # c\n  d\n]\ne: {f:\n g}",
        "a:\n- b\n- d\ne:\n  f: g",
    );
    check(
        "{\"a\":1,\"b\":[true,null],\"c\":{\"d\":-0,\"e\":1.50}}",
        "a: 1\nb:\n- true\n- null\nc:\n  d: 0\n  e: 1.5",
    );
    check(
        "a: {b:c, \"d\":e}\nf: [a:b, \"c\":d]",
        "a:\n  b:c: null\n  d: e\nf:\n- a:b\n- c: d",
    );
    check("a: [{}, [], {b: []}]", "a:\n- {}\n- []\n- b: []");
    check("a: [b\n  c, d]", "a:\n- b c\n- d");
}

#[test]
fn plain_scalars_fold_over_lines() {
    check("a: b\n  c\n\n  d\n\n\n  e", "a: |-\n  b c\n  d\n\n  e");
    check(
        "a: b #c\nd: e#f\ng: http://h:1/#i\nj: k:l",
        "a: b\nd: e#f\ng: http://h:1/#i\nj: k:l",
    );
    check("a: -b\nc: ?d", "a: -b\nc: ?d");
    check("a:\n  b\n  c\nd: e", "a: b c\nd: e");
    check("a: b\tc \t\nd: e\t# f", "a: \"b\\tc\"\nd: e");
}

#[test]
fn quoted_scalars_fold_and_escape() {
    check("a: 'b''c\n  d\n\n  e'", "a: |-\n  b'c d\n  e");
    check(
        "a: \"b\\tc\\x41\\u00e9\\U0001F600\\\n   d\n   e\\\n\n   f\"",
        "a: \"b\\tcAé\\U0001F600d e\\nf\"",
    );
    check(
        "a: \"\\0\\a\\b\\v\\f\\r\\e\\ \\\"\"",
        "a: \"\\0\\a\\b\\v\\f\\r\\e \\\"\"",
    );
    check("a: \"\\N\\_\\L\\P\"", "a: ' \u{A0}\u{2028}\u{2029}'");
    check("a: \" b \n c \"\nd: ' e '", "a: ' b c '\nd: ' e '");
    check("\"a\": \"b\"\n'c': ''", "a: b\nc: \"\"");
}

#[test]
fn block_scalars_keep_and_fold_lines() {
    check(
        "a: |\n  b\n   c\n\n  d\n\ne: |-\n  f\n\ng: |+\n  h\n\n",
        "a: |\n  b\n   c\n\n  d\ne: f\ng: |+\n  h\n",
    );
    check(
        "a: >\n  b\n  c\n\n  d\n   e\n  f\n",
        "a: |\n  b c\n  d\n   e\n  f",
    );
    check("a: >-\n  b\n\n\n  c", "a: |-\n  b\n\n  c");
    check("a: |2\n   b\n  c\nd: |1-\n  e", "a: |2\n   b\n  c\nd: ' e'");
    check("a: |\n\n\n  b\nc: |\n", "a: |2\n\n\n  b\nc: \"\"");
    check("a: | # comment\n  b\n#c\nd: e", "a: |\n  b\nd: e");
    check("a: |\n  b\n  \n   \n  c", "a: \"b\\n\\n \\nc\"");
    check("x:\n- |\n a\n- >\n b", "x:\n- |\n  a\n- b");
    check("a: |\n  last line without break", "a: last line without break");
    check("a: |\n b\n \tc", "a: \"b\\n\\tc\"");
}

#[test]
fn documents_end_at_marks() {
    check("---\na: b\n---\nc: d", "a: b");
    check("%YAML 1.1\n---\na: b\n...\nc", "a: b");
    check("--- {a: b}\n", "a: b");
    check("a: b\n...\n", "a: b");
    check("# only\n", "{}");
    check("---\n", "{}");
    check("", "{}");
}

#[test]
fn all_line_breaks_count() {
    check("a: b\r\nc: |\r\n  d\r\n  e\r\n", "a: b\nc: |\n  d\n  e");
    check("a: b\rc: d", "a: b\nc: d");
    check("a: b\u{85}c: d", "a: b\nc: d");
    check(
        "a: \"x\u{2028}y\"\nb: x\u{2028}  y",
        "a: 'x\u{2028}  y'\nb: 'x\u{2028}  y'",
    );
    check("a: |\n  x\u{2028}  y\n  z", "a: |-\n  x\u{2028}  y\n  z");
}

#[test]
fn text_beside_ascii_is_kept() {
    check(
        "é: ü\n日本: \"語\"\na: 😀\nb: \u{A0}c",
        "a: \"\\U0001F600\"\nb: \u{A0}c\né: ü\n日本: 語",
    );
    check("\u{FEFF}a: b", "a: b");
}
