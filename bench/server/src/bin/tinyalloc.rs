//! The server on `tinyalloc::TinyAlloc`.

use std::process::ExitCode;

use tinyalloc::TinyAlloc;
use tinyalloc_server::serve;

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

fn main() -> ExitCode {
    serve(&GLOBAL)
}
