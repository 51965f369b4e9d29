//! The processes that descend from this one, whatever groups and sessions they have made for themselves: found in
//! `/proc`, ended, buried.
//!
//! Who adopts its orphans (see [`adopt`]) has all of them below it for ever. Where there is no `/proc`, none is found.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

/// Whatever is ended may have started something a moment before; after so many looks it is faster than we are, and the
/// end of its group has to do.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(2);

/// A process as `/proc` tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    id: i32,
    parent: i32,
    dead: bool,
}

/// Has orphans among our descendants become our children, instead of the system's.
pub(super) fn adopt() {
    // Without it they are only found by their group.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(getpid()));
}

/// Ends every descendant.
pub(super) fn end() {
    for _ in 0..LOOKS {
        let all = processes();
        let living = descendants(getpid().as_raw_nonzero().get(), &all);
        let living: Vec<Process> = living.into_iter().filter(|process| !process.dead).collect();
        if living.is_empty() {
            return;
        }
        for pid in living.iter().filter_map(|process| Pid::from_raw(process.id)) {
            // It may have gone meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Buries adopted children that have ended: all but the one that somebody else waits for.
pub(super) fn bury(but: Option<Pid>) {
    let me = getpid().as_raw_nonzero().get();
    let dead = processes()
        .into_iter()
        .filter(|process| process.dead && process.parent == me);
    for pid in dead.filter_map(|process| Pid::from_raw(process.id)) {
        if Some(pid) != but {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let read = |entry: std::fs::DirEntry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        parse(id, &std::fs::read_to_string(entry.path().join("stat")).ok()?)
    };
    entries.filter_map(read).collect()
}

/// State and parent out of a `stat` (see `proc_pid_stat(5)`).
fn parse(id: i32, stat: &str) -> Option<Process> {
    // The name in parentheses may hold anything, also parentheses and spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let dead = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    Some(Process { id, parent, dead })
}

/// Those below a process.
fn descendants(root: i32, all: &[Process]) -> Vec<Process> {
    let mut known = HashSet::from([root]);
    let mut found = Vec::new();
    // Each round goes at least one generation down.
    loop {
        let fresh: Vec<Process> = all
            .iter()
            .filter(|process| known.contains(&process.parent) && !known.contains(&process.id))
            .copied()
            .collect();
        if fresh.is_empty() {
            return found;
        }
        known.extend(fresh.iter().map(|process| process.id));
        found.extend(fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_through_all_generations() {
        let of = |id, parent| Process {
            id,
            parent,
            dead: false,
        };
        let all = [of(5, 4), of(4, 2), of(3, 1), of(2, 1), of(9, 8), of(1, 0)];
        let mut ids: Vec<i32> = descendants(2, &all).iter().map(|process| process.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, [4, 5]);
        assert_eq!(
            parse(7, "7 (a) b) Z 3 7 7 0"),
            Some(Process {
                id: 7,
                parent: 3,
                dead: true
            })
        );
        assert_eq!(parse(7, "7 (a"), None);
    }
}
