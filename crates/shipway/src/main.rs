//! The one binary. Everything it does is in `cli`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A cluster lives of small allocations: objects are trees of maps and texts, made and dropped by every write. The C
/// library's allocator takes a sixth more CPU time for a fleet of 50,000 pods, and a tenth more memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
