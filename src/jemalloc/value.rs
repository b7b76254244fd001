//! The values of names, in C's types.

use core::ffi::{c_char, c_uint};
use core::fmt::{Result as FmtResult, Write};
use core::ptr::with_exposed_provenance;

use super::text::Text;

/// The most bytes that a value takes.
pub(super) const VALUE_BYTES_MAX: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Unsigned,
    Size,
    Signed,
    Wide,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Bool(bool),
    /// `unsigned`
    Unsigned(c_uint),
    /// `size_t`
    Size(usize),
    /// `ssize_t`
    Signed(isize),
    /// `uint64_t`
    Wide(u64),
    /// A C string, or null.
    Text(*const c_char),
}

impl Kind {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Kind::Bool => size_of::<bool>(),
            Kind::Unsigned => size_of::<c_uint>(),
            Kind::Size | Kind::Signed => size_of::<usize>(),
            Kind::Wide => size_of::<u64>(),
            Kind::Text => size_of::<*const c_char>(),
        }
    }

    /// The value that so many bytes are; those behind them are zero.
    pub(super) fn decode(self, bytes: [u8; VALUE_BYTES_MAX]) -> Value {
        let word = usize::from_le_bytes(bytes);
        match self {
            Kind::Bool => Value::Bool(word != 0),
            Kind::Unsigned => Value::Unsigned(u32::try_from(word).unwrap_or(c_uint::MAX)),
            Kind::Size => Value::Size(word),
            Kind::Signed => Value::Signed(word as isize),
            Kind::Wide => Value::Wide(word as u64),
            Kind::Text => Value::Text(with_exposed_provenance(word)),
        }
    }
}

impl Value {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Value::Bool(_) => Kind::Bool,
            Value::Unsigned(_) => Kind::Unsigned,
            Value::Size(_) => Kind::Size,
            Value::Signed(_) => Kind::Signed,
            Value::Wide(_) => Kind::Wide,
            Value::Text(_) => Kind::Text,
        }
    }

    /// Its bytes, and zeros. (The platforms of this library are little-endian.)
    pub(super) fn encode(self) -> [u8; VALUE_BYTES_MAX] {
        let word = match self {
            Value::Bool(is_on) => usize::from(is_on),
            Value::Unsigned(number) => number as usize,
            Value::Size(number) => number,
            Value::Signed(number) => number as usize,
            Value::Wide(number) => return number.to_le_bytes(),
            Value::Text(text) => text.expose_provenance(),
        };
        word.to_le_bytes()
    }

    /// As JSON has it; `quote` is what is around a text.
    pub(super) fn write(self, out: &mut dyn Write, quote: &str) -> FmtResult {
        match self {
            Value::Bool(is_on) => write!(out, "{is_on}"),
            Value::Unsigned(number) => write!(out, "{number}"),
            Value::Size(number) => write!(out, "{number}"),
            Value::Signed(number) => write!(out, "{number}"),
            Value::Wide(number) => write!(out, "{number}"),
            Value::Text(text) => write!(out, "{quote}{}{quote}", Text::new(text)),
        }
    }
}

const _: () = assert!(size_of::<usize>() == VALUE_BYTES_MAX && cfg!(target_endian = "little"));
