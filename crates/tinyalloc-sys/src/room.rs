//! Where there is room to grow: addresses that the system gives to no mapping that does not ask for
//! them.
//!
//! Linux maps from the top of the address space downwards, near the stack, or from a third of it
//! upwards (`setarch --legacy-vm-layout`, an unlimited stack); programs lie at two thirds. Below a
//! third there is room, above what sanitizers keep (an eighth, on x86-64). The place is as random
//! as what it is made of: where this code and the stack lie. A debugger that turns that off finds
//! the same place in every run.

use core::ptr::{NonNull, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::align::round_up;
use crate::mix::splitmix;

/// Rooms begin between this part of the address space...
const LOWEST_SIXTEENTH: usize = 3;
/// ...and so many parts above.
const SIXTEENTHS: usize = 2;
/// A room is at most this part of it.
const LARGEST_PART: usize = 64;
/// Where huge pages begin, and tables of pages.
const PLACE_BYTES: usize = 2 * 1024 * 1024;

/// How many rooms were named, so that no two are the same.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NAMED: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn find(bytes: usize, align: usize) -> Option<NonNull<u8>> {
    let on_the_stack = 0_u8;
    let stack = (&raw const on_the_stack).addr();
    // The stack lies in the upper half.
    let all = stack.checked_next_power_of_two()?;
    if bytes > all / LARGEST_PART || size_of::<usize>() < size_of::<u64>() {
        return None;
    }
    let number = NAMED.fetch_add(1, Ordering::Relaxed);
    let seed = [(&raw const NAMED).addr(), stack / PLACE_BYTES]
        .into_iter()
        .fold(number as u64, |state, input| splitmix(state ^ input as u64));
    let places = all / 16 * SIXTEENTHS / PLACE_BYTES;
    let place = usize::try_from(seed % places as u64).ok()?;
    let address = all / 16 * LOWEST_SIXTEENTH + place * PLACE_BYTES;
    NonNull::new(with_exposed_provenance_mut(round_up(address, align)?))
}
