//! Results as a table, as JSON and as YAML.

use crate::{seen, shipway};

#[test]
fn codes_are_listed_as_a_table() {
    let seen = seen("explain --quiet");
    let lines: Vec<&str> = seen.lines().take(2).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    CODE    NEXT           MEANS
    SW0001  bug            shipway itself failed
    ");
}

#[test]
fn notes_are_for_those_who_did_not_ask_for_quiet() {
    let stderr = |line| String::from_utf8_lossy(&shipway(line).stderr).into_owned();
    assert_eq!(
        stderr("explain"),
        "`shipway explain CODE` prints the page of one\n"
    );
    assert_eq!(stderr("explain -q"), "");
    assert!(stderr("version -v").starts_with("done in "));
}

#[test]
fn quiet_and_verbose_exclude_each_other() {
    assert_eq!(shipway("version -q -v").status.code(), Some(2));
}

#[test]
fn programs_get_json_and_yaml() {
    let version = env!("CARGO_PKG_VERSION");
    let json = String::from_utf8_lossy(&shipway("version -o json").stdout).into_owned();
    assert!(
        json.starts_with(&format!("{{\n  \"version\": \"{version}\",\n")),
        "{json}"
    );
    let yaml = String::from_utf8_lossy(&shipway("version -o yaml").stdout).into_owned();
    assert!(yaml.contains(version), "{yaml}");
}
