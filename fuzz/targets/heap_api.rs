//! Isolated heaps: made, entered, used by threads that take turns, reset and destroyed whole, while
//! the system refuses calls now and then.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tinyalloc_fuzz::heaps::{Failing, Heaps, Step};
use tinyalloc_fuzz::trial::{in_world, limits};

#[derive(Arbitrary, Debug)]
struct Input {
    space: u8,
    steps: Vec<Step>,
}

fuzz_target!(|input: Input| {
    in_world::<Failing>(limits(input.space), |world| {
        let mut heaps = Heaps::new(world);
        for step in &input.steps {
            heaps.take(*step);
            heaps.check();
        }
        heaps.finish();
    });
});
