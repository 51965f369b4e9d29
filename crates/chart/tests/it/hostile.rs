//! Templates that would take all memory or never end: each is refused, and says why.

use std::sync::Arc;

use chart::functions::{Host, table};
use chart::random::Seeded;
use template::{Executor, Functions, Options, Set, Value};

/// What would take all memory, or recurse for ever, ends with an error that says so.
#[test]
fn hostile_input_is_refused() {
    let cyclic = r#"{{ $d := dict }}{{ $_ := set $d "a" $d }}"#;
    for (source, wanted) in [
        (r#"{{ repeat 1000000000 "ab" }}"#, "256 MiB"),
        (r#"{{ repeat 9223372036854775807 "ab" }}"#, "256 MiB"),
        (r#"{{ indent 1000000000 "a" }}"#, "256 MiB"),
        (
            r#"{{ replace "" (repeat 100000 "x") (repeat 100000 "y") }}"#,
            "256 MiB",
        ),
        (
            r#"{{ wrapWith 1 (repeat 100000 "x") (repeat 100000 "y") }}"#,
            "256 MiB",
        ),
        ("{{ until 100000000 }}", "more than the"),
        ("{{ untilStep 0 9223372036854775807 1 }}", "more than the"),
        ("{{ mustToJson $d }}", "encountered a cycle"),
        ("{{ mustToYaml $d }}", "encountered a cycle"),
        ("{{ deepCopy $d }}", "nests deeper"),
        (
            "{{ merge (deepCopy (dict)) $d | mustToJson }}",
            "encountered a cycle",
        ),
        (
            "{{ $e := dict }}{{ $_ := set $e \"a\" $e }}{{ merge $e $d }}",
            "nest deeper",
        ),
        (
            "{{ $e := dict }}{{ $_ := set $e \"a\" $e }}{{ deepEqual $e $d }}",
            "nest deeper",
        ),
        ("{{ quote $d }}", "contains itself"),
        (r#"{{ mustFromJson (repeat 100000 "[") }}"#, "exceeded max depth"),
    ] {
        let mut set = Set::new(Arc::new(Functions::new(table())));
        set.parse("t", format!("{cyclic}{source}").as_bytes()).unwrap();
        let host = Host::new(0, Box::new(Seeded::new(1)));
        let error = Executor::new(&set, &host, Options::default())
            .execute("t", Value::Nil)
            .unwrap_err();
        assert!(error.to_string().contains(wanted), "{source}: {error}");
    }
}
