//! Documents and values meant to hurt: each ends in an error or a result, soon and on a small stack.

use yaml::{Dialect, Emitter, MAX_DEPTH, Value};

/// Threads get 2 MiB, so what fits there fits in a test.
fn refused(document: &str, expected: &str) {
    let error = yaml::from_slice(document.as_bytes())
        .expect_err("it is refused")
        .to_string();
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn depth_is_bounded() {
    let too_deep = format!("exceeded max depth of {MAX_DEPTH}");
    refused(
        &format!("a: {}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH)),
        &too_deep,
    );
    refused(&"- ".repeat(MAX_DEPTH + 1), &too_deep);
    refused(&"[".repeat(10_001), "exceeded max depth of 10000");
    refused(&"- ".repeat(10_001), "exceeded max depth of 10000");
    let fits = format!("a: {}1{}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
    let value = yaml::from_slice(fits.as_bytes()).unwrap();
    let printed = yaml::to_string(&value).unwrap();
    assert_eq!(yaml::from_slice(printed.as_bytes()).unwrap(), value.clone());
}

#[test]
fn a_head_is_read_however_deep_the_rest_is() {
    let deep = format!("kind: a\nspec: {}1{}", "[".repeat(9_999), "]".repeat(9_999));
    assert_eq!(yaml::head(deep.as_bytes()).unwrap().kind, "a");
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    refused(&bomb, "document contains excessive aliasing");
    assert!(yaml::head(bomb.as_bytes()).is_err());
}

#[test]
fn quoted_keys_in_errors_are_bounded() {
    let mut document = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..6 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        document.push_str(&format!("b{level}: &a{level} [{below}]\n"));
    }
    document.push_str("? [*a5]\n: 1\n");
    let error = yaml::head(document.as_bytes())
        .expect_err("it is refused")
        .to_string();
    assert!(error.len() < 1 << 20, "{}", error.len());
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let cases: [(&[u8], &str); 5] = [
        (b"a: \xFF", "yaml: invalid leading UTF-8 octet"),
        (b"a: \xC3(", "yaml: invalid trailing UTF-8 octet"),
        (b"a: \xE2\x82", "yaml: incomplete UTF-8 octet sequence"),
        (b"a: \xC0\x80", "yaml: invalid length of a UTF-8 sequence"),
        (b"a: \xED\xA0\x80", "yaml: invalid Unicode character"),
    ];
    for (document, expected) in cases {
        assert_eq!(
            yaml::from_slice(document).expect_err("it is refused").message(),
            expected
        );
    }
}

#[test]
fn utf16_is_read() {
    let expected = Value::Map([("a".to_owned(), Value::String("é".to_owned()))].into());
    let text = "a: é";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(
        yaml::from_slice(&[&b"\xFF\xFE"[..], &little].concat()).unwrap(),
        expected
    );
    assert_eq!(
        yaml::from_slice(&[&b"\xFE\xFF"[..], &big].concat()).unwrap(),
        expected
    );
}

#[test]
fn no_prefix_of_a_document_panics() {
    let document = "%YAML 1.1\n---\na: &x !!str \"b\\x41\\\n  c\" # d\n? [e, {f: 'g''h'}]\n: |2+\n   i\n\nj: >-\n  k\n<<: {l: *x}\né: !<m> n\n...\n";
    for end in 0..document.len() {
        let _ = yaml::from_slice(&document.as_bytes()[..end]);
        let _ = yaml::from_slice(&document.as_bytes()[end..]);
        let _ = yaml::head(&document.as_bytes()[end..]);
    }
}

#[test]
fn time_is_linear_in_size() {
    // A quadratic step would be felt here, even in a build without optimisation.
    let many = 20_000;
    for document in [
        "a: b\n".repeat(many),
        "[".repeat(9_000) + &"]".repeat(9_000) + &" \n".repeat(many),
        format!("a: {}", "'b' \n".repeat(many)),
        format!("a: |\n{}", "\n".repeat(many)),
        format!("a: \"{}\"", "\\\n\\\n".repeat(many)),
        format!("a: [{}]", "{b: c}, ".repeat(many)),
        format!("a: {}", "x\u{e9} ".repeat(many)),
        format!("[{}]", "a: b, ".repeat(many)),
    ] {
        let _ = yaml::from_slice(document.as_bytes());
        let _ = yaml::head(document.as_bytes());
    }
}

#[test]
fn strings_that_are_not_utf8_print_as_go_prints_them() {
    let print = |dialect| {
        let mut out = Vec::new();
        let mut emitter = Emitter::new(&mut out, dialect);
        emitter.sequence_start();
        emitter.string(b"a\xE2\x82b\xFF");
        emitter.sequence_end();
        emitter.finish().unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(print(Dialect::Json), "- a\u{FFFD}\u{FFFD}b\u{FFFD}\n");
    assert_eq!(print(Dialect::Pretty), "- !!binary YeKCYv8=\n");
}

#[test]
fn orders_with_cycles_do_not_panic() {
    let mut keys: Vec<String> = (0..200)
        .map(|number| format!("{}{}", number % 13, ["a", "", "1", "z9"][number % 4]))
        .collect();
    yaml::sort_keys(&mut keys, Dialect::Json, |key| key.as_bytes());
    assert_eq!(keys.len(), 200);
}
