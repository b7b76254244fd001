//! Locations that are more than a register and an offset: in functions that align their stack, and
//! in signal frames (DWARF 5, 2.5). Only the operations that compilers use there are known.

use super::bytes::Bytes;
use super::registers::COUNT;

const FOLLOW: u8 = 0x06;
const ADD: u8 = 0x23;
const REGISTER_FIRST: u8 = 0x70;
const REGISTER_LAST: u8 = 0x8f;

/// One word, of which a table of rules holds many on a stack that may be small: where the
/// expression's length is, which precedes it.
#[derive(Clone, Copy)]
pub(super) struct Expression {
    length: Bytes,
}

impl Expression {
    /// The next expression of the table.
    pub(super) fn read(bytes: &mut Bytes) -> Expression {
        let expression = Expression { length: *bytes };
        let length = bytes.unsigned();
        bytes.skip(length);
        expression
    }

    /// The address; `None` if the expression has operations other than registers, sums and loads.
    pub(super) fn value(self, registers: &[usize; COUNT], mut look: impl FnMut(usize) -> Option<usize>) -> Option<usize> {
        let mut bytes = self.length;
        let length = bytes.unsigned();
        let end = bytes.address() + length;
        let mut value = None;
        while bytes.address() < end {
            value = Some(match (bytes.u8(), value) {
                (operation @ REGISTER_FIRST..=REGISTER_LAST, None) => {
                    registers.get(usize::from(operation - REGISTER_FIRST))?.wrapping_add_signed(bytes.signed())
                }
                (FOLLOW, Some(address)) => look(address)?,
                (ADD, Some(before)) => bytes.unsigned().wrapping_add(before),
                _ => return None,
            });
        }
        value
    }
}
