//! The whole interface against the model, by threads that take turns: contents, alignment, sizes,
//! overlap, every invariant.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tinyalloc_fuzz::common::LimitedMapper;
use tinyalloc_fuzz::common::model::Model;
use tinyalloc_fuzz::step::{Step, take};
use tinyalloc_fuzz::trial::{finish, in_world, limits};

#[derive(Arbitrary, Debug)]
struct Input {
    space: u8,
    actors: u8,
    steps: Vec<Step>,
}

fuzz_target!(|input: Input| {
    in_world::<LimitedMapper>(limits(input.space), |world| {
        let mut model = Model::new(world, 1 + input.actors as usize % 3);
        for step in &input.steps {
            take(&mut model, *step);
            assert_eq!(model.refused, 0, "there is memory enough");
            model.check_invariants();
        }
        finish(&mut model);
    });
});
