//! The commands, one file each.

pub(crate) mod artifact;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod controller;
pub(crate) mod crds;
pub(crate) mod delivery;
pub(crate) mod explain;
mod host;
pub(crate) mod lint;
mod loading;
pub(crate) mod new;
pub(crate) mod package;
pub(crate) mod pod;
pub(crate) mod release;
mod runtime;
pub(crate) mod template;
pub(crate) mod tenant;
pub(crate) mod tour;
mod unpacked;
pub(crate) mod up;
mod values;
pub(crate) mod verdict;
pub(crate) mod verify;
pub(crate) mod version;

use crate::args::Command;
use crate::console::Console;
use crate::{Failure, Outcome, reference};

/// Runs the command that was asked for.
pub(crate) fn run(command: Command, console: &mut Console) -> Result<Outcome, Failure> {
    match command {
        Command::Explain(args) => explain::run(&args, console),
        Command::Crds(args) => crds::run(&args, console),
        Command::Completions(args) => completions::run(&args, console),
        Command::Template(args) => template::run(&args, console),
        Command::Lint(args) => return lint::run(&args, console),
        Command::New(args) => return new::run(&args, console),
        Command::Install(args) => release::install::run(&args, console),
        Command::Upgrade(args) => release::upgrade::run(&args, console),
        Command::Diff(args) => return release::diff::run(&args, console),
        Command::Rollback(args) => release::rollback::run(&args, console),
        Command::Uninstall(args) => release::uninstall::run(&args, console),
        Command::Test(args) => release::test::run(&args, console),
        Command::History(args) => release::history::run(&args, console),
        Command::List(args) => release::list::run(&args, console),
        Command::Status(args) => release::status::run(&args, console),
        Command::Get(args) => release::get::run(&args, console),
        Command::Package(args) => package::run(&args, console),
        Command::Promote(args) => delivery::promote::run(&args, console),
        Command::Approve(args) => delivery::approve::run(&args, console),
        Command::Reject(args) => delivery::reject::run(&args, console),
        Command::Abort(args) => delivery::abort::run(&args, console),
        Command::Retry(args) => delivery::retry::run(&args, console),
        Command::Hold(args) => delivery::hold::run(&args, console),
        Command::Freeze(args) => delivery::freeze::run(&args, console),
        Command::Block(args) => delivery::block::run(&args, console),
        Command::Stats(args) => delivery::stats::run(&args, console),
        Command::Audit(args) => delivery::audit::run(&args, console),
        Command::Token(args) => delivery::token::run(&args, console),
        Command::Artifact(args) => artifact::run(&args, console),
        Command::Cluster(args) => cluster::run(&args, console),
        Command::Controller(args) => controller::run(&args, console),
        Command::Tenant(args) => return tenant::run(&args, console),
        Command::Verdict(args) => return verdict::run(&args, console),
        Command::Verify(args) => return verify::run(&args, console),
        Command::Tour(args) => tour::run(&args, console),
        Command::Up(args) => up::run(&args, console),
        Command::Version(args) => version::run(&args, console),
        Command::PodProcess(args) => return pod::keep(&args),
        Command::PodEcho => pod::echo(),
        Command::Reference(args) => reference::run(&args, console),
    }
    .map(|()| Outcome::Done)
}
