//! The server on `mimalloc::MiMalloc`.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use tinyalloc_server::serve;

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    serve(&GLOBAL)
}
