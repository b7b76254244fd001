//! Traces during which the system refuses calls, by every schedule: what lives stays as it was, and
//! all is well once it relents.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tinyalloc_fuzz::common::LimitedMapper;
use tinyalloc_fuzz::common::model::Model;
use tinyalloc_fuzz::outcome::{note, variant};
use tinyalloc_fuzz::size::Size;
use tinyalloc_fuzz::step::{Step, take};
use tinyalloc_fuzz::trial::{finish, in_world, limits};
use tinyalloc_sys::{Call, FailingMapper, MapError};

type Failing = FailingMapper<LimitedMapper>;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Weather {
    FailNth(u8),
    FailFrom(u8),
    FailEvery(u8),
    WithoutMemory,
    Unavailable,
    Succeed,
}

#[derive(Arbitrary, Debug)]
enum Event {
    Step(Step),
    Weather(Weather),
}

#[derive(Arbitrary, Debug)]
struct Input {
    space: u8,
    events: Vec<Event>,
}

fn change(mapper: &Failing, weather: Weather) {
    note(|| format!("system-calls-{}", variant(&weather)));
    match weather {
        Weather::FailNth(nth) => mapper.fail_nth(1 + nth as usize),
        Weather::FailFrom(nth) => mapper.fail_from(1 + nth as usize),
        Weather::FailEvery(kind) => mapper.fail_every(Call::ALL[kind as usize % Call::ALL.len()]),
        Weather::WithoutMemory => mapper.fail_with(MapError::OutOfMemory),
        Weather::Unavailable => mapper.fail_with(MapError::Unavailable),
        Weather::Succeed => mapper.succeed(),
    }
}

fuzz_target!(|input: Input| {
    in_world::<Failing>(limits(input.space), |world| {
        let mut model = Model::new(world, 3);
        for event in &input.events {
            match event {
                Event::Step(step) => take(&mut model, *step),
                Event::Weather(weather) => change(world.mapper, *weather),
            }
            model.check_invariants();
        }
        world.mapper.succeed();
        model.refused = 0;
        for size in [Size::Tiny(100), Size::Small(20_000), Size::Large(200), Size::AroundHuge(255)] {
            assert!(model.allocate(0, size.bytes()).is_some(), "there is memory again");
        }
        finish(&mut model);
    });
});
