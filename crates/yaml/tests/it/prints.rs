//! What values print as, by `toYaml` and by `toYamlPretty` of the real helm.

use yaml::Dialect;

/// What a template gets: nothing if the value cannot be printed.
fn print(value: &yaml::Value, dialect: Dialect) -> String {
    let printed = yaml::to_string_as(value, dialect).unwrap_or_default();
    printed.strip_suffix('\n').unwrap_or(&printed).to_owned()
}

#[track_caller]
fn check(document: &str, expected: &str, pretty: &str) {
    let value = yaml::from_slice(document.as_bytes()).expect("it is read");
    assert_eq!(print(&value, Dialect::Json), expected, "{document}");
    assert_eq!(print(&value, Dialect::Pretty), pretty, "{document}");
}

#[test]
fn strings_that_mean_something_else_are_quoted() {
    check(
        "{\"a\": [\"\", \"~\", \"null\", \"yes\", \"No\", \"y\", \"on\", \"true\", \"1\", \"1.5\", \"1e3\", \"0x1\", \"0b1\", \"017\", \".5\", \".inf\", \"-.inf\", \".nan\", \"1_000\", \"1:30\", \"1:30.5\", \"+1:2\", \"1:99\", \"2001-01-01\", \"2001-01-01 10:00:00\", \"2001-1-1T1:1:1Z\", \"<<\", \"-\", \"- a\", \"a: b\", \"a #b\", \"#a\", \"a#\", \"&a\", \"*a\", \"!a\", \"%a\", \"@a\", \"`a\", \"[a\", \"{a\", \",a\", \"?\", \"? a\", \"?a\", \":\", \":a\", \"a:\", \"---\", \"...\", \"--- a\", \"|\", \">\", \"'a\", \"\\\"a\", \"a'b\", \"=\", \"-a\", \"--\", \".\", \"_\", \"1a\", \"a,b\", \"a]b\"]}",
        "a:\n- \"\"\n- \"~\"\n- \"null\"\n- \"yes\"\n- \"No\"\n- \"y\"\n- \"on\"\n- \"true\"\n- \"1\"\n- \"1.5\"\n- \"1e3\"\n- \"0x1\"\n- \"0b1\"\n- \"017\"\n- \".5\"\n- \".inf\"\n- \"-.inf\"\n- \".nan\"\n- \"1_000\"\n- \"1:30\"\n- \"1:30.5\"\n- \"+1:2\"\n- 1:99\n- \"2001-01-01\"\n- \"2001-01-01 10:00:00\"\n- \"2001-1-1T1:1:1Z\"\n- <<\n- '-'\n- '- a'\n- 'a: b'\n- 'a #b'\n- '#a'\n- a#\n- '&a'\n- '*a'\n- '!a'\n- '%a'\n- '@a'\n- '`a'\n- '[a'\n- '{a'\n- ',a'\n- '?'\n- '? a'\n- ?a\n- ':'\n- :a\n- 'a:'\n- '---'\n- '...'\n- '--- a'\n- '|'\n- '>'\n- '''a'\n- '\"a'\n- a'b\n- =\n- -a\n- --\n- .\n- _\n- 1a\n- a,b\n- a]b",
        "a:\n  - \"\"\n  - \"~\"\n  - \"null\"\n  - \"yes\"\n  - \"No\"\n  - \"y\"\n  - \"on\"\n  - \"true\"\n  - \"1\"\n  - \"1.5\"\n  - \"1e3\"\n  - \"0x1\"\n  - \"0b1\"\n  - \"017\"\n  - \".5\"\n  - \".inf\"\n  - \"-.inf\"\n  - \".nan\"\n  - \"1_000\"\n  - \"1:30\"\n  - \"1:30.5\"\n  - \"+1:2\"\n  - 1:99\n  - \"2001-01-01\"\n  - \"2001-01-01 10:00:00\"\n  - \"2001-1-1T1:1:1Z\"\n  - <<\n  - '-'\n  - '- a'\n  - 'a: b'\n  - 'a #b'\n  - '#a'\n  - a#\n  - '&a'\n  - '*a'\n  - '!a'\n  - '%a'\n  - '@a'\n  - '`a'\n  - '[a'\n  - '{a'\n  - ',a'\n  - '?'\n  - '? a'\n  - ?a\n  - ':'\n  - :a\n  - 'a:'\n  - '---'\n  - '...'\n  - '--- a'\n  - '|'\n  - '>'\n  - '''a'\n  - '\"a'\n  - a'b\n  - =\n  - -a\n  - --\n  - .\n  - _\n  - 1a\n  - a,b\n  - a]b",
    );
}

#[test]
fn strings_with_line_breaks_are_literal_blocks() {
    check(
        "{\"a\": \"b\\nc\\n\", \"d\": \"e\\nf\", \"g\": \"h\\n\\n\", \"i\": \"\\n\", \"j\": \"\\nk\", \"l\": \" m\\nn\", \"o\": \"p \\nq\", \"r\": \"s\\n t\\n\", \"u\": \"v\\tw\\nx\", \"y\": \"\\n\\n\", \"z\": [\"1\\n2\", \"3\\n\"]}",
        "a: |\n  b\n  c\nd: |-\n  e\n  f\ng: |+\n  h\n\ni: |2+\n\nj: |2-\n\n  k\nl: |2-\n   m\n  n\no: \"p \\nq\"\nr: |\n  s\n   t\nu: \"v\\tw\\nx\"\n\"y\": |2+\n\n\nz:\n- |-\n  1\n  2\n- |\n  3",
        "a: |\n  b\n  c\nd: |-\n  e\n  f\ng: |+\n  h\n\ni: |2+\n\nj: |2-\n\n  k\nl: |2-\n   m\n  n\no: \"p \\nq\"\nr: |\n  s\n   t\nu: |-\n  v\tw\n  x\n\"y\": |2+\n\n\nz:\n  - |-\n    1\n    2\n  - |\n    3",
    );
    check(
        "{\"a\": \"b\\r\\nc\", \"d\": \"e\\n \"}",
        "a: \"b\\r\\nc\"\nd: \"e\\n \"",
        "a: \"b\\r\\nc\"\nd: \"e\\n \"",
    );
}

#[test]
fn characters_that_cannot_be_shown_are_escaped() {
    check(
        "{\"a\": \"\\t\", \"b\": \"x\\ty\", \"c\": \"\\u0007\\u001b\\0\", \"d\": \"\\U0001F600\", \"e\": \"\\u00a0\\u00e9\", \"f\": \"\\u2028\", \"g\": \"\\ufeff\", \"h\": \"a\\ufeffb c\", \"i\": \"\\r\", \"j\": \"x\\u2028y\", \"k\": \"\\ufeff a\", \"l\": \"\\\\ \\\"\", \"m\": \"\\ue000\"}",
        "a: \"\\t\"\nb: \"x\\ty\"\nc: \"\\a\\e\\0\"\nd: \"\\U0001F600\"\ne: \u{A0}é\nf: '\u{2028}'\ng: \"\\uFEFF\"\nh: \"a\\uFEFFb c\"\ni: \"\\r\"\nj: 'x\u{2028}  y'\nk: \"\\uFEFF\\x20\\x61\"\nl: \\ \"\nm: \u{E000}",
        "a: \"\\t\"\nb: \"x\\ty\"\nc: \"\\a\\e\\0\"\nd: \"\\U0001F600\"\ne: \u{A0}é\nf: '\u{2028}'\ng: \"\\uFEFF\"\nh: \"a\\uFEFFb c\"\ni: \"\\r\"\nj: 'x\u{2028}  y'\nk: \"\\uFEFF\\x20\\x61\"\nl: \\ \"\nm: \u{E000}",
    );
}

#[test]
fn numbers_go_through_json() {
    check(
        "{\"a\": [0, -1, 1000000, 1000000.0, 1e+20, 1e+21, 1.5, 0.1, 1e-05, 1e-06, 1e-07, 123456.5, 1234567.5, 9007199254740993, 9223372036854775807, 18446744073709551615, 1e+100, -0.0, 622625854381061.2, 0.0001, 1.234e-05]}",
        "a:\n- 0\n- -1\n- 1000000\n- 1000000\n- 1e+20\n- 1e+21\n- 1.5\n- 0.1\n- 1e-05\n- 1e-06\n- 1e-07\n- 123456.5\n- 1.2345675e+06\n- 9007199254740992\n- 9223372036854776000\n- 1.8446744073709552e+19\n- 1e+100\n- 0\n- 6.226258543810612e+14\n- 0.0001\n- 1.234e-05",
        "a:\n  - 0\n  - -1\n  - 1e+06\n  - 1e+06\n  - 1e+20\n  - 1e+21\n  - 1.5\n  - 0.1\n  - 1e-05\n  - 1e-06\n  - 1e-07\n  - 123456.5\n  - 1.2345675e+06\n  - 9.007199254740992e+15\n  - 9.223372036854776e+18\n  - 1.8446744073709552e+19\n  - 1e+100\n  - -0\n  - 6.226258543810612e+14\n  - 0.0001\n  - 1.234e-05",
    );
}

#[test]
fn empty_collections_stand_on_their_line() {
    check(
        "{\"a\": {}, \"b\": [], \"c\": [[], {}], \"d\": [[{}]], \"e\": {\"f\": {}}}",
        "a: {}\nb: []\nc:\n- []\n- {}\nd:\n- - {}\ne:\n  f: {}",
        "a: {}\nb: []\nc:\n  - []\n  - {}\nd:\n  - - {}\ne:\n  f: {}",
    );
    check("{}", "{}", "{}");
}

#[test]
fn collections_nest() {
    check(
        "{\"a\": [{\"b\": 1, \"c\": [2, 3]}, [4, [5, 6]], \"7\"], \"d\": {\"e\": {\"f\": [{\"g\": {\"h\": 1}}]}}}",
        "a:\n- b: 1\n  c:\n  - 2\n  - 3\n- - 4\n  - - 5\n    - 6\n- \"7\"\nd:\n  e:\n    f:\n    - g:\n        h: 1",
        "a:\n  - b: 1\n    c:\n      - 2\n      - 3\n  - - 4\n    - - 5\n      - 6\n  - \"7\"\nd:\n  e:\n    f:\n      - g:\n          h: 1",
    );
    check(
        "{\"a\": [[[{\"b\": [[1]]}]]]}",
        "a:\n- - - b:\n      - - 1",
        "a:\n  - - - b:\n          - - 1",
    );
}

#[test]
fn long_lines_are_folded_by_to_yaml_only() {
    check(
        "{\"a\": \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \", \"b\": \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word\", \"c\": \"x: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word\", \"d\": \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \\t\", \"e\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y\", \"f\": \"two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces\", \"g\": [\"it's: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word\"], \"h\": \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \\nx\"}",
        "a: 'word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word '\nb: word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word\nc: 'x: word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word word'\nd: \"word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word \\t\"\ne: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n  y\nf: two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces\n  two  spaces two  spaces two  spaces\ng:\n- 'it''s: word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word word'\nh: \"word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word \\nx\"",
        "a: 'word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word '\nb: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word\nc: 'x: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word'\nd: \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \\t\"\ne: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y\nf: two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces two  spaces\ng:\n  - 'it''s: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word'\nh: \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \\nx\"",
    );
}

#[test]
fn keys_that_are_not_simple_get_a_question_mark() {
    check(
        "{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\": 1, \"lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll\": 2, \"a\\nb\": 3, \"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm \": {\"n\": 1}, \"oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo\": [1, 2], \"\": 4, \"a b\": 5, \"- c\": 6, \"p\\n\": {}}",
        "\"\": 4\n'- c': 6\n? |-\n  a\n  b\n: 3\na b: 5\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: 1\n? lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll\n: 2\n? 'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm '\n: \"n\": 1\n? oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo\n: - 1\n  - 2\n? |\n  p\n: {}",
        "\"\": 4\n'- c': 6\n? |-\n  a\n  b\n: 3\na b: 5\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: 1\n? lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll\n: 2\n? 'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm '\n: \"n\": 1\n? oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo\n: - 1\n  - 2\n? |\n  p\n: {}",
    );
}

#[test]
fn keys_are_sorted_naturally() {
    check(
        "{\"a10\": 1, \"a2\": 1, \"a1\": 1, \"A\": 1, \"b\": 1, \"B\": 1, \"a\": 1, \"1\": 1, \"10\": 1, \"2\": 1, \"_\": 1, \"-\": 1, \".\": 1, \"a-b\": 1, \"a.b\": 1, \"ab\": 1, \"a01\": 1, \"a0\": 1, \"x1y\": 1, \"x1-\": 1, \"x10\": 1}",
        "'-': 1\n.: 1\n_: 1\n\"1\": 1\n\"2\": 1\n\"10\": 1\nA: 1\nB: 1\na: 1\na-b: 1\na.b: 1\na0: 1\na1: 1\na01: 1\na2: 1\na10: 1\nab: 1\nb: 1\nx1-: 1\nx10: 1\nx1y: 1",
        "'-': 1\n.: 1\n_: 1\n\"1\": 1\n\"2\": 1\n\"10\": 1\nA: 1\nB: 1\na: 1\na-b: 1\na.b: 1\na0: 1\na1: 1\na01: 1\na2: 1\na10: 1\nab: 1\nb: 1\nx1y: 1\nx1-: 1\nx10: 1",
    );
}

#[test]
fn what_cannot_be_read_back_is_not_printed() {
    check("{\"a\": \"\\x7f\"}", "", "a: \"\\x7F\"");
    check("{\"a\": \"\\x80\"}", "", "a: \"\\x80\"");
    check("{\"\\x85\": 1}", "", "? \"\\N\"\n: 1");
    check(
        "{\"a\": \"x\\x85y\", \"b\": \"x \\x85\\x85 y\"}",
        "a: x y\nb: |-\n  x\n  y",
        "a: \"x\\Ny\"\nb: \"x \\N\\N y\"",
    );
}
