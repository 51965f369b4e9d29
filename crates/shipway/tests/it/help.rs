//! Help that teaches, and a reference that is the help.

use crate::{seen, shipway};

#[test]
fn help_teaches_by_examples() {
    insta::assert_snapshot!(seen("--help"));
}

#[test]
fn no_arguments_print_help_and_fail_as_usage() {
    let output = shipway("");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Examples:"));
}

/// The reference holds the whole help of every command, so it is the snapshot of it all.
#[test]
fn reference_is_the_whole_help() {
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/commands.md");
    let reference = std::fs::read_to_string(reference).expect("the reference is checked in");
    let printed = String::from_utf8(shipway("reference").stdout).expect("the reference is UTF-8");
    assert!(
        printed == reference,
        "the command line changed: run `cargo xtask docs` and review its diff"
    );
}

#[test]
fn every_command_has_examples() {
    let reference = String::from_utf8(shipway("reference").stdout).expect("the reference is UTF-8");
    let sections: Vec<&str> = reference
        .split("\n## ")
        .flat_map(|part| part.split("\n### "))
        .skip(1)
        .collect();
    for section in &sections {
        assert!(section.contains("Examples:\n"), "no examples in:\n{section}");
    }
    assert!(sections.len() >= 4, "shipway and its commands");
}

#[test]
fn completions_are_written_for_each_shell() {
    for (shell, expected) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef shipway"),
        ("fish", "complete -c shipway"),
    ] {
        let output = shipway(&format!("completions {shell}"));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains(expected),
            "{shell}"
        );
    }
}
