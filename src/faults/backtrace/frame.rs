//! A stack frame: a call that has not returned, and its caller.

use core::ffi::{c_int, c_void};
use core::mem::take;
use core::ops::Range;
use core::ptr::{null_mut, with_exposed_provenance};

use libc::{EINVAL, SYS_rt_sigprocmask, syscall};

use super::super::loaded_object::LoadedObject;
use super::expression::Expression;
use super::frame_entry::FrameEntry;
use super::registers::{COUNT, KEPT, STACK, TRAMPOLINE, here, plain};
use super::rule_cache::{self, ShortRules};
use super::rules::{FrameStart, Rule, Rules};
use crate::support::errno::{errno, set_errno};

/// If the tables give a larger frame, they are wrong.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The smallest page size.
const PAGE_BYTES: usize = 4096;

/// A frame, on the way from the innermost one to the first.
pub(super) struct Frame {
    /// The next instruction.
    address: usize,
    registers: [usize; COUNT],
    /// Where the registers are that a call saved, and that were not needed yet; 0 for the others.
    saved_at: [usize; COUNT],
    /// A signal interrupted the code there: the address does not follow a call.
    is_interrupted: bool,
    /// The page that was last found to be readable.
    page: usize,
    object: LastObject,
}

/// The object that the last address belongs to, and its tables: the next one mostly does, too.
struct LastObject {
    range: Range<usize>,
    tables: usize,
}

impl LastObject {
    const NONE: LastObject = LastObject { range: 0..0, tables: 0 };

    /// The tables for the code at an address; `None` without any.
    fn tables(&mut self, address: usize) -> Option<usize> {
        if !self.range.contains(&address) {
            let object = LoadedObject::around(address)?;
            *self = LastObject { range: object.range(), tables: object.tables().addr() };
        }
        (self.tables != 0).then_some(self.tables)
    }
}

impl Frame {
    /// The frame of the caller of this function.
    #[inline(always)]
    pub(super) fn here() -> Frame {
        let (address, registers) = here();
        let page = registers[STACK] / PAGE_BYTES;
        Frame { address, registers, saved_at: [0; COUNT], is_interrupted: true, page, object: LastObject::NONE }
    }

    pub(super) fn address(&self) -> usize {
        self.address
    }

    /// Becomes the frame of its caller; `None` if it is the first one, or there are no tables for
    /// its code: it is not to be used any more then.
    pub(super) fn climb(&mut self) -> Option<()> {
        // The instruction after a call that never returns may belong to the next function.
        let address = if self.is_interrupted { self.address } else { self.address - 1 };
        let Some(tables) = self.object.tables(address) else {
            return self.climb_signal();
        };
        match rule_cache::find(address, tables) {
            Some(rules) => self.climb_by(&rules),
            None => self.climb_by_tables(address, tables),
        }
    }

    #[cold]
    #[inline(never)]
    fn climb_by_tables(&mut self, address: usize, tables: usize) -> Option<()> {
        // SAFETY: the tables are the object's, which stays loaded (J1).
        let entry = unsafe { FrameEntry::find(tables, address) }?;
        if entry.is_signal() && self.climb_signal().is_some() {
            return Some(());
        }
        let rules = Rules::at(&entry, address)?;
        if !entry.is_signal() {
            if let Some(short) = ShortRules::new(&rules, entry.return_register()) {
                rule_cache::keep(address, tables, &short);
            }
        }
        self.read_saved()?;
        let (start, mut registers) = (self.start(rules.start())?, self.registers);
        for (register, rule) in rules.registers().into_iter().enumerate() {
            registers[register] = self.found(register, rule, start)?;
        }
        self.registers = registers;
        self.is_interrupted = entry.is_signal();
        self.return_to(entry.return_register())
    }

    /// Becomes the frame that a signal interrupted, if this is that of the code that ends the
    /// handler.
    #[cold]
    #[inline(never)]
    fn climb_signal(&mut self) -> Option<()> {
        let trampoline = TRAMPOLINE?;
        if !trampoline.begins_with(self.code()?) {
            return None;
        }
        let stack = self.registers[STACK];
        let (start, address) = (stack.wrapping_add(trampoline.registers_at()), stack.wrapping_add(trampoline.address_at()));
        let address = self.look(address)?;
        let mut registers = [0; COUNT];
        for (number, register) in registers.iter_mut().enumerate() {
            *register = self.look(start.wrapping_add(number * size_of::<usize>()))?;
        }
        (self.registers, self.saved_at) = (registers, [0; COUNT]);
        (self.address, self.is_interrupted) = (address, true);
        (address > 1).then_some(())
    }

    /// The next two instructions.
    fn code(&self) -> Option<[u32; 2]> {
        // SAFETY: the kernel has read them.
        is_readable(self.address).then(|| unsafe { with_exposed_provenance::<[u32; 2]>(self.address).read_unaligned() })
    }

    /// As [`Frame::climb`], by rules that were computed before.
    fn climb_by(&mut self, rules: &ShortRules) -> Option<()> {
        let start = self.start(rules.start())?;
        let mut stack = start;
        rules.each_change(|place, offset| {
            let register = *KEPT.get(place)?;
            let saved_at = match offset {
                Some(offset) => self.word_at(start.wrapping_add_signed(offset))?,
                None => 0,
            };
            match register {
                STACK => stack = self.look(saved_at)?,
                _ => (self.saved_at[register], self.registers[register]) = (saved_at, 0),
            }
            Some(())
        })?;
        self.registers[STACK] = stack;
        self.is_interrupted = false;
        self.return_to(rules.return_register())
    }

    /// Reads every register that is saved.
    fn read_saved(&mut self) -> Option<()> {
        (0..COUNT).try_for_each(|register| self.register(register).map(drop))
    }

    fn register(&mut self, register: usize) -> Option<usize> {
        let saved_at = self.saved_at.get_mut(register).map(take)?;
        if saved_at > 0 {
            self.registers[register] = self.read(saved_at)?;
        }
        self.registers.get(register).copied()
    }

    /// What a register was in the caller.
    fn found(&mut self, register: usize, rule: Rule, start: usize) -> Option<usize> {
        Some(match rule {
            Rule::Same if register == STACK => start,
            Rule::Same => self.registers[register],
            Rule::Lost => 0,
            Rule::Saved(offset) => self.look(start.wrapping_add_signed(offset))?,
            Rule::SavedAt(expression) => {
                let address = self.value(expression)?;
                self.look(address)?
            }
        })
    }

    fn return_to(&mut self, return_register: usize) -> Option<()> {
        self.address = plain(self.register(return_register)?);
        (self.address > 1).then_some(())
    }

    /// The start of the frame, which is above its end.
    fn start(&mut self, start: FrameStart) -> Option<usize> {
        let start = match start {
            FrameStart::Register(register, offset) => self.register(register)?.wrapping_add_signed(offset),
            FrameStart::At(expression) => self.value(expression)?,
        };
        (start >= self.registers[STACK]).then_some(start)
    }

    fn value(&mut self, expression: Expression) -> Option<usize> {
        let registers = self.registers;
        expression.value(&registers, |address| self.look(address))
    }

    /// A word of the frame.
    fn look(&mut self, address: usize) -> Option<usize> {
        let address = self.word_at(address)?;
        self.read(address)
    }

    /// The address of a word that may be the frame's.
    fn word_at(&self, address: usize) -> Option<usize> {
        let is_inside = address % align_of::<usize>() == 0 && address.wrapping_sub(self.registers[STACK]) < BYTES_MAX;
        is_inside.then_some(address)
    }

    /// Reads a word. At the end of a stack the tables may be wrong, since the code that made the
    /// stack chose the return address of its first function. So the page is tested first.
    fn read(&mut self, address: usize) -> Option<usize> {
        if address / PAGE_BYTES != self.page && !is_readable(address) {
            return None;
        }
        self.page = address / PAGE_BYTES;
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
