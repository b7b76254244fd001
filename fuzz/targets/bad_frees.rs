//! Pointers that are no block's, among blocks that live and died in every way: each is reported
//! once, rightly, and changes nothing.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tinyalloc_fuzz::common::LimitedMapper;
use tinyalloc_fuzz::common::model::Model;
use tinyalloc_fuzz::field::{Mistake, make};
use tinyalloc_fuzz::step::{Step, take};
use tinyalloc_fuzz::trial::{finish, in_world, limits};

#[derive(Arbitrary, Debug)]
struct Input {
    space: u8,
    rounds: Vec<(Vec<Step>, Vec<Mistake>)>,
}

fuzz_target!(|input: Input| {
    in_world::<LimitedMapper>(limits(input.space), |world| {
        let mut model = Model::new(world, 3);
        for (steps, mistakes) in &input.rounds {
            steps.iter().for_each(|step| take(&mut model, *step));
            mistakes.iter().for_each(|mistake| make(&model, *mistake));
        }
        finish(&mut model);
    });
});
