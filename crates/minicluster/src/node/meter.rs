//! What processes use, read from `/proc`, and the end of those that use more memory than they may.
//!
//! One look at all processes serves all containers. Where there is no `/proc` nothing is known, and nothing enforced.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::runs::{Runs, Usage};

/// Memory is looked at this often: a process that grows faster is caught late.
const EVERY: Duration = Duration::from_millis(500);

/// CPU is what was used over this time, as a metrics server has it, so that a moment does not count as a trend.
const WINDOW: Duration = Duration::from_secs(15);

/// As Linux has it for everything that user programs see.
const TICKS_PER_SECOND: u64 = 100;

/// Ticks of CPU and bytes of memory.
type Total = (u64, i64);

/// Ticks that a group had used at a time, over one window: at most one for each look.
type History = VecDeque<(Instant, u64)>;

/// Measures until the task is dropped.
pub(crate) async fn measure(runs: Runs) {
    let page = i64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let mut histories: HashMap<i32, History> = HashMap::new();
    loop {
        tokio::time::sleep(EVERY).await;
        let running = runs.running();
        if running.is_empty() {
            histories.clear();
            continue;
        }
        let Ok(totals) = tokio::task::spawn_blocking(move || totals(page)).await else {
            return;
        };
        let now = Instant::now();
        let mut known = HashMap::new();
        for run in running {
            let group = run.group.id();
            let Some((ticks, bytes)) = totals.get(&group).copied() else {
                continue;
            };
            let mut history = histories
                .remove(&group)
                .unwrap_or_else(|| VecDeque::from([(run.began, 0)]));
            let (cpu_milli, over) = rate(&mut history, ticks, now);
            runs.measured(
                &run,
                Usage {
                    cpu_milli,
                    over,
                    bytes,
                },
            );
            known.insert(group, history);
        }
        histories = known;
    }
}

/// Takes a measurement down; gives what was used over the window, in thousandths of a CPU, and how long that was.
fn rate(history: &mut History, ticks: u64, now: Instant) -> (i64, Duration) {
    while history.len() > 1 && history.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
        history.pop_front();
    }
    history.push_back((now, ticks));
    let (since, before) = history.front().copied().unwrap_or((now, ticks));
    let over = now - since;
    let passed = u64::try_from(over.as_millis()).unwrap_or(u64::MAX).max(1);
    let milli = ticks
        .saturating_sub(before)
        .saturating_mul(1_000_000 / TICKS_PER_SECOND)
        / passed;
    (i64::try_from(milli).unwrap_or(i64::MAX), over)
}

/// The sums of all groups of processes, but for their leaders, which are keepers.
fn totals(page: i64) -> HashMap<i32, Total> {
    let mut totals: HashMap<i32, Total> = HashMap::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let name = process.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else {
            continue;
        };
        let Some((group, ticks, pages)) = read(&stat).filter(|(group, ..)| *group != pid) else {
            continue;
        };
        let total = totals.entry(group).or_default();
        total.0 += ticks;
        total.1 += pages.saturating_mul(page);
    }
    totals
}

/// Group, ticks and resident pages out of a `stat` (see `proc_pid_stat(5)`). Ticks are those of the process and of its
/// children that have ended: a script that runs many short programs uses what they used.
fn read(stat: &str) -> Option<(i32, u64, i64)> {
    // The name in parentheses may hold anything, also parentheses and spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
    let ticks = (11..=14).try_fold(0_i64, |sum, at| sum.checked_add(number(at)?))?;
    Some((
        i32::try_from(number(2)?).ok()?,
        u64::try_from(ticks).ok()?,
        number(21)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 5 6 3 1 20 0 1 0 100 1000000 77 18446744073709551615";
        assert_eq!(read(stat), Some((42, 15, 77)));
        assert_eq!(read("7 (a"), None);
    }

    #[test]
    fn cpu_is_what_was_used_over_the_window() {
        let start = Instant::now();
        let mut history = VecDeque::from([(start, 0)]);
        let mut rate = |seconds: u64, ticks: u64| {
            let (milli, over) = rate(&mut history, ticks, start + Duration::from_secs(seconds));
            (milli, over.as_secs())
        };
        assert_eq!(rate(1, 100), (1000, 1));
        assert_eq!(rate(10, 100), (100, 10));
        assert_eq!(rate(15, 250), (166, 15));
        assert_eq!(rate(16, 250), (100, 15));
        // Whatever is lost does not count backwards.
        assert_eq!(rate(17, 0), (0, 16));
        assert!(history.len() <= 5, "{history:?}");
    }
}
