//! A call that has not returned: where it is, and who made it.

use core::ptr::with_exposed_provenance;

use super::expression::Expression;
use super::frame_entry::FrameEntry;
use super::registers::{COUNT, STACK, here, plain};
use super::rules::{FrameStart, Rule, Rules};
use crate::object::Object;

/// A frame that is said to be larger is one that the tables are wrong about.
const BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// The instruction that comes next.
    address: usize,
    registers: [usize; COUNT],
    /// It stands where a signal struck, not behind a call.
    is_interrupted: bool,
}

impl Frame {
    /// That of the function that asks.
    #[inline(always)]
    pub(super) fn here() -> Frame {
        let (address, registers) = here();
        Frame { address, registers, is_interrupted: true }
    }

    pub(super) fn address(&self) -> usize {
        self.address
    }

    /// The frame of who called; `None` for the first one, and where the tables do not tell.
    pub(super) fn caller(&self) -> Option<Frame> {
        // What comes behind a call that never returns may be another function's.
        let address = if self.is_interrupted { self.address } else { self.address - 1 };
        let object = Object::around(address)?;
        let tables = object.tables();
        if tables.is_null() {
            return None;
        }
        // SAFETY: the tables are the object's, which stays loaded (J1).
        let entry = unsafe { FrameEntry::find(tables.addr(), address) }?;
        let rules = Rules::at(&entry, address)?;
        let start = self.start(&rules)?;
        let mut caller = Frame { registers: [0; COUNT], is_interrupted: entry.is_signal(), ..*self };
        for (register, rule) in rules.registers().enumerate() {
            caller.registers[register] = match rule {
                Rule::Same if register == STACK => start,
                Rule::Same => self.registers[register],
                Rule::Lost => 0,
                Rule::Saved(offset) => self.look(start.wrapping_add_signed(offset))?,
                Rule::SavedAt(expression) => self.look(self.value(expression)?)?,
            };
        }
        caller.address = plain(*caller.registers.get(entry.return_register())?);
        (caller.address > 1).then_some(caller)
    }

    /// Where the frame starts, which is above where it ends.
    fn start(&self, rules: &Rules) -> Option<usize> {
        let start = match rules.start() {
            FrameStart::Register(register, offset) => self.registers.get(register)?.wrapping_add_signed(offset),
            FrameStart::At(expression) => self.value(expression)?,
        };
        (start >= self.registers[STACK]).then_some(start)
    }

    fn value(&self, expression: Expression) -> Option<usize> {
        expression.value(&self.registers, |address| self.look(address))
    }

    /// A word of the frame.
    fn look(&self, address: usize) -> Option<usize> {
        let is_inside = address.is_multiple_of(align_of::<usize>()) && address.wrapping_sub(self.registers[STACK]) < BYTES_MAX;
        // SAFETY: whatever lies between a live frame's end and its start is stack, and the tables name no other word.
        is_inside.then(|| unsafe { with_exposed_provenance::<usize>(address).read() })
    }
}
