//! The other half of process pods, for the tests: what `shipway pod-process` and `shipway pod-echo` are for users.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use minicluster::node::{echo, keeper};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == "pod-echo") {
        let served = echo::serve(&std::env::vars().collect());
        return match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // Nobody is left to be told when this fails.
                let _ = writeln!(std::io::stderr(), "error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let after = |flag: &str| {
        let at = args.iter().position(|arg| arg == flag);
        at.and_then(|at| args.get(at + 1)).map(Path::new)
    };
    let words = args
        .iter()
        .position(|arg| arg == "--")
        .map_or(&[][..], |at| &args[at + 1..]);
    let kept = after("--lifeline").map(|lifeline| keeper::keep(lifeline, after("--terminal"), words));
    match kept {
        Some(Ok(code)) => ExitCode::from(code),
        _ => ExitCode::FAILURE,
    }
}
