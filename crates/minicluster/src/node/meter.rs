//! What processes use, read from `/proc`, and the end of those that use more memory than they may.
//!
//! One look at all processes serves all containers. Where there is no `/proc` nothing is known, and nothing enforced.

use std::collections::HashMap;
use std::time::Duration;

use super::runs::{Runs, Usage};

/// Memory is looked at this often: a process that grows faster is caught late.
const EVERY: Duration = Duration::from_millis(500);

/// As Linux has it for everything that user programs see.
const TICKS_PER_SECOND: u64 = 100;

/// Ticks of CPU and bytes of memory.
type Total = (u64, i64);

/// Measures until the task is dropped.
pub(crate) async fn measure(runs: Runs) {
    let page = i64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let mut before: HashMap<i32, u64> = HashMap::new();
    let mut last = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(EVERY).await;
        let running = runs.running();
        if running.is_empty() {
            before.clear();
            continue;
        }
        let Ok(totals) = tokio::task::spawn_blocking(move || totals(page)).await else {
            return;
        };
        let passed = u64::try_from(last.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        last = tokio::time::Instant::now();
        let mut now = HashMap::new();
        for run in running {
            let group = run.group.id();
            let Some((ticks, bytes)) = totals.get(&group).copied() else {
                continue;
            };
            let used = ticks.saturating_sub(before.get(&group).copied().unwrap_or(ticks));
            let milli = used.saturating_mul(1_000_000 / TICKS_PER_SECOND) / passed;
            let cpu_milli = i64::try_from(milli).unwrap_or(i64::MAX);
            runs.measured(&run, Usage { cpu_milli, bytes });
            now.insert(group, ticks);
        }
        before = now;
    }
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

/// Group, ticks and resident pages out of a `stat` (see `proc_pid_stat(5)`).
fn read(stat: &str) -> Option<(i32, u64, i64)> {
    // The name in parentheses may hold anything, also parentheses and spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
    let ticks = number(11)?.checked_add(number(12)?)?;
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
        let stat = "7 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 5 6 0 0 20 0 1 0 100 1000000 77 18446744073709551615";
        assert_eq!(read(stat), Some((42, 11, 77)));
        assert_eq!(read("7 (a"), None);
    }
}
