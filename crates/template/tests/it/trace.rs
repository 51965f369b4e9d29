//! Every printed line is known by the line of the template that wrote it.

use std::sync::Arc;

use template::{Executor, Functions, Options, Set, Value};

/// A template and, for each line it prints, the line of the template.
const CASES: &[(&str, &[u32])] = &[
    ("a\nb\nc\n", &[1, 2, 3, 4]),
    ("", &[1]),
    // A line belongs to what wrote its first character that is no space.
    ("a: {{ 1 }}\nb: {{ 2 }}", &[1, 2]),
    ("{{ 1 }}: a\n  {{ 2 }}: b", &[1, 2]),
    // What is trimmed away leaves the lines of the rest as they are.
    (
        "{{- /* one\ntwo */ -}}\na\n{{- if true }}\nb\n{{- end }}\nc",
        &[3, 5, 7],
    ),
    ("{{ if false }}\na\n{{ else }}\nb\n{{ end }}c", &[3, 4, 5]),
    // Each turn of a loop writes its lines again.
    ("{{ range $i := 2 }}\na: {{ $i }}\n{{- end }}\nb", &[1, 2, 2, 4]),
    ("{{ with 1 }}\n\n{{ . }}\n{{ end }}", &[1, 2, 3, 4]),
    // All lines of an action are its own, and of what it calls.
    ("a:\n{{ \"b\\nc\\nd\" }}\ne", &[1, 2, 2, 2, 3]),
    ("a\n{{ template \"three\" }}\nb", &[1, 2, 2, 2, 3]),
    (
        "a\n\n{{- template \"three\" }}\n{{ template \"three\" }}",
        &[1, 3, 3, 4, 4, 4],
    ),
    // An action over several lines is where it begins.
    ("a\n{{ printf\n \"%d\\n%d\"\n 1 2 }}\nb", &[1, 2, 2, 5]),
    // What prints nothing has no line.
    ("{{ $a := 1 }}{{ \"\" }}a\n{{ $a }}", &[1, 2]),
];

const THREE: &str = "{{ define \"three\" }}x\n{{ 1 }}\n{{- if true }}\ny{{ end }}{{ end }}";

#[test]
fn each_printed_line_has_the_line_that_wrote_it() {
    let mut set = Set::new(Arc::new(Functions::new(Vec::new())));
    set.parse("three.tpl", THREE.as_bytes()).unwrap();
    for (at, (source, _)) in CASES.iter().enumerate() {
        set.parse(&format!("case{at}"), source.as_bytes()).unwrap();
    }
    let mut executor = Executor::new(&set, &(), Options::default());
    for (at, (source, expected)) in CASES.iter().enumerate() {
        let name = format!("case{at}");
        let (printed, lines) = executor.execute_traced(&name, Value::Nil).unwrap();
        let shown = String::from_utf8_lossy(&printed);
        assert_eq!(lines, *expected, "{source:?} prints {shown:?}");
        // The trace changes nothing, and ends with its template.
        assert_eq!(executor.execute(&name, Value::Nil).unwrap(), printed);
    }
}
