//! Which process this is, in words by which another one on the same machine can tell whether it still runs.
//!
//! A run that was killed holds its release until its time is over; the next one need not wait when it can see that the
//! first is gone. It is sure only of a process that it would see if it were there: of the same host name, the same boot of
//! the kernel, the same namespace of processes and the same user. Of any other, and where /proc is not there or hides
//! processes, it says nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Between the parts; none of them has one.
const BETWEEN: char = '/';

/// This process: host, boot, namespace of processes, user, number, and when it started. Empty if the system does not tell.
pub(crate) fn own() -> String {
    let pid = std::process::id();
    match (place(), started(pid)) {
        (Some(place), Some(started)) => format!("{place}{BETWEEN}{pid}{BETWEEN}{started}"),
        _ => String::new(),
    }
}

/// Whether a process, in the words of [`own`], has ended for sure.
pub(crate) fn is_gone(process: &str) -> bool {
    let Some((rest, began)) = process.rsplit_once(BETWEEN) else {
        return false;
    };
    let Some((place_of, pid)) = rest.rsplit_once(BETWEEN) else {
        return false;
    };
    let (Ok(pid), Ok(began)) = (pid.parse::<u32>(), began.parse::<u64>()) else {
        return false;
    };
    // The first process is always there, so whoever does not see it may not see others.
    let sees_all = || started(1).is_some();
    // A number that is used again belongs to a process that started later.
    place().is_some_and(|place| place == place_of) && sees_all() && started(pid) != Some(began)
}

/// Where numbers of processes mean what they mean here.
fn place() -> Option<String> {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().replace(BETWEEN, "");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let user = fs::metadata("/proc/self").ok()?.uid();
    let parts = [
        &host,
        boot.trim(),
        &namespace.to_string_lossy(),
        &user.to_string(),
    ];
    Some(parts.join(&BETWEEN.to_string()))
}

/// When a process started, in ticks since the boot; `None` if it has ended.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, in which anything may stand.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    // One that has ended and whose parent has not looked yet does nothing any more.
    let state = fields.next().filter(|state| !["Z", "X"].contains(state));
    state.and(fields.nth(18)?.parse().ok())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// The words for a process of this place.
    fn words(pid: u32) -> String {
        let started = started(pid).expect("it runs");
        format!("{}{BETWEEN}{pid}{BETWEEN}{started}", place().expect("a place"))
    }

    #[test]
    fn a_process_is_gone_once_it_has_ended() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat can be run");
        let words = words(child.id());
        assert!(!is_gone(&words), "{words}");
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        assert!(is_gone(&words), "{words}");
    }

    #[test]
    fn a_process_that_has_ended_and_is_not_looked_after_is_gone() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cat can be run");
        let words = words(child.id());
        drop(child.stdin.take());
        // Its output ends with it; a moment later it has ended.
        let mut out = child.stdout.take().expect("it is piped");
        std::io::Read::read_to_end(&mut out, &mut Vec::new()).expect("it can be read");
        while !is_gone(&words) {
            std::thread::yield_now();
        }
        child.wait().expect("it ends");
    }

    #[test]
    fn nobody_is_gone_of_whom_that_is_not_sure() {
        let own = own();
        assert!(!own.is_empty());
        let foreign = own.replacen(&place().expect("a place"), "other/boot/pid:[1]/0", 1);
        for words in [&own, &foreign, "", "a", "a/b", "a/b/c", "///"] {
            assert!(!is_gone(words), "{words}");
        }
        // The number is used again.
        let (rest, _) = own.rsplit_once(BETWEEN).expect("it has parts");
        assert!(is_gone(&format!("{rest}{BETWEEN}1")));
    }
}
