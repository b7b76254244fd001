//! A stack frame: a call that has not returned, and its caller.

use core::ffi::{c_int, c_void};
use core::ptr::{null_mut, with_exposed_provenance};

use libc::{EINVAL, SYS_rt_sigprocmask, syscall};

use super::super::loaded_object::LoadedObject;
use super::expression::Expression;
use super::frame_entry::FrameEntry;
use super::registers::{COUNT, KEPT, STACK, here, plain};
use super::rule_cache::{self, ShortRules};
use super::rules::{FrameStart, Rule, Rules};
use crate::support::errno::{errno, set_errno};

/// If the tables give a larger frame, they are wrong.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The smallest page size.
const PAGE_BYTES: usize = 4096;

#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// The next instruction.
    address: usize,
    registers: [usize; COUNT],
    /// A signal interrupted the code there: the address does not follow a call.
    is_interrupted: bool,
    /// The page that was last found to be readable.
    page: usize,
}

impl Frame {
    /// The frame of the caller of this function.
    #[inline(always)]
    pub(super) fn here() -> Frame {
        let (address, registers) = here();
        Frame { address, registers, is_interrupted: true, page: registers[STACK] / PAGE_BYTES }
    }

    pub(super) fn address(&self) -> usize {
        self.address
    }

    /// The caller's frame; `None` for the first frame, and without tables for the code.
    pub(super) fn caller(&self) -> Option<Frame> {
        // The instruction after a call that never returns may belong to the next function.
        let address = if self.is_interrupted { self.address } else { self.address - 1 };
        let object = LoadedObject::around(address)?;
        let tables = object.tables();
        if tables.is_null() {
            return None;
        }
        if let Some(rules) = rule_cache::find(address, tables.addr()) {
            return self.caller_by(&rules);
        }
        // SAFETY: the tables are the object's, which stays loaded (J1).
        let entry = unsafe { FrameEntry::find(tables.addr(), address) }?;
        let rules = Rules::at(&entry, address)?;
        if !entry.is_signal()
            && let Some(short) = ShortRules::new(&rules, entry.return_register())
        {
            rule_cache::keep(address, tables.addr(), &short);
        }
        let mut caller = Frame { is_interrupted: entry.is_signal(), ..*self };
        let start = self.start(rules.start(), &mut caller.page)?;
        for (register, rule) in rules.registers().into_iter().enumerate() {
            caller.registers[register] = self.found(register, rule, start, &mut caller.page)?;
        }
        caller.returned_to(entry.return_register())
    }

    /// As [`Frame::caller`], by rules that were computed before.
    fn caller_by(&self, rules: &ShortRules) -> Option<Frame> {
        let mut caller = Frame { is_interrupted: false, ..*self };
        let start = self.start(rules.start(), &mut caller.page)?;
        for (place, register) in KEPT.into_iter().enumerate() {
            caller.registers[register] = self.found(register, rules.of_kept(place), start, &mut caller.page)?;
        }
        caller.returned_to(rules.return_register())
    }

    /// What a register was in the caller.
    fn found(&self, register: usize, rule: Rule, start: usize, page: &mut usize) -> Option<usize> {
        Some(match rule {
            Rule::Same if register == STACK => start,
            Rule::Same => self.registers[register],
            Rule::Lost => 0,
            Rule::Saved(offset) => self.look(start.wrapping_add_signed(offset), page)?,
            Rule::SavedAt(expression) => self.look(self.value(expression, page)?, page)?,
        })
    }

    fn returned_to(mut self, return_register: usize) -> Option<Frame> {
        self.address = plain(*self.registers.get(return_register)?);
        (self.address > 1).then_some(self)
    }

    /// The start of the frame, which is above its end.
    fn start(&self, start: FrameStart, page: &mut usize) -> Option<usize> {
        let start = match start {
            FrameStart::Register(register, offset) => self.registers.get(register)?.wrapping_add_signed(offset),
            FrameStart::At(expression) => self.value(expression, page)?,
        };
        (start >= self.registers[STACK]).then_some(start)
    }

    fn value(&self, expression: Expression, page: &mut usize) -> Option<usize> {
        expression.value(&self.registers, |address| self.look(address, page))
    }

    /// A word of the frame. At the end of a stack the tables may be wrong, since the code that made
    /// the stack chose the return address of its first function. So the page is tested first.
    fn look(&self, address: usize, page: &mut usize) -> Option<usize> {
        let is_inside = address.is_multiple_of(align_of::<usize>()) && address.wrapping_sub(self.registers[STACK]) < BYTES_MAX;
        if !is_inside || (address / PAGE_BYTES != *page && !is_readable(address)) {
            return None;
        }
        *page = address / PAGE_BYTES;
        // SAFETY: the kernel has read the word, or another word of its page.
        Some(unsafe { with_exposed_provenance::<usize>(address).read() })
    }
}

/// Whether the kernel can read a signal set at an address. It reads the set before it rejects the
/// request.
fn is_readable(address: usize) -> bool {
    let (nothing, none): (c_int, *mut c_void) = (-1, null_mut());
    let before = errno();
    // SAFETY: changes nothing.
    let status = unsafe { syscall(SYS_rt_sigprocmask, nothing, address, none, size_of::<usize>()) };
    let is_readable = status == -1 && errno() == EINVAL;
    set_errno(before);
    is_readable
}
