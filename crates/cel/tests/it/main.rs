//! Expressions and their values, errors and bounds.

use std::collections::HashMap;

use cel::{Budget, Error, Program, Type, Value, Variables};
use serde_json::{Value as Json, json};

fn schema() -> Json {
    json!({"type": "object", "properties": {
        "name": {"type": "string"}, "size": {"type": "integer"}, "ratio": {"type": "number"},
        "namespace": {"type": "string"}, "a-b": {"type": "integer"},
        "port": {"x-kubernetes-int-or-string": true}, "at": {"type": "string", "format": "date-time"},
        "wait": {"type": "string", "format": "duration"},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}}}})
}

fn object() -> Json {
    json!({"name": "web-1", "size": 3, "ratio": 2, "namespace": "x", "a-b": 4, "port": "http",
        "at": "2024-02-29T12:30:00Z", "wait": "1h30m", "tags": ["b", "a"], "list": [{"n": 1}, {"n": 2}],
        "labels": {"app": "web", "a.b/c": "d"}})
}

fn variables() -> Variables {
    HashMap::from([(
        "self".to_owned(),
        Type::of_schema(&schema(), false).expect("a type"),
    )])
}

fn eval(text: &str) -> Result<Value, String> {
    let variables = variables();
    let program = Program::compile(text, &variables).map_err(|issues| issues.text)?;
    let values = HashMap::from([("self".to_owned(), Value::of_json(&object(), &variables["self"]))]);
    program
        .eval(&values, &mut Budget::new(10_000_000))
        .map_err(|error| error.to_string())
}

#[test]
fn what_holds_is_true() {
    for text in [
        "self.size > 1 && self.size + 1 == 4 || false",
        "-self.size == -3 && 7 % 4 == 3 && 7 / 2 == 3 && -9223372036854775808 < 0",
        "self.ratio == 2.0 && self.size < 3.5 && 1u + 2u == 3u",
        "self.__namespace__ == 'x' && self.a__dash__b == 4",
        "self.labels['a.b/c'] == 'd' && self.labels.app == \"web\" && 'app' in self.labels",
        "has(self.name) && !has(self.labels.nope)",
        "self.tags == ['b', 'a'] && self.tags.size() == 2 && size(self.tags) == 2",
        "self.tags.all(t, t.matches('^[a-z]$')) && self.list.exists(x, x.n == 2)",
        "self.list.exists_one(x, x.n == 1) && self.list.map(x, x.n) == [1, 2]",
        "self.list.map(x, x.n > 1, x.n * 2) == [4] && self.list.filter(x, x.n > 1).size() == 1",
        "self.labels.all(k, k.size() > 2) && self.list.all(i, x, i + 1 == x.n)",
        "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2} && [1, 2].transformList(i, v, v * i) == [0, 2]",
        "type(self.port) == string && self.port == 'http'",
        "self.at < timestamp('2025-01-01T00:00:00Z') && self.at.getDayOfWeek() == 4",
        "self.at.getHours('+02:00') == 14 && self.at.getDate() == 29 && self.at.getMonth() == 1",
        "self.wait == duration('90m') && self.wait.getMinutes() == 90 && string(self.wait) == '5400s'",
        "self.at + duration('24h') == timestamp('2024-03-01T12:30:00Z')",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b'",
        "'hello'.substring(1, 3) == 'el' && 'hello'.charAt(4) == 'o' && 'hello'.indexOf('l') == 2",
        "'hello'.replace('l', 'L') == 'heLLo' && ' x '.trim() == 'x' && 'Ab'.lowerAscii() == 'ab'",
        "'%s has %d of %.2f'.format(['a', 3, 1.5]) == 'a has 3 of 1.50'",
        "'%s'.format([[1, 'x']]) == '[1, x]' && '%x'.format([255]) == 'ff'",
        "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2']",
        "[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [1, 2].isSorted() && [1, 2, 1].lastIndexOf(1) == 2",
        "sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 2], [2, 1])",
        "quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && quantity('1000m') == quantity('1') && isQuantity('5k')",
        "quantity('50k').add(20).compareTo(quantity('50020')) == 0 && quantity('3').asInteger() == 3",
        "url('https://a.b:80/c?d=e').getHostname() == 'a.b' && url('https://a.b:80/c').getPort() == '80'",
        "url('https://a.b/c?d=e').getQuery() == {'d': ['e']} && isURL('/x') && !isURL('x y')",
        "ip('10.0.0.1').family() == 4 && isIP('::1') && !isIP('10.0.0') && ip('::1').isLoopback()",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')",
        "cidr('10.1.0.0/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('v1.2', true) && !isSemver('1.2')",
        "format.dns1123Label().validate('a-b') == optional.none()",
        "format.named('dns1123Label').value().validate('A').hasValue()",
        "self.?name.orValue('none') == 'web-1' && self.labels.?nope.orValue('none') == 'none'",
        "self.labels[?'app'].hasValue() && [?optional.none(), 1] == [1]",
        "self.?name.optMap(n, n + '!').value() == 'web-1!' && cel.bind(x, 2, x * x) == 4",
        "(self.size > 1 ? 'many' : 'one') == 'many' && int('5') == 5 && string(5) == '5' && double(2) == 2.0",
        "true || self.labels.nope == 'x'",
        "b'\\x41' == bytes('A') && r'\\d' == '\\\\d' && '''a\"b''' == 'a\"b' && '\\u0041' == 'A'",
    ] {
        assert_eq!(eval(text), Ok(Value::Bool(true)), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_in_the_real_compilers_words() {
    let check = |text: &str, expected: &str| {
        let error = eval(text).expect_err(text);
        assert_eq!(error.lines().next(), Some(expected), "{error}");
    };
    let whole = "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^";
    assert_eq!(eval("self.nope > 1"), Err(whole.to_owned()));
    check(
        "nope == 1",
        "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')",
    );
    check(
        "self.name > 1",
        "ERROR: <input>:1:11: found no matching overload for '_>_' applied to '(string, int)'",
    );
    check(
        "self.size.contains('a')",
        "ERROR: <input>:1:19: found no matching overload for 'contains' applied to 'int.(string)'",
    );
    check(
        "self.tags.all(x, y)",
        "ERROR: <input>:1:18: undeclared reference to 'y' (in container '')",
    );
    check(
        "nope(1)",
        "ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')",
    );
    check("self.labels.nope == 'x'", "no such key: nope");
    check("self.list[5].n == 1", "index out of bounds: 5");
    check("1 / 0 == 1", "division by zero");
    check("9223372036854775807 + 1 == 1", "integer overflow");
    assert!(
        eval("self.")
            .expect_err("no field")
            .contains("mismatched input '<EOF>'")
    );
}

/// On the small stack of a test thread, without optimisation: what would overflow would show here.
#[test]
fn hostile_expressions_end_early() {
    for text in [
        "(".repeat(100_000),
        "!".repeat(100_000) + "true",
        "-".repeat(100_000) + "1",
        "[".repeat(100_000),
        "1".to_owned() + &"+1".repeat(100_000),
        "self".to_owned() + &".a".repeat(100_000),
        "true ? ".repeat(10_000) + "1",
        format!("{}1{}", "[".repeat(119), "]".repeat(119)),
    ] {
        let _ = eval(&text);
    }
    let deep = format!("{}true{}", "(true && ".repeat(100), ")".repeat(100));
    assert_eq!(eval(&deep), Ok(Value::Bool(true)));
    let long = "true && ".repeat(50_000) + "true";
    assert_eq!(eval(&long), Ok(Value::Bool(true)));
    let ten = "[0,1,2,3,4,5,6,7,8,9]";
    let nested = ["a", "b", "c", "d", "e", "f", "g"]
        .iter()
        .rev()
        .fold("true".to_owned(), |inner, name| {
            format!("{ten}.all({name}, {inner})")
        });
    assert_eq!(eval(&nested), Err(Error::Cost.to_string()));
    let doubled = (0..40).fold("'aaaaaaaaaa'".to_owned(), |inner, _| {
        format!("cel.bind(x, {inner}, x + x)")
    });
    assert_eq!(eval(&format!("{doubled} == ''")), Err(Error::Cost.to_string()));
    assert!(eval("'a'.matches('(((a{1,900}){1,900}){1,900})')").is_err());
}

#[test]
fn a_spent_budget_is_told() {
    let program = Program::compile("[1, 2, 3].all(x, x > 0)", &variables()).expect("compiles");
    let mut budget = Budget::new(20);
    let values: HashMap<String, Value> = HashMap::new();
    assert_eq!(program.eval(&values, &mut budget), Err(Error::Cost));
    assert!(budget.is_spent());
}
