//! Build-ids of the files that are mapped, as they are in memory: a file may have been replaced or
//! removed since it was mapped.
//!
//! The kernel reads the headers for us: without a lock of the loader's, a library may be unloaded
//! meanwhile.

use core::fmt::Formatter;
use core::ptr::without_provenance_mut;

use libc::{PT_NOTE, SYS_process_vm_readv, c_void, getpid, iovec, syscall};

/// What is read at once: a header of a file, one of a segment, or a note. Both platforms have the
/// byte order of the constants.
type Words = [usize; 8];

const LOW: usize = 0xffff_ffff;
/// "\x7fELF".
const MAGIC: usize = 0x464c_457f;
const SEGMENT_BYTES: usize = 56;
/// A segment with notes.
const NOTES: usize = PT_NOTE as usize;
/// All notes of a file are in fewer bytes than this.
const NOTES_BYTES: usize = 4096;
const NOTE_HEADER_BYTES: usize = 12;
/// The type of the note, and the name "GNU".
const BUILD_ID: usize = 3 | 0x55_4e47 << 32;
/// What is read of a note behind its header and name.
const BUILD_ID_BYTES_MAX: usize = 48;

/// Writes a line for what is mapped to an address, if it is a file from its beginning, with a
/// build-id. The writer never fails.
#[inline]
pub(super) fn write_module(start: usize, out: &mut Formatter<'_>) {
    let mut words = [0; 8];
    if !find_build_id(start, &mut words) {
        return;
    }
    let _ = write!(out, "{{\"module\":{{\"start\":{start},\"build_id\":\"");
    for place in 0..(words[0] >> 32).min(BUILD_ID_BYTES_MAX) {
        let _ = write!(out, "{:02x}", words[2 + place / 8] >> (place % 8 * 8) & 0xff);
    }
    let _ = out.write_str("\"}}\n");
}

/// The note with the build-id of a file that is mapped to an address.
#[inline]
fn find_build_id(start: usize, words: &mut Words) -> bool {
    if !read(start, words) || words[0] & LOW != MAGIC {
        return false;
    }
    let mut segment = start.wrapping_add(words[4]);
    for _ in 0..words[7] & 0xffff {
        if !read(segment, words) {
            return false;
        }
        if words[0] & LOW == NOTES && find_note(start.wrapping_add(words[1]), words[4], words) {
            return true;
        }
        segment = segment.wrapping_add(SEGMENT_BYTES);
    }
    false
}

#[inline]
fn find_note(mut at: usize, bytes: usize, words: &mut Words) -> bool {
    let end = at.wrapping_add(bytes % NOTES_BYTES);
    while at < end && read(at, words) {
        if words[1] == BUILD_ID {
            return true;
        }
        let padded = |bytes: usize| ((bytes & LOW) + 3) & !3;
        at = at.wrapping_add(NOTE_HEADER_BYTES + padded(words[0]) + padded(words[0] >> 32));
    }
    false
}

/// Words of this process's memory; false if not all of them are there.
#[inline(never)]
fn read(address: usize, words: &mut Words) -> bool {
    let bytes = size_of_val(words);
    let here = iovec { iov_base: words.as_mut_ptr().cast::<c_void>(), iov_len: bytes };
    let there = iovec { iov_base: without_provenance_mut(address), iov_len: bytes };
    // SAFETY: always succeeds.
    let process = unsafe { getpid() };
    // SAFETY: there is that much room here; the kernel checks what it reads.
    let read = unsafe { syscall(SYS_process_vm_readv, process, &raw const here, 1_usize, &raw const there, 1_usize, 0_usize) };
    usize::try_from(read) == Ok(bytes)
}
