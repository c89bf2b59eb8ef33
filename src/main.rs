//! The binary: chooses where memory comes from, runs the command line and passes its exit status on.

use std::process::ExitCode;

/// What is stored lies for long between what a request needs for a moment. jemalloc keeps sizes apart, so that pages become
/// free as a whole: 100,000 objects of 1 KiB take a fifth of what they take with the allocator of glibc.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Gives free pages back also when nothing is asked. Where there is no such thread it happens as soon as something is.
    #[cfg(not(target_env = "msvc"))]
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
    cos_emu::cli::run()
}
