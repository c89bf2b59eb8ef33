//! The binary: runs the command line and passes its exit status on.

use std::process::ExitCode;

fn main() -> ExitCode {
    cos_emu::cli::run()
}
