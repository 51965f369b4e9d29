//! The lines of `--set` and its kin.

use super::*;

fn parse(line: &str, mode: Mode<'_>) -> String {
    let mut values = Map::new();
    match parse_into(line, &mut values, mode) {
        Ok(()) => crate::go_text::plain(&Value::Map(values)),
        Err(failed) => format!("error: {failed}"),
    }
}

/// Expected values come from `helm template --set LINE` (4.1.4); `map[…]` is how Go prints a table.
fn check(line: &str, expected: &str) {
    assert_eq!(parse(line, Mode::Typed), expected, "--set {line}");
}

#[test]
fn scalars_are_typed_as_helm_types_them() {
    check(
        "a=00,b=0x1,c=1.5,d=TRUE,e=Null",
        "map[a:00 b:0x1 c:1.5 d:true e:<nil>]",
    );
    check("f=01,g=-5,h=+5,k=0", "map[f:01 g:-5 h:5 k:0]");
    check("i=9223372036854775807,j= 5", "map[i:9223372036854775807 j: 5]");
    check("i=9223372036854775808", "map[i:9223372036854775808]");
    check("é=ü,日=本", "map[é:ü 日:本]");
}

#[test]
fn keys_nest_by_dots_and_brackets() {
    check("a.b.c=1,a.b.d=2", "map[a:map[b:map[c:1 d:2]]]");
    check(r"a\.b=1,c\=d=2", "map[a.b:1 c=d:2]");
    check("a[1]=1,a[0].b=2,a[0].c=", "map[a:[map[b:2 c:] 1]]");
    check("a[0][1]=2,a[0][0][0]=3", "map[a:[[[3] 2]]]");
    check("a[0]=1,a[0].b=2", "map[a:[map[b:2]]]");
}

#[test]
fn lists_in_braces_end_with_a_brace() {
    check(r"a={1,2,x\,y},b={},c={a}d=1", "map[a:[1 2 x,y] b:[] c:[a] d:1]");
    check("a={1", "error: list must terminate with '}'");
    check("a={}}b", r#"error: key "}b" has no value"#);
}

#[test]
fn odd_ends_of_lines_are_helms() {
    check("", "map[]");
    check("=1", "map[]");
    check("[0]=1", "map[]");
    check("a[=1", "map[]");
    check("a[0", "map[]");
    check("a[0]", "map[a:[]]");
    check("a[0].c=", "map[a:[]]");
    check("a[0].c=,b=1", "map[a:[map[c:]] b:1]");
    check(r"a=b\", "map[a:b]");
}

#[test]
fn mistakes_are_told_in_helms_words() {
    check("a=1,b", r#"error: key "b" has no value"#);
    check("a,b", r#"error: key "a" has no value (cannot end with ,)"#);
    check(",", r#"error: key "" has no value (cannot end with ,)"#);
    check("a..b=1", r#"error: key map "a" has no value"#);
    check(
        "a[x]=1",
        r#"error: error parsing index: strconv.Atoi: parsing "x": invalid syntax"#,
    );
    check("a[-1]=1", "error: negative -1 index not allowed");
    check(
        "a[70000]=1",
        "error: index of 70000 is greater than maximum supported index of 65536",
    );
    check("a[0]x=1", "error: unexpected data at end of array index: ['x']");
    let panic = "error: unable to parse key: interface conversion: interface {} is";
    check(
        "a=1,a.b=2",
        &format!("{panic} int64, not map[string]interface {{}}"),
    );
    check(
        "a.b=1,a=2,a[0]=2",
        &format!("{panic} int64, not []interface {{}}"),
    );
    check(
        "a=null,a.b=2",
        &format!("{panic} nil, not map[string]interface {{}}"),
    );
    check(
        "a[0]=x,a[0][0]=3",
        &format!("{panic} string, not []interface {{}}"),
    );
}

#[test]
fn nesting_and_growth_are_bounded() {
    let names = vec!["a"; 32].join(".");
    let limit = "error: value name nested level is greater than maximum supported nested level of 30";
    check(&format!("{names}=1"), limit);
    check(
        &format!("a{}=1", "[0]".repeat(2_000)),
        "error: more than 1000 nested list indexes",
    );
    let lists: Vec<String> = (0..20).map(|i| format!("a{i}[65536]=1")).collect();
    check(
        &lists.join(","),
        "error: more than 1048576 list elements in one line",
    );
}

#[test]
fn other_flags_read_the_right_side_their_way() {
    assert_eq!(parse("a=1,b={true}", Mode::Text), "map[a:1 b:[true]]");
    assert_eq!(
        parse(r"a.b=x,y=1\,{1}", Mode::Literal),
        r"map[a:map[b:x,y=1\,{1}]]"
    );
    assert_eq!(parse("l[0]=1", Mode::Literal), "map[l:[1]]");
    assert_eq!(parse("z", Mode::Literal), r#"error: key "z" has no value"#);
    assert_eq!(
        parse(r#"a=1,b={"x":1} , c=[1,2],d="#, Mode::Json),
        "map[ c:[1 2] a:1 b:map[x:1] d:<nil>]"
    );
    assert_eq!(parse(r#"a="x"y=1"#, Mode::Json), "map[a:x y:1]");
    let mut read = |name: &str| Ok(format!("<{name}>"));
    assert_eq!(
        parse("a=f,b={g,h}", Mode::File(&mut read)),
        "map[a:<f> b:[<g> <h>]]"
    );
}

#[test]
fn no_input_makes_it_panic() {
    for line in [
        "a[",
        "a]",
        "[[",
        "a.[0]=1",
        "\\",
        "a=\\",
        "{",
        "a={\\",
        "a[0][",
        "a[0].",
        "=,=",
        "\u{0}=\u{0}",
    ] {
        for mode in [Mode::Typed, Mode::Text, Mode::Json, Mode::Literal] {
            parse(line, mode);
        }
    }
}
