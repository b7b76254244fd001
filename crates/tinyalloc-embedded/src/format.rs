//! `defmt::Format` for what firmware logs.

use defmt::{Format, Formatter, write};

use crate::error::{AllocError, Corruption};
use crate::handle::Handle;
use crate::stats::SlabStats;
use crate::value::Typed;

impl Format for Handle {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "Handle({=u32:#x})", self.to_bits().get());
    }
}

impl<T> Format for Typed<T> {
    fn format(&self, formatter: Formatter<'_>) {
        self.handle().format(formatter);
    }
}

impl Format for AllocError {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=str}", self.text());
    }
}

impl Format for Corruption {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=str}", self.text());
    }
}

impl Format for SlabStats {
    fn format(&self, formatter: Formatter<'_>) {
        let Self { slots, slot_bytes, live, live_max, retired, free } = self;
        write!(
            formatter,
            "{=usize} slots of {=usize} bytes: {=usize} live, {=usize} at most, {=usize} retired, {=usize} free",
            slots, slot_bytes, live, live_max, retired, free
        );
    }
}
