//! The tour as a test: the whole way of a change with the real binary, also while `shipway up` is killed under it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::folder::Folder;
use crate::up::Up;

/// Goes a tour to its end, and kills the `shipway up` below it whenever one of these steps begins. Gives what it said.
fn tour(folder: &Folder, killed_at: &[&str]) -> String {
    let mut child = folder
        .shipway("tour --dir road --plain")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("it is text");
        if killed_at.iter().any(|title| line.contains(title)) && line.contains('/') {
            let pid = Up::places(folder)["pid"].as_i64().expect("a process id");
            let pid = Pid::from_raw(i32::try_from(pid).expect("a process id")).expect("a process id");
            kill_process(pid, Signal::KILL).expect("it runs");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let mut error = String::new();
    let mut stderr = child.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut error).expect("it is text");
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(0), "{said}\n{error}");
    said
}

#[test]
fn a_change_goes_the_whole_way_and_again_while_up_is_killed() {
    let folder = Folder::new("tour");
    let said = tour(&folder, &[]);
    for expected in [
        "`shipway up` was started",
        "templates/admin.yaml:6: error service-selects-nothing",
        "templates/reports.yaml:19: error install-fails",
        "container reports: CreateContainerConfigError",
        "values.yaml:13: error install-fails: ResourceQuota shop/shipway limits.memory is limited to 4Gi",
        "passed shop/web: L1 and L2 passed",
        "web-0.2.0-staging Succeeded",
        "shop/web-0.2.0-production is asked for",
        "grace@example.com agrees to shop/web-0.2.0-production",
        "web-0.2.0-production Succeeded",
        "web-0.2.1-staging RolledBack",
        "error[SW1105]",
        "answered by 0.1.0 and then by it, none failed",
        "lines are whole",
        "What it took",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // The next one goes on from where the first one left the service.
    let said = tour(
        &folder,
        &[
            "A selector is misspelt",
            "It is merged",
            "Staging takes it",
            "Somebody else agrees",
            "A bad version",
        ],
    );
    assert!(said.contains("shop/web is at version 0.2.1"), "{said}");
    assert!(said.contains("web-0.3.0-staging Succeeded"), "{said}");
}

#[test]
fn a_chart_of_ones_own_goes_the_same_road() {
    let folder = Folder::new("tour_chart");
    let hello = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello");
    let seen = folder.seen(&format!("tour --dir road --plain --chart {hello}"));
    for expected in [
        "passed guest/hello",
        "hello-0.1.0-staging Succeeded",
        "hello-0.1.0-production Succeeded",
        "lines are whole",
        "exit 0",
    ] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
}

#[test]
fn a_step_that_does_not_do_what_it_says_ends_the_tour() {
    let folder = Folder::new("tour_broken");
    folder.write("road/made-by-shipway-up", "");
    // Where the copy of the charts is to be, somebody has a file.
    folder.write("road/tour/charts", "x");
    let seen = folder.seen("tour --dir road --plain");
    assert!(
        seen.contains("error[SW1204]") && seen.ends_with("exit 1"),
        "{seen}"
    );
}
