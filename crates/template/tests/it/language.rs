//! The language against Go: every line of `cases/*.tsv` is a template, a tab and what Go's own `text/template`
//! prints (`= text`) or says (`! error`) for it.
//!
//! The values are those of [`dot`] and the functions those of [`functions`]; the lines escape backslashes, tabs
//! and newlines. Where Go itself is not followed (imaginary numbers, addresses), there is no line.

use std::sync::Arc;

use template::function::Error;
use template::value::{Elem, IntKind};
use template::{Call, Executor, Function, Functions, List, Map, Options, Param, Set, Str, Value};

fn check_file(cases: &str) {
    let functions = Arc::new(functions());
    let mut failures = Vec::new();
    for line in cases.lines() {
        let (source, expected) = line.split_once('\t').expect("a tab");
        let found = run(&functions, &unescape(source));
        if found != unescape(expected) {
            failures.push(format!("{source}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn run(functions: &Arc<Functions>, source: &str) -> String {
    let mut set = Set::new(Arc::clone(functions));
    if let Err(error) = set.parse("t", source.as_bytes()) {
        return format!("! {error}");
    }
    match Executor::new(&set, &(), Options::default()).execute("t", dot()) {
        Ok(text) => format!("= {}", String::from_utf8_lossy(&text)),
        Err(error) => format!("! {error}"),
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push(match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('0') => '\0',
                _ => '\\',
            }),
            other => out.push(other),
        }
    }
    out
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(
        entries
            .iter()
            .map(|(key, value)| (Str::from(*key), value.clone()))
            .collect(),
    )
}

fn dot() -> Value {
    let list = vec![
        Value::Float(1.0),
        Value::str("a"),
        Value::Nil,
        Value::list(vec![Value::Float(2.0), Value::Float(3.0)]),
        map(&[("k", Value::str("v"))]),
    ];
    let inner = map(&[("c", Value::str("d")), ("z", Value::Nil)]);
    let named = |name| map(&[("name", Value::str(name))]);
    map(&[
        ("s", Value::str("str")),
        ("e", Value::str("")),
        ("n", Value::Float(5.0)),
        ("f", Value::Float(1.5)),
        ("big", Value::Float(1e6)),
        ("huge", Value::Float(1e21)),
        ("t", Value::Bool(true)),
        ("fa", Value::Bool(false)),
        ("nil", Value::Nil),
        ("l", Value::list(list)),
        ("sl", Value::list(vec![Value::str("x"), Value::str("y")])),
        (
            "m",
            map(&[("a", Value::Float(1.0)), ("b", inner), ("n", Value::Nil)]),
        ),
        ("em", map(&[])),
        ("el", Value::list(Vec::new())),
        ("html", Value::str("<a href=\"x\">'&'</a>")),
        ("u", Value::str("é世界\u{200b}\t\n\0")),
        ("ml", Value::list(vec![named("n1"), named("n2"), Value::Nil])),
    ])
}

fn functions() -> Functions {
    use Param::{Any, Bool, Float, Int, Int64, List as ListOf, Map as MapOf, Str as Text};
    type Body = fn(&mut Call<'_>, &[Value]) -> Result<Value, Error>;
    let fixed = |name, params: &'static [Param], body: Body| Function {
        name,
        params,
        variadic: None,
        body,
    };
    let same: Body = |_, args| Ok(args[0].clone());
    Functions::new([
        fixed("include", &[Text, Any], |call, args| {
            call.run
                .execute(&text(&args[0]), args[1].clone())
                .map(|text| Value::Str(text.into()))
        }),
        fixed("tpl", &[Text, Any], tpl),
        fixed("fail", &[Text], |_, args| Err(Error::new(text(&args[0])))),
        fixed("upper", &[Text], |_, args| {
            Ok(Value::str(text(&args[0]).to_uppercase()))
        }),
        fixed("add1", &[Int], |_, args| Ok(Value::int(integer(&args[0]) + 1))),
        fixed("i64", &[Int64], same),
        fixed("fl", &[Float], same),
        fixed("bo", &[Bool], same),
        fixed("li", &[ListOf], |_, args| {
            Ok(Value::int(elements(&args[0]).len() as i64))
        }),
        fixed("ma", &[MapOf], |_, args| match &args[0] {
            Value::Map(map) => Ok(Value::int(map.borrow().len() as i64)),
            _ => Err(Error::new("not a map")),
        }),
        fixed("bytes", &[Text], |_, args| {
            Ok(Value::Bytes(text(&args[0]).into()))
        }),
        fixed("u64", &[Int], |_, args| {
            Ok(Value::Int(integer(&args[0]), IntKind::Uint64))
        }),
        fixed("dur", &[Int], |_, args| {
            Ok(Value::Int(integer(&args[0]), IntKind::Duration))
        }),
        fixed("nop", &[], |_, _| Ok(Value::Nil)),
        Function {
            name: "list",
            params: &[],
            variadic: Some(Any),
            body: |_, args| Ok(Value::list(args.to_vec())),
        },
        Function {
            name: "strs",
            params: &[],
            variadic: Some(Text),
            body: |_, args| Ok(Value::List(List::new(Elem::String, args.to_vec()))),
        },
        Function {
            name: "dict",
            params: &[],
            variadic: Some(Any),
            body: dict,
        },
    ])
}

fn tpl(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let source = text(&args[0]);
    let quoted = template::fmt::quote(source.as_bytes());
    match call
        .run
        .execute_source("gotpl", source.as_bytes(), args[1].clone())
    {
        Ok(text) => Ok(Value::Str(text.into())),
        Err(error) if error.is_parse() => Err(error.context(format!("cannot parse template {quoted}: "))),
        Err(error) => Err(error.context(format!("error during tpl function execution for {quoted}: "))),
    }
}

fn dict(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let map = Map::new();
    for pair in args.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::str(""));
        map.set(template::fmt::value_to_string(&pair[0])?, value);
    }
    Ok(Value::Map(map))
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_text().into_owned(),
        _ => String::new(),
    }
}

fn integer(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        _ => 0,
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::List(list) => list,
        _ => &[],
    }
}

#[test]
fn fields_are_walked_as_in_go() {
    check_file(include_str!("cases/fields.tsv"));
}

#[test]
fn variables_have_the_scope_of_go() {
    check_file(include_str!("cases/variables.tsv"));
}

#[test]
fn range_walks_what_go_walks() {
    check_file(include_str!("cases/range.tsv"));
}

#[test]
fn templates_are_defined_and_called_as_in_go() {
    check_file(include_str!("cases/templates.tsv"));
}

#[test]
fn arguments_are_counted_and_converted_as_in_go() {
    check_file(include_str!("cases/arguments.tsv"));
}

#[test]
fn comparisons_follow_the_kinds_of_go() {
    check_file(include_str!("cases/compare.tsv"));
}

#[test]
fn printf_knows_the_verbs_of_go() {
    check_file(include_str!("cases/printf.tsv"));
}

#[test]
fn syntax_is_accepted_and_refused_as_in_go() {
    check_file(include_str!("cases/syntax.tsv"));
}

#[test]
fn hostile_templates_end_with_an_error() {
    let functions = Arc::new(functions());
    let nested = |open: &str, close: &str, count| format!("{}1{}", open.repeat(count), close.repeat(count));
    for (source, error) in [
        (
            "{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}".to_owned(),
            "maximum template depth",
        ),
        (
            "{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}".to_owned(),
            "maximum template depth",
        ),
        ("{{range 1000000000000}}{{end}}".to_owned(), "steps"),
        (
            "{{$x := \"0123456789\"}}{{range 40}}{{$x = print $x $x}}{{end}}".to_owned(),
            "too large",
        ),
        (
            "{{$x := list}}{{range 20000}}{{$x = list $x}}{{end}}{{print $x}}".to_owned(),
            "contains itself",
        ),
        (
            format!("{{{{{}}}}}", nested("(", ")", 10_001)),
            "max expression depth exceeded",
        ),
        (nested("{{if 1}}", "{{end}}", 10_001), "nest too deeply"),
        (
            format!("{{{{printf \"{}\"}}}}", "%1000000d".repeat(100)).replace("\"}}", "\" 1}}"),
            "",
        ),
    ] {
        let found = run(&functions, &source);
        assert!(
            found.starts_with("! ") || error.is_empty(),
            "{source:.60} should fail"
        );
        assert!(found.contains(error), "{source:.60} says {found:.200}");
    }
}

#[test]
fn a_map_that_contains_itself_is_not_printed() {
    let map = Map::new();
    map.set("self", Value::Map(map.clone()));
    let error = template::fmt::value_to_string(&Value::Map(map.clone())).expect_err("endless");
    assert!(error.message.contains("contains itself"));
    map.borrow_mut().clear();
}

#[test]
fn a_deep_value_is_dropped_without_recursion() {
    let mut value = Value::Nil;
    for depth in 0..500_000 {
        value = if depth % 2 == 0 {
            Value::list(vec![value])
        } else {
            map(&[("k", value)])
        };
    }
    drop(value);
}

#[test]
fn a_missing_value_is_named_by_its_path() {
    let functions = Arc::new(functions());
    let mut set = Set::new(functions);
    set.parse(
        "t",
        b"{{define \"in\"}}{{.m.zz.x.y}}{{end}}\n {{include \"in\" .}}",
    )
    .expect("a template");
    let error = Executor::new(&set, &(), Options::default())
        .execute("t", dot())
        .expect_err("a missing value");
    assert_eq!(
        error.missing.as_ref().map(ToString::to_string).as_deref(),
        Some(".m.zz")
    );
    let places: Vec<_> = error
        .trace
        .iter()
        .map(|step| (&*step.template, step.line, step.column))
        .collect();
    assert_eq!(places, [("in", 1, 19), ("t", 2, 3)]);
}

#[test]
fn parsed_templates_are_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Set>();
    check::<template::Parsed>();
}
