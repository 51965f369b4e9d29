//! The clusters of a stage, gone through in waves with a budget for failures.

use kinds::Waves;

/// How a cluster is, as far as a promotion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterState {
    /// Its turn has not come.
    Waiting,
    Running,
    Done,
    Failed,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// These begin now: a wave.
    Begin(Vec<String>),
    /// The wave goes on.
    Wait,
    /// Every cluster had its turn; these failed, and no more than may.
    Done { failed: Vec<String> },
    /// More failed than may; the rest is left alone.
    Stop { failed: Vec<String> },
}

/// Decides from the clusters, in their order, what is next. A wave begins when every cluster of the one before is done.
///
/// Guarantees: begins no cluster twice, none after more than `max_failed` failed, never more than `size` at once.
#[must_use]
pub fn next(clusters: &[(String, ClusterState)], waves: &Waves) -> Next {
    let of = |state: ClusterState| {
        let names = clusters.iter().filter(move |(_, one)| *one == state);
        names.map(|(name, _)| name.clone())
    };
    let failed: Vec<String> = of(ClusterState::Failed).collect();
    if failed.len() > waves.max_failed as usize {
        return Next::Stop { failed };
    }
    if of(ClusterState::Running).next().is_some() {
        return Next::Wait;
    }
    let wave: Vec<String> = of(ClusterState::Waiting)
        .take(waves.size.max(1) as usize)
        .collect();
    match wave.is_empty() {
        true => Next::Done { failed },
        false => Next::Begin(wave),
    }
}
