//! The project's own chores: all of CI, the tidiness rules, the generated documents, the benchmarks.
//!
//! ```text
//! cargo xtask ci [--skip GATE]...   every gate, timed
//! cargo xtask tidy                  the rules clippy can't know
//! cargo xtask docs [--check]        generated documents
//! cargo xtask bench [NAME]          measurements, never part of a test
//! ```
//!
//! It builds in seconds on purpose: it imports `model` for the error codes and nothing else of the product.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to its terminal"
)]

mod audit;
mod bench;
mod ci;
mod clients;
mod docs;
mod fuzz;
mod kube_protobuf;
mod kube_schema;
mod parity;
mod picture;
mod stores;
mod tidy;
mod tree;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci [--skip GATE]...   run every gate and print how long each took
  tidy                  check the rules that clippy can't know
  audit                 check licences and sources of dependencies
  docs [--check]        write the generated documents, or check that they are up to date
  bench [NAME ARGS...]  run a benchmark, or list them
  fuzz [SECONDS]        hostile inputs for every reader, a minute each
  parity [ARGS...]      compare with Helm over the corpus of real charts
  clients [NAME]        real kubectl and helm against the mini cluster, and shipway in turn with helm
  picture LOG           the README's picture, from the output of `shipway tour --plain`
  stores [EVENTS]       the artifact store against S3 and SQS of moto, helm against a folder
  kube-schema [ARGS...] make the mini cluster's table of types from published packages
  kube-protobuf [ARGS...] make its table of protobuf messages from published programs";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["ci", rest @ ..] => ci::run(rest),
        ["tidy"] => tidy::run(),
        ["audit"] => audit::run(),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["bench", rest @ ..] => bench::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["kube-schema", rest @ ..] => kube_schema::run(rest),
        ["kube-protobuf", rest @ ..] => kube_protobuf::run(rest),
        ["parity", rest @ ..] => parity::run(rest),
        ["picture", log] => picture::run(log),
        ["clients", rest @ ..] => clients::run(rest),
        ["stores", rest @ ..] => stores::run(rest),
        _ => bail!("{USAGE}"),
    }
}
