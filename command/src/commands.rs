//! The subcommands.

mod check;
mod convert;
mod dump;
mod heaps;
mod lists;
mod program;
mod report;
mod residence;
mod run;
mod sites;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::options::Command;
use crate::profile::Profile;

/// The exit status of a profile that exceeds its limits.
const EXCESS: u8 = 1;

/// Does what the user wants; the exit status.
///
/// # Errors
/// What prevented it: the exit status is 2 then.
pub fn carry_out(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Sites(options) => sites::list(&options),
        Command::Convert(options) => convert::convert(&options),
        Command::Diff(options) => lists::diff(&options),
        Command::Leaks(options) => lists::leaks(&options),
        Command::Check(options) => check::check(&options),
        Command::Report(options) => report::report(&options),
        Command::Heaps(options) => heaps::list(&options),
        Command::Run(options) => run::run(&options),
        Command::Dump(options) => dump::dump(&options),
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Profile>, Failure> {
    paths.iter().map(|path| Profile::read(path)).collect()
}
