//! `tinyalloc report`.

use super::convert::save;
use super::read_all;
use crate::failure::Failure;
use crate::options::Report;
use crate::report::page;
use crate::text::note_newer_files;

pub(super) fn report(options: &Report) -> Result<u8, Failure> {
    let dumps = read_all(&options.dumps)?;
    let mut symbols = options.debugging.symbols();
    let page = page(&dumps, &mut |profile, address| symbols.frames(profile, address), options.title.as_deref())?;
    note_newer_files(&symbols);
    save(&options.output, page.as_bytes())?;
    Ok(0)
}
