//! The environment as the system keeps it.

use core::cell::UnsafeCell;

use windows_sys::Win32::System::Environment::GetEnvironmentVariableA;

/// A longer value counts as none.
const VALUE_BYTES_MAX: usize = 4096;
const NAME_BYTES_MAX: usize = 64;

/// Invariant V1: one thread writes here at a time, that which reads the options: it holds the lock
/// of the tunables, or the process starts.
struct Value(UnsafeCell<[u8; VALUE_BYTES_MAX]>);

// SAFETY: V1.
unsafe impl Sync for Value {}

static VALUE: Value = Value(UnsafeCell::new([0; VALUE_BYTES_MAX]));

/// The value of the variable, `prefix` being its name and `=`. Empty if it is not set.
pub(crate) fn variable_at_start(prefix: &[u8]) -> Option<&'static [u8]> {
    let mut name = [0; NAME_BYTES_MAX];
    let (_, letters) = prefix.split_last()?;
    // The null byte stays.
    name.get_mut(..letters.len().min(NAME_BYTES_MAX - 1))?.copy_from_slice(letters);
    let room = VALUE_BYTES_MAX.try_into().unwrap_or(0);
    // SAFETY: the name ends with a null byte, and there is that much room (V1).
    let bytes = unsafe { GetEnvironmentVariableA(name.as_ptr(), VALUE.0.get().cast(), room) };
    // SAFETY: the call has returned, and nothing is written while a value is read (V1).
    let value = unsafe { &*VALUE.0.get() };
    Some(value.get(..bytes as usize).unwrap_or_default())
}
