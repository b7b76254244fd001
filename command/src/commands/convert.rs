//! `tinyalloc convert`.

use std::fs::{metadata, remove_file, write};
use std::io::{Write, stdout};
use std::path::Path;

use crate::convert::{collapsed, dhat, pprof};
use crate::failure::Failure;
use crate::options::{Convert, Format};
use crate::profile::{By, Profile};
use crate::symbols::Symbols;
use crate::text::note_files;

pub(super) fn convert(options: &Convert) -> Result<u8, Failure> {
    let profile = Profile::read(&options.dump)?;
    let mut symbols = options.debugging.symbols()?;
    let by = By::from(options.by);
    profile.check(by)?;
    if (options.to, by) == (Format::Dhat, By::Pinned) {
        return Err(Failure::new("the format dhat has no place for pinned memory: collapsed and pprof have"));
    }
    let bytes = match options.to {
        Format::Pprof => pprof::file(&profile, &mut symbols, by),
        Format::Dhat => dhat::file(&profile, &mut symbols).into_bytes(),
        Format::Collapsed => collapsed::file(&profile, &mut symbols, by).into_bytes(),
    };
    save_with_notes(&options.output, &bytes, &mut symbols)?;
    Ok(0)
}

/// Writes a file, or to standard output, and then what the user should know of the sources.
pub(super) fn save_with_notes(path: &Path, bytes: &[u8], symbols: &mut Symbols) -> Result<(), Failure> {
    symbols.clear_progress();
    save(path, bytes)?;
    note_files(symbols);
    Ok(())
}

/// Half of a file is not left behind.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path == Path::new("-") {
        let mut out = stdout().lock();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        return written.map_err(|error| Failure::of_system(Path::new("standard output"), &error));
    }
    let was_there = metadata(path).is_ok();
    write(path, bytes).map_err(|error| {
        if !was_there {
            // The failure to write is what the user hears of.
            remove_file(path).ok();
        }
        Failure::of_system(path, &error)
    })
}
