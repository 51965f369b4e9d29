//! The table of checks is whole, and its page is what it says.

use std::collections::BTreeSet;

use crate::cases;

#[test]
fn each_check_has_cases_with_and_without_it() {
    let cases = cases::all();
    let with = |is_bad: bool| -> BTreeSet<&str> {
        let cases = cases.iter().filter(|case| case.finding.is_some() == is_bad);
        cases.map(|case| case.check.as_str()).collect()
    };
    let checks: BTreeSet<&str> = checks::all().map(|check| check.id).collect();
    assert_eq!(with(true), checks);
    assert_eq!(with(false), checks);
}

#[test]
fn an_id_is_used_once_among_all_that_find() {
    let mut ids: BTreeSet<&str> = tenancy::guard::rules().map(|rule| rule.id).collect();
    for check in checks::all() {
        assert!(ids.insert(check.id), "{}", check.id);
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(check.id.chars().all(is_plain), "{}", check.id);
    }
}

#[test]
fn a_check_says_everything_in_one_line() {
    for check in checks::all() {
        for text in [check.title, check.cure, check.why] {
            assert!(
                !text.is_empty() && !text.contains('\n') && !text.contains("  "),
                "{}",
                check.id
            );
        }
        assert!(
            !check.cure.ends_with('.') && !check.softer.ends_with('.'),
            "{}",
            check.id
        );
        assert!(
            check.why.ends_with('.') && !check.title.ends_with('.'),
            "{}",
            check.id
        );
    }
}

#[test]
fn the_page_of_checks_is_what_the_table_says() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/chart-checks.md"
    );
    let cases = cases::all();
    let example = |id: &str| {
        let case = cases
            .iter()
            .find(|case| case.check == id && case.finding.is_some());
        case.unwrap().text.replace("# here", &format!("# {id}"))
    };
    let page = checks::page(example);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        page,
        "UPDATE=1 cargo test -p checks the_page"
    );
}
