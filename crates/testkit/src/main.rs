//! `cargo run --release -p testkit -- TARGET SECONDS SEEDS [SEED]`: hostile inputs for one reader.
//!
//! Ends with success when the time is over. A panic or an input that takes too long ends it with a failure, and the
//! input is left in `target/fuzz/`. `cargo xtask fuzz` runs every target with bounded memory.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to its terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use testkit::mutate::Mutator;
use testkit::target::{TARGETS, seeds};

/// An input of at most 64 KiB that takes this long has found something quadratic or worse.
const TOO_LONG: Duration = Duration::from_secs(10);

/// What runs now, for the thread that watches.
type Running = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (name, seconds, folder, seed) = match args.as_slice() {
        [name, seconds, folder] => (name, seconds, folder, "1"),
        [name, seconds, folder, seed] => (name, seconds, folder, seed.as_str()),
        _ => return usage(),
    };
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        return usage();
    };
    let (Ok(seconds), Ok(seed)) = (seconds.parse::<u64>(), seed.parse::<u64>()) else {
        return usage();
    };
    let running = Running::default();
    watch(Arc::clone(&running), name.clone());
    let mut mutator = Mutator::new(seeds(target, Path::new(folder)), seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut inputs = 0u64;
    while Instant::now() < until {
        let input = mutator.next_input();
        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), input.clone()));
        if std::panic::catch_unwind(|| (target.run)(&input)).is_err() {
            eprintln!(
                "fuzz {name}: a panic on input {inputs} of seed {seed}, kept in {}",
                keep(name, &input).display()
            );
            return ExitCode::FAILURE;
        }
        inputs += 1;
    }
    println!("fuzz {name}: {inputs} inputs in {seconds} s, seed {seed}: no panic, no hang");
    ExitCode::SUCCESS
}

/// Ends the process when one input takes too long.
fn watch(running: Running, name: String) {
    std::thread::spawn(move || {
        loop {
            std::thread::park_timeout(Duration::from_secs(1));
            let stuck = running.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some((since, input)) = stuck.filter(|(since, _)| since.elapsed() > TOO_LONG) {
                eprintln!(
                    "fuzz {name}: {:?} on one input, kept in {}",
                    since.elapsed(),
                    keep(&name, &input).display()
                );
                std::process::exit(1);
            }
        }
    });
}

/// Writes an input down, so that it can be run again and become a test.
fn keep(name: &str, input: &[u8]) -> PathBuf {
    let path = PathBuf::from(format!("target/fuzz/{name}"));
    let _ = std::fs::create_dir_all("target/fuzz");
    if let Err(error) = std::fs::write(&path, input) {
        eprintln!("can't keep the input: {error}");
    }
    path
}

fn usage() -> ExitCode {
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    eprintln!(
        "usage: fuzz TARGET SECONDS SEEDS [SEED], where TARGET is one of {}",
        names.join(", ")
    );
    ExitCode::FAILURE
}
