//! `shipway completions`: a completion script for a shell.

use clap_complete::Shell;

use crate::console::Console;
use crate::{Failure, args};

/// Print a completion script for your shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway completions bash > /etc/bash_completion.d/shipway
  shipway completions zsh > \"${fpath[1]}/_shipway\"
  shipway completions fish > ~/.config/fish/completions/shipway.fish")]
pub(crate) struct Args {
    /// The shell to write for.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::description(), "shipway", &mut script);
    console.bytes(&script)
}
