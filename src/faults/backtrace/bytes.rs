//! Readers for the tables: integers as in DWARF 5, 7.6, pointers as in the Linux Standard Base,
//! Core, generic, 10.5.1.

use core::ptr::with_exposed_provenance;

/// There is no pointer.
const OMITTED: u8 = 0xff;
/// The bits that give the format.
const FORMAT: u8 = 0x0f;
/// The bits that give the base.
const BASE: u8 = 0x70;
const RELATIVE_TO_ITSELF: u8 = 0x10;

/// Invariant B1: all bytes read belong to a table of a loaded object, and the table gives its own
/// length.
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    at: *const u8,
}

impl Bytes {
    /// # Safety
    /// B1 holds for all that is read.
    pub(super) unsafe fn at(address: usize) -> Bytes {
        Bytes { at: with_exposed_provenance(address) }
    }

    pub(super) fn address(self) -> usize {
        self.at.addr()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.at.wrapping_add(bytes);
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        // SAFETY: B1.
        let array = unsafe { self.at.cast::<[u8; N]>().read() };
        self.skip(N);
        array
    }

    pub(super) fn u8(&mut self) -> u8 {
        u8::from_ne_bytes(self.array())
    }

    pub(super) fn u16(&mut self) -> usize {
        u16::from_ne_bytes(self.array()).into()
    }

    pub(super) fn u32(&mut self) -> usize {
        u32::from_ne_bytes(self.array()) as usize
    }

    pub(super) fn i32(&mut self) -> isize {
        i32::from_ne_bytes(self.array()) as isize
    }

    /// LEB128.
    #[inline(never)]
    pub(super) fn unsigned(&mut self) -> usize {
        self.leb128().0
    }

    /// LEB128 in two's complement.
    pub(super) fn signed(&mut self) -> isize {
        let (value, bits) = self.leb128();
        let unused = usize::BITS.saturating_sub(bits);
        (value.wrapping_shl(unused) as isize) >> unused
    }

    /// A number, and how many of its bits were present.
    fn leb128(&mut self) -> (usize, u32) {
        let (mut value, mut bits) = (0, 0);
        loop {
            let byte = self.u8();
            if bits < usize::BITS {
                value |= usize::from(byte & 0x7f) << bits;
            }
            bits += 7;
            if byte & 0x80 == 0 {
                return (value, bits);
            }
        }
    }

    /// A pointer in one of the encodings for code; `None` for an indirect one.
    pub(super) fn pointer(&mut self, encoding: u8) -> Option<usize> {
        if encoding == OMITTED {
            return None;
        }
        let here = self.address();
        let value = match encoding & FORMAT {
            0x00 | 0x04 | 0x0c => usize::from_ne_bytes(self.array()),
            0x01 => self.unsigned(),
            0x02 => self.u16(),
            0x03 => self.u32(),
            0x09 => self.signed() as usize,
            0x0a => isize::from(i16::from_ne_bytes(self.array())) as usize,
            0x0b => self.i32() as usize,
            _ => return None,
        };
        Some(if encoding & BASE == RELATIVE_TO_ITSELF { value.wrapping_add(here) } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    fn bytes(table: &[u8]) -> Bytes {
        // SAFETY: the tests read their own arrays.
        unsafe { Bytes::at(table.as_ptr().expose_provenance()) }
    }

    #[test]
    fn numbers_of_any_length_are_read_as_the_standard_writes_them() {
        let table = [0x02, 0xe5, 0x8e, 0x26, 0x7f, 0x80, 0x7f, 0xc0, 0xbb, 0x78, 0x3f];
        let mut bytes = bytes(&table);
        assert_eq!([bytes.unsigned(), bytes.unsigned()], [2, 624_485]);
        assert_eq!([bytes.signed(), bytes.signed(), bytes.signed(), bytes.signed()], [-1, -128, -123_456, 63]);
        assert_eq!(bytes.address(), table.as_ptr().addr() + table.len());
    }

    #[test]
    fn pointers_are_relative_to_where_they_stand_if_they_say_so() {
        let table = [0xfc, 0xff, 0xff, 0xff, 0x10, 0x00, 0x00, 0x00];
        let mut bytes = bytes(&table);
        let here = table.as_ptr().addr();
        assert_eq!(bytes.pointer(0x1b), Some(here - 4));
        assert_eq!(bytes.pointer(0x03), Some(16));
        assert_eq!(bytes.pointer(0xff), None);
    }
}
