//! `cargo run -p tinyalloc-header`: writes include/tinyalloc.h.

use std::fs::write;
use std::path::Path;
use std::process::ExitCode;

use tinyalloc_header::{HEADER, header};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let written = header(&root).and_then(|text| write(root.join(HEADER), text).map_err(|error| error.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
