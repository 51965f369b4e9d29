//! Waves: what begins next, for every state that clusters can be in.

use delivery::{ClusterState, Next, next};
use kinds::Waves;
use proptest::prelude::*;

/// Clusters as letters: `.` waits, `>` runs, `+` is done, `-` failed. What is next, as `begin 2 3`, `wait`, `done 1`, `stop 1`.
fn check(clusters: &str, size: u32, max_failed: u32, expected: &str) {
    let clusters: Vec<(String, ClusterState)> = clusters
        .chars()
        .enumerate()
        .map(|(at, state)| (at.to_string(), of(state)))
        .collect();
    let told = match next(&clusters, &Waves { size, max_failed }) {
        Next::Begin(names) => format!("begin {}", names.join(" ")),
        Next::Wait => "wait".to_owned(),
        Next::Done { failed } => format!("done {}", failed.join(" ")),
        Next::Stop { failed } => format!("stop {}", failed.join(" ")),
    };
    assert_eq!(told.trim(), expected, "{clusters:?} {size} {max_failed}");
}

fn of(state: char) -> ClusterState {
    match state {
        '.' => ClusterState::Waiting,
        '>' => ClusterState::Running,
        '+' => ClusterState::Done,
        _ => ClusterState::Failed,
    }
}

#[test]
fn a_wave_begins_when_the_one_before_is_done() {
    check("...", 2, 0, "begin 0 1");
    check(">>.", 2, 0, "wait");
    check("+>.", 2, 0, "wait");
    check("++.", 2, 0, "begin 2");
    check("+++", 2, 0, "done");
    check("...", 0, 0, "begin 0");
    check("...", 64, 0, "begin 0 1 2");
    check("", 1, 0, "done");
}

#[test]
fn the_rest_is_left_alone_when_more_fail_than_may() {
    check("-..", 1, 0, "stop 0");
    check("->.", 2, 0, "stop 0");
    check("-..", 1, 1, "begin 1");
    check("->.", 2, 1, "wait");
    check("-+-", 1, 1, "stop 0 2");
    check("-+-", 1, 2, "done 0 2");
}

proptest! {
    #[test]
    fn waves_end_and_keep_their_limits(
        fails in prop::collection::vec(any::<bool>(), 0..20), size in 1..6_u32, max_failed in 0..4_u32,
    ) {
        let waves = Waves { size, max_failed };
        let mut clusters: Vec<(String, ClusterState)> =
            (0..fails.len()).map(|at| (format!("{at:02}"), ClusterState::Waiting)).collect();
        // Every round begins one cluster at least, or ends.
        for _ in 0..=fails.len() {
            match next(&clusters, &waves) {
                Next::Begin(begun) => {
                    prop_assert!(!begun.is_empty() && begun.len() <= size as usize);
                    for name in begun {
                        let at: usize = name.parse().unwrap();
                        prop_assert_eq!(clusters[at].1, ClusterState::Waiting);
                        clusters[at].1 = ClusterState::Running;
                    }
                    prop_assert_eq!(next(&clusters, &waves), Next::Wait);
                    for (at, cluster) in clusters.iter_mut().enumerate().filter(|(_, one)| one.1 == ClusterState::Running) {
                        cluster.1 = if fails[at] { ClusterState::Failed } else { ClusterState::Done };
                    }
                }
                Next::Done { failed } => {
                    prop_assert!(failed.len() <= max_failed as usize);
                    prop_assert!(clusters.iter().all(|one| one.1 != ClusterState::Waiting));
                    return Ok(());
                }
                Next::Stop { failed } => {
                    prop_assert!(failed.len() > max_failed as usize);
                    prop_assert!(failed.len() <= (max_failed + size) as usize);
                    return Ok(());
                }
                Next::Wait => prop_assert!(false, "nothing runs"),
            }
        }
        prop_assert!(false, "the waves do not end");
    }
}
