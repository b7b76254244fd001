//! The server on `std::alloc::System`.

use std::process::ExitCode;

use std::alloc::System;
use tinyalloc_server::serve;

#[global_allocator]
static GLOBAL: System = System;

fn main() -> ExitCode {
    serve(&GLOBAL)
}
