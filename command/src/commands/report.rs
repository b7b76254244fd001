//! `tinyalloc report`.

use super::convert::save_with_notes;
use super::read_all;
use crate::failure::Failure;
use crate::options::Report;
use crate::report::page;

pub(super) fn report(options: &Report) -> Result<u8, Failure> {
    let dumps = read_all(&options.dumps)?;
    let mut symbols = options.debugging.symbols()?;
    let page = page(&dumps, &mut |profile, address| symbols.frames(profile, address), options.title.as_deref())?;
    save_with_notes(&options.output, page.as_bytes(), &mut symbols)?;
    Ok(0)
}
