//! The server on `tikv_jemallocator::Jemalloc`.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;
use tinyalloc_server::serve;

#[global_allocator]
static GLOBAL: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    serve(&GLOBAL)
}
