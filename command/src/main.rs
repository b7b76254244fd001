//! The command `tinyalloc`.

use std::process::ExitCode;

use clap::Parser;

use tinyalloc_command::commands::carry_out;
use tinyalloc_command::options::Options;
use tinyalloc_command::text::say;

/// The exit status of whatever could not be done.
const FAILURE: u8 = 2;

fn main() -> ExitCode {
    match carry_out(Options::parse().command) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            say(&format!("tinyalloc: {failure}\n"));
            ExitCode::from(FAILURE)
        }
    }
}
