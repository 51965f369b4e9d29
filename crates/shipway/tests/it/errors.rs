//! Errors have a code, a cure and their exit code, for people and for programs.

use crate::{command, seen};

#[test]
fn unknown_code_suggests_the_nearest() {
    insta::assert_snapshot!(seen("explain SW010"), @r#"
    --- stderr
    error[SW0003]: there is no error code "SW010"
    hint: did you mean `SW0101`? `shipway explain` lists every code
    --- exit 1
    "#);
}

#[test]
fn a_kubeconfig_that_is_not_there_is_said_with_its_file() {
    insta::assert_snapshot!(seen("cluster kubeconfig --kubeconfig /nowhere/kubeconfig"), @"
    --- stderr
    error[SW0301]: can't read /nowhere/kubeconfig
      caused by: No such file or directory (os error 2)
    hint: `shipway cluster start --kubeconfig FILE` writes it where you want it
    --- exit 1
    ");
}

#[test]
fn an_issuer_is_looked_at_before_the_hub() {
    let flags = "--listen 127.0.0.1:0 --oidc-client-id shipway --kubeconfig /nowhere/kubeconfig";
    let plain = format!("controller {flags} --oidc-issuer http://id.example.com");
    insta::assert_snapshot!(seen(&plain));
    let empty = format!("controller {flags} --oidc-issuer https://id.example.com --oidc-ca /dev/null");
    insta::assert_snapshot!(seen(&empty));
}

#[test]
fn programs_get_errors_as_json() {
    insta::assert_snapshot!(seen("explain nope -o json"), @r#"
    --- stderr
    {
      "error": {
        "code": "SW0003",
        "next": "invalid-input",
        "message": "there is no error code \"nope\"",
        "hint": "`shipway explain` lists every code"
      }
    }
    --- exit 1
    "#);
}

#[test]
fn wrong_usage_exits_with_2() {
    insta::assert_snapshot!(seen("explian"), @r"
    --- stderr
    error: unrecognized subcommand 'explian'

      tip: a similar subcommand exists: 'explain'

    Usage: shipway [OPTIONS] <COMMAND>

    For more information, try '--help'.
    --- exit 2
    ");
}

#[test]
fn programs_get_wrong_usage_as_json() {
    insta::assert_snapshot!(seen("explian --output json"), @r#"
    --- stderr
    {
      "error": {
        "code": "SW0002",
        "next": "usage",
        "message": "unrecognized subcommand 'explian'",
        "hint": "`shipway --help` shows the commands, `shipway COMMAND --help` the arguments"
      }
    }
    --- exit 2
    "#);
}

#[test]
fn page_is_printed_offline_in_either_case() {
    let seen = seen("explain sw0101");
    assert!(
        seen.starts_with("# SW0101: a name breaks the rule for its kind\n"),
        "{seen}"
    );
    assert!(seen.ends_with("--- stderr\n--- exit 0"), "{seen}");
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    let colour = |line: &str, no_color: &str| {
        let output = command(line)
            .env("NO_COLOR", no_color)
            .output()
            .expect("the binary can be run");
        output.stderr.contains(&0x1b)
    };
    assert!(!colour("explain nope", ""), "stderr is no terminal here");
    assert!(colour("explain nope --color always", ""));
    assert!(
        colour("explain nope --color always", "1"),
        "the flag is more deliberate than the environment"
    );
    assert!(!colour("explain nope --color never", ""));
    assert!(!colour("explian", ""));
}

#[test]
fn reader_that_stops_early_is_no_error() {
    let mut child = command("completions bash")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the child can be waited for");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_reported() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has /dev/full");
    let output = command("version")
        .stdout(full)
        .output()
        .expect("the binary can be run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("error[SW0004]: can't write the output\n  caused by: No space left"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1));
}
