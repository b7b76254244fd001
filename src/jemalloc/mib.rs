//! From a name, or its MIB, to its row of the table.
//!
//! A MIB has one word for each component: a number as it is; for the last word the row; for the
//! others a hash. So programs may exchange the numbers in a MIB, as jemalloc(3) says.

use core::str::from_utf8;

use libc::{EINVAL, ENOENT, c_int};
use tinyalloc_alloc::CLASS_COUNT;

use super::arenas::{ALL, arena, has_number};
use super::names::{NAMES, Name, Place};
use crate::support::number::number;

/// No name has more components.
pub(super) const DEPTH_MAX: usize = 6;
/// Hashes are no numbers of rows.
const HASH_BIT: usize = 1 << 31;

/// A name with its numbers.
#[derive(Clone, Copy)]
pub(super) struct Located {
    row: &'static Name,
    place: Place,
}

impl Located {
    pub(super) const fn row(self) -> &'static Name {
        self.row
    }

    pub(super) const fn place(self) -> Place {
        self.place
    }
}

/// The numbers of a name that were met so far.
#[derive(Default)]
struct Numbers {
    place: Place,
    count: usize,
}

impl Numbers {
    fn add(&mut self, number: usize) {
        if let Some(to) = self.place.get_mut(self.count) {
            *to = number;
            self.count += 1;
        }
    }
}

pub(super) fn is_number(component: &str) -> bool {
    component.starts_with('<')
}

fn allows(component: &str, number: usize) -> Result<(), c_int> {
    let is_there = match component {
        "<a>" => return has_number(number),
        "<s>" => number == ALL || arena(number).is_some(),
        _ => number < CLASS_COUNT,
    };
    if is_there { Ok(()) } else { Err(ENOENT) }
}

/// FNV-1a.
fn hash(component: &str) -> usize {
    let hash = component.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize | HASH_BIT
}

fn matches(component: &str, text: &str, numbers: &mut Numbers) -> Result<(), c_int> {
    if !is_number(component) {
        return if component == text { Ok(()) } else { Err(ENOENT) };
    }
    let number = number(text.as_bytes()).and_then(|number| usize::try_from(number).ok()).ok_or(ENOENT)?;
    allows(component, number)?;
    numbers.add(number);
    Ok(())
}

/// Whether a text names a row, or with fewer components the beginning of one.
fn begins(row: &Name, text: &str) -> Option<(Place, usize)> {
    let (mut numbers, mut depth) = (Numbers::default(), 0);
    let mut components = row.pattern().split('.');
    for part in text.split('.') {
        matches(components.next()?, part, &mut numbers).ok()?;
        depth += 1;
    }
    Some((numbers.place, depth))
}

fn depth_of(row: &Name) -> usize {
    row.pattern().split('.').count()
}

fn find(text: &[u8]) -> Result<(usize, &'static Name, Place, usize), c_int> {
    let text = from_utf8(text).map_err(|_| ENOENT)?;
    let found = NAMES.iter().enumerate().find_map(|(number, row)| {
        let (place, depth) = begins(row, text)?;
        Some((number, row, place, depth))
    });
    found.ok_or(ENOENT)
}

/// The row of a whole name.
pub(super) fn by_name(text: &[u8]) -> Result<Located, c_int> {
    let (_, row, place, depth) = find(text)?;
    if depth == depth_of(row) { Ok(Located { row, place }) } else { Err(ENOENT) }
}

/// Hands out the MIB of a name, or of the beginning of one, word by word. Returns how many words
/// there are, with no more than fit.
pub(super) fn mib_of(text: &[u8], words_max: usize, put: &mut dyn FnMut(usize, usize)) -> Result<usize, c_int> {
    if words_max == 0 {
        return Err(EINVAL);
    }
    let (number, row, place, depth) = find(text)?;
    let words = depth.min(words_max);
    let mut numbers = place.into_iter();
    for (at, component) in row.pattern().split('.').take(words).enumerate() {
        let word = if is_number(component) {
            numbers.next().unwrap_or(0)
        } else if at + 1 == depth_of(row) {
            number
        } else {
            hash(component)
        };
        put(at, word);
    }
    Ok(words)
}

/// The row of a MIB.
pub(super) fn by_mib(mib: &[usize]) -> Result<Located, c_int> {
    let row = mib.last().and_then(|row| NAMES.get(*row)).ok_or(ENOENT)?;
    if depth_of(row) != mib.len() {
        return Err(ENOENT);
    }
    let mut numbers = Numbers::default();
    for (component, word) in row.pattern().split('.').zip(mib.iter().take(mib.len() - 1)) {
        if is_number(component) {
            allows(component, *word)?;
            numbers.add(*word);
        } else if *word != hash(component) {
            return Err(ENOENT);
        }
    }
    Ok(Located { row, place: numbers.place })
}
