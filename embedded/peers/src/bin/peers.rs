//! The work of `costs`, by other crates.
#![no_std]
#![no_main]

#[cfg(not(target_arch = "avr"))]
#[path = "../bbqueue.rs"]
mod bbqueue;
#[path = "../heap.rs"]
mod heap;
#[cfg(feature = "pools")]
#[path = "../pool.rs"]
mod pool;
#[path = "../queue.rs"]
mod queue;

use firmware::host::exit;
use firmware::{end_on_panic, timer};

end_on_panic!();

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    timer::start_clock();
    heap::costs();
    #[cfg(feature = "pools")]
    pool::costs();
    queue::costs();
    #[cfg(not(target_arch = "avr"))]
    bbqueue::costs();
    exit(true)
}
