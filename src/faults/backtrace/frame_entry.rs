//! The table entry of a function: `.eh_frame_hdr` and `.eh_frame` (Linux Standard Base, Core,
//! generic, 10.6).

use core::ops::Range;

use super::bytes::Bytes;

/// A sorted table of 4-byte offsets from the index, which is the form that every linker writes.
const SORTED_TABLE: u8 = 0x3b;
const TABLE_ENTRY_BYTES: usize = 8;
/// The mark of an entry longer than 4 GiB, which no compiler writes.
const EXTENDED_LENGTH: usize = 0xffff_ffff;

/// The entry of a function, and the part that it shares with others.
pub(super) struct FrameEntry {
    start: usize,
    program: Range<usize>,
    common: Common,
}

/// The part that several entries share.
#[derive(Default)]
struct Common {
    program: Range<usize>,
    code_align: usize,
    data_align: isize,
    return_register: usize,
    is_signal: bool,
    encoding: u8,
    has_augmentation: bool,
}

impl FrameEntry {
    /// The entry for the code at an address; `None` if there is none.
    ///
    /// # Safety
    /// `index` is a loaded object's `.eh_frame_hdr`.
    pub(super) unsafe fn find(index: usize, address: usize) -> Option<FrameEntry> {
        // SAFETY: the caller's promise (B1).
        let mut bytes = unsafe { Bytes::at(index) };
        let [version, table_pointer, count, table] = [(); 4].map(|()| bytes.u8());
        if version != 1 || table != SORTED_TABLE {
            return None;
        }
        bytes.pointer(table_pointer)?;
        let count = bytes.pointer(count)?;
        let pair = |number: usize| {
            let mut bytes = bytes;
            bytes.skip(number * TABLE_ENTRY_BYTES);
            (index.wrapping_add_signed(bytes.i32()), index.wrapping_add_signed(bytes.i32()))
        };
        let (mut first, mut end) = (0, count);
        while end > first + 1 {
            let middle = first.midpoint(end);
            *(if pair(middle).0 <= address { &mut first } else { &mut end }) = middle;
        }
        (count > 0)
            .then(|| FrameEntry::read(pair(first).1))
            .flatten()
            .filter(|(_, code)| code.contains(&address))
            .map(|found| found.0)
    }

    /// The start of the function.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The instructions for the rules at the function's start, and those that change the rules from
    /// there on.
    pub(super) fn programs(&self) -> [Range<usize>; 2] {
        [self.common.program.clone(), self.program.clone()]
    }

    /// The unit of distances between instructions.
    pub(super) fn code_align(&self) -> usize {
        self.common.code_align
    }

    /// The unit of distances on the stack.
    pub(super) fn data_align(&self) -> isize {
        self.common.data_align
    }

    /// The number of the register, or pseudo-register, that holds the return address.
    pub(super) fn return_register(&self) -> usize {
        self.common.return_register
    }

    /// Whether this is a signal frame, so that the caller was interrupted and made no call.
    pub(super) fn is_signal(&self) -> bool {
        self.common.is_signal
    }

    /// The entry, and the range of its code.
    fn read(address: usize) -> Option<(FrameEntry, Range<usize>)> {
        // SAFETY: the address is from the table of entries (B1).
        let mut bytes = unsafe { Bytes::at(address) };
        let end = end_of_entry(&mut bytes)?;
        let here = bytes.address();
        let common = Common::read(here.wrapping_sub(bytes.u32()))?;
        let start = bytes.pointer(common.encoding)?;
        let code_bytes = bytes.pointer(common.encoding & 0x0f)?;
        if common.has_augmentation {
            let skipped = bytes.unsigned();
            bytes.skip(skipped);
        }
        Some((FrameEntry { start, program: bytes.address()..end, common }, start..start.wrapping_add(code_bytes)))
    }
}

impl Common {
    fn read(address: usize) -> Option<Common> {
        // SAFETY: the address is from an entry (B1).
        let mut bytes = unsafe { Bytes::at(address) };
        let end = end_of_entry(&mut bytes)?;
        bytes.u32();
        let version = bytes.u8();
        let mut letters = bytes;
        while bytes.u8() != 0 {}
        if version == 4 {
            bytes.skip(2);
        }
        let mut common = Common { code_align: bytes.unsigned(), data_align: bytes.signed(), ..Common::default() };
        common.return_register = if version == 1 { bytes.u8().into() } else { bytes.unsigned() };
        match letters.u8() {
            0 => {}
            b'z' => common.read_augmentation(letters, &mut bytes)?,
            _ => return None,
        }
        common.program = bytes.address()..end;
        Some(common)
    }

    fn read_augmentation(&mut self, mut letters: Bytes, bytes: &mut Bytes) -> Option<()> {
        self.has_augmentation = true;
        let length = bytes.unsigned();
        let mut data = *bytes;
        bytes.skip(length);
        loop {
            match letters.u8() {
                0 => return Some(()),
                b'R' => self.encoding = data.u8(),
                b'L' => drop(data.u8()),
                b'P' => {
                    let encoding = data.u8();
                    data.pointer(encoding)?;
                }
                b'S' => self.is_signal = true,
                b'B' => {}
                _ => return None,
            }
        }
    }
}

/// The end of an entry that begins here.
fn end_of_entry(bytes: &mut Bytes) -> Option<usize> {
    let length = bytes.u32();
    let is_entry = length != 0 && length != EXTENDED_LENGTH;
    is_entry.then(|| bytes.address() + length)
}
