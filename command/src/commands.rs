//! The subcommands.

mod check;
mod convert;
mod dump;
mod heaps;
mod lists;
mod process;
mod program;
mod report;
mod request;
mod residence;
mod run;
mod sites;
mod top;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::options::Command;
use crate::profile::Profile;
use crate::progress::Progress;

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
        Command::Top(options) => top::top(&options),
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Profile>, Failure> {
    let mut progress = Progress::new();
    let mut profiles = Vec::new();
    for path in paths {
        progress.step(format_args!("{} of {} profiles read", profiles.len(), paths.len()));
        profiles.push(Profile::read(path)?);
    }
    Ok(profiles)
}
