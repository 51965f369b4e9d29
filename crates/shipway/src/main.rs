//! The one binary. Everything it does is in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
