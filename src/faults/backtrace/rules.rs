//! The rules for finding a caller's registers, computed from the instructions of the tables (DWARF
//! 5, 6.4.2).

use core::ops::Range;

use super::bytes::Bytes;
use super::expression::Expression;
use super::frame_entry::FrameEntry;
use super::registers::COUNT;

/// Compilers remember one, where a function returns in its middle.
const REMEMBERED_MAX: usize = 2;

/// `DW_CFA_*` of DWARF 5, 7.24, and those of GNU and Arm.
const NOP: usize = 0x00;
const ADVANCE_1: usize = 0x02;
const ADVANCE_2: usize = 0x03;
const ADVANCE_4: usize = 0x04;
const SAVED: usize = 0x05;
const INITIAL: usize = 0x06;
const LOST: usize = 0x07;
const SAME: usize = 0x08;
const IN_REGISTER: usize = 0x09;
const REMEMBER: usize = 0x0a;
const RESTORE: usize = 0x0b;
const START: usize = 0x0c;
const START_REGISTER: usize = 0x0d;
const START_OFFSET: usize = 0x0e;
const START_EXPRESSION: usize = 0x0f;
const SAVED_AT: usize = 0x10;
const SAVED_SIGNED: usize = 0x11;
const START_SIGNED: usize = 0x12;
const START_OFFSET_SIGNED: usize = 0x13;
const VALUE: usize = 0x14;
const VALUE_SIGNED: usize = 0x15;
const VALUE_AT: usize = 0x16;
const NEGATE_RETURN_ADDRESS: usize = 0x2d;
const ARGUMENT_BYTES: usize = 0x2e;
const SAVED_NEGATIVE: usize = 0x2f;

/// Where a register of the caller is.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// It did not change.
    Same,
    /// It is unknown.
    Lost,
    /// On the stack, at this offset from the frame's start.
    Saved(isize),
    /// In memory, where the expression says.
    SavedAt(Expression),
}

/// The start of the frame: the stack pointer before the call.
#[derive(Clone, Copy)]
pub(super) enum FrameStart {
    Register(usize, isize),
    At(Expression),
}

const _: () = assert!(size_of::<Rule>() <= 2 * size_of::<usize>());

#[derive(Clone, Copy)]
pub(super) struct Rules {
    start: FrameStart,
    registers: [Rule; COUNT],
}

impl Rules {
    const NONE: Rules = Rules { start: FrameStart::Register(0, 0), registers: [Rule::Same; COUNT] };

    /// The rules for the code at an address.
    pub(super) fn at(entry: &FrameEntry, address: usize) -> Option<Rules> {
        let (rules, initial, remembered) = (Rules::NONE, Rules::NONE, [Rules::NONE; REMEMBERED_MAX]);
        let mut reader = Reader { entry, at: entry.start(), rules, initial, remembered, depth: 0 };
        let [initial, program] = entry.programs();
        reader.read(initial, usize::MAX)?;
        reader.initial = reader.rules;
        reader.read(program, address)?;
        Some(reader.rules)
    }

    pub(super) fn start(&self) -> FrameStart {
        self.start
    }

    pub(super) fn registers(&self) -> [Rule; COUNT] {
        self.registers
    }
}

struct Reader<'entry> {
    entry: &'entry FrameEntry,
    /// The rules hold from this address on.
    at: usize,
    rules: Rules,
    initial: Rules,
    remembered: [Rules; REMEMBERED_MAX],
    depth: usize,
}

impl Reader<'_> {
    /// Follows the instructions up to an address; `None` for an unknown instruction.
    fn read(&mut self, program: Range<usize>, until: usize) -> Option<()> {
        // SAFETY: a program of an entry (B1).
        let mut bytes = unsafe { Bytes::at(program.start) };
        while bytes.address() < program.end {
            let byte = bytes.u8();
            let operand = usize::from(byte & 0x3f);
            match byte >> 6 {
                1 => self.advance(operand),
                2 => {
                    let rule = self.saved(bytes.unsigned() as isize);
                    self.set(operand, rule);
                }
                3 => self.set(operand, self.initial.registers.get(operand).copied().unwrap_or(Rule::Lost)),
                _ => self.follow(operand, &mut bytes)?,
            }
            if self.at > until {
                return Some(());
            }
        }
        Some(())
    }

    /// The instructions without an operand in their first byte.
    fn follow(&mut self, instruction: usize, bytes: &mut Bytes) -> Option<()> {
        match instruction {
            NOP | NEGATE_RETURN_ADDRESS => {}
            ADVANCE_1 => self.advance(bytes.u8().into()),
            ADVANCE_2 => self.advance(bytes.u16()),
            ADVANCE_4 => self.advance(bytes.u32()),
            REMEMBER => {
                *self.remembered.get_mut(self.depth)? = self.rules;
                self.depth += 1;
            }
            RESTORE => {
                self.depth = self.depth.checked_sub(1)?;
                self.rules = *self.remembered.get(self.depth)?;
            }
            ARGUMENT_BYTES => drop(bytes.unsigned()),
            START..=START_OFFSET | START_EXPRESSION | START_SIGNED | START_OFFSET_SIGNED => self.set_start(instruction, bytes)?,
            SAVED..=IN_REGISTER | SAVED_AT | SAVED_SIGNED | VALUE..=VALUE_AT | SAVED_NEGATIVE => {
                self.set_far(instruction, bytes)?
            }
            _ => return None,
        }
        Some(())
    }

    fn set_start(&mut self, instruction: usize, bytes: &mut Bytes) -> Option<()> {
        if instruction == START_EXPRESSION {
            self.rules.start = FrameStart::At(Expression::read(bytes));
            return Some(());
        }
        let names_register = matches!(instruction, START | START_REGISTER | START_SIGNED);
        let register = names_register.then(|| bytes.unsigned());
        let offset = match instruction {
            START | START_OFFSET => Some(bytes.unsigned() as isize),
            START_SIGNED | START_OFFSET_SIGNED => Some(bytes.signed() * self.entry.data_align()),
            _ => None,
        };
        let (register_before, offset_before) = match self.rules.start {
            FrameStart::Register(register, offset) => (register, offset),
            FrameStart::At(_) => (register?, offset?),
        };
        self.rules.start = FrameStart::Register(register.unwrap_or(register_before), offset.unwrap_or(offset_before));
        Some(())
    }

    /// The rule of a register whose number follows the instruction.
    fn set_far(&mut self, instruction: usize, bytes: &mut Bytes) -> Option<()> {
        let register = bytes.unsigned();
        let rule = match instruction {
            SAVED => self.saved(bytes.unsigned() as isize),
            SAVED_SIGNED => self.saved(bytes.signed()),
            SAVED_NEGATIVE => self.saved(-(bytes.unsigned() as isize)),
            SAVED_AT => Rule::SavedAt(Expression::read(bytes)),
            INITIAL => self.initial.registers.get(register).copied().unwrap_or(Rule::Lost),
            SAME => Rule::Same,
            LOST => Rule::Lost,
            IN_REGISTER | VALUE | VALUE_SIGNED => {
                bytes.unsigned();
                Rule::Lost
            }
            VALUE_AT => {
                Expression::read(bytes);
                Rule::Lost
            }
            _ => return None,
        };
        self.set(register, rule);
        Some(())
    }

    fn advance(&mut self, by: usize) {
        self.at += by * self.entry.code_align();
    }

    fn saved(&self, offset: isize) -> Rule {
        Rule::Saved(offset * self.entry.data_align())
    }

    /// Registers that no address needs are ignored.
    fn set(&mut self, register: usize, rule: Rule) {
        if let Some(place) = self.rules.registers.get_mut(register) {
            *place = rule;
        }
    }
}
