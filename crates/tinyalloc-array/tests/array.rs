//! Arrays against vectors, and what they do with elements that count their drops.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths)]

use core::cell::Cell;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use tinyalloc_array::{Array, CapacityError};

const CAPACITY: usize = 8;

static EMPTY: Array<u32, 3> = Array::new();

type Counted = Rc<u32>;

/// One step on an array and its model.
fn step(array: &mut Array<Counted, CAPACITY>, model: &mut Vec<Counted>, choice: (u8, usize, u32)) {
    let (operation, index, number) = choice;
    let (index, element, room) = (index % (CAPACITY + 2), Rc::new(number), model.len() < CAPACITY);
    match operation % 8 {
        0 | 1 => {
            assert_eq!(array.push(element.clone()).is_ok(), room);
            model.extend(room.then_some(element));
        }
        2 | 3 => {
            let fits = room && index <= model.len();
            assert_eq!(array.insert(index, element.clone()).is_ok(), fits);
            fits.then(|| model.insert(index, element));
        }
        4 => assert_eq!(array.pop(), model.pop()),
        5 => assert_eq!(array.remove(index), (index < model.len()).then(|| model.remove(index))),
        6 => assert_eq!(array.swap_remove(index), (index < model.len()).then(|| model.swap_remove(index))),
        _ if number % 4 == 0 => {
            array.truncate(index);
            model.truncate(index);
        }
        _ => {
            let more = vec![element; index % 4];
            let left = CAPACITY - model.len();
            assert_eq!(array.try_extend(more.iter().cloned()).is_ok(), more.len() <= left);
            model.extend(more.into_iter().take(left));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 8 } else { 2000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_array_follows_its_model(steps in vec(any::<(u8, usize, u32)>(), 1..80), taken in 0..CAPACITY) {
        let mut array = Array::new();
        let mut model = Vec::new();
        for choice in steps {
            step(&mut array, &mut model, choice);
            prop_assert_eq!(array.as_slice(), model.as_slice());
            prop_assert_eq!((array.len(), array.is_empty(), array.is_full()), (model.len(), model.is_empty(), model.len() == CAPACITY));
            prop_assert_eq!(array.get(taken), model.get(taken));
        }
        let clone = array.clone();
        prop_assert_eq!(&clone, &array);
        prop_assert_eq!(clone.into_iter().rev().take(taken).collect::<Vec<_>>(), model.iter().rev().take(taken).cloned().collect::<Vec<_>>());
        prop_assert_eq!(array.iter().map(Rc::strong_count).collect::<Vec<_>>(), model.iter().map(Rc::strong_count).collect::<Vec<_>>());
        drop(array);
        let held = |element: &Counted| model.iter().filter(|other| Rc::ptr_eq(element, other)).count();
        prop_assert_eq!(model.iter().map(Rc::strong_count).collect::<Vec<_>>(), model.iter().map(held).collect::<Vec<_>>());
    }
}

#[test]
fn an_array_is_made_in_constants_and_starts_empty() {
    assert!(EMPTY.is_empty() && EMPTY.iter().next().is_none() && EMPTY.capacity() == 3);
    assert!(Array::<u32, 0>::new().is_full());
}

#[test]
fn an_element_that_finds_no_room_comes_back() {
    let mut array = Array::<u32, 1>::new();
    assert_eq!(array.push(1), Ok(()));
    assert_eq!(array.push(2), Err(CapacityError(2)));
    assert_eq!(array.insert(0, 3), Err(CapacityError(3)));
    assert_eq!(array.try_extend([4, 5]), Err(CapacityError(4)));
    assert_eq!(*array, [1]);
}

#[test]
fn unchecked_pushes_and_reads_see_the_same_elements() {
    let mut array = Array::<u32, 4>::new();
    for number in 0..4 {
        // SAFETY: four elements fit.
        unsafe { array.push_unchecked(number) };
    }
    // SAFETY: four elements are there.
    assert_eq!(unsafe { *array.get_unchecked(3) }, 3);
    // SAFETY: four elements are there.
    unsafe { *array.get_unchecked_mut(0) = 9 };
    array.iter_mut().for_each(|element| *element += 1);
    array.reverse();
    assert_eq!(*array, [4, 3, 2, 10]);
}

#[test]
fn elements_without_size_are_counted_and_dropped() {
    thread_local!(static DROPS: Cell<usize> = const { Cell::new(0) });
    #[derive(Debug)]
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }
    let mut array = Array::<Nothing, 5>::new();
    while array.push(Nothing).is_ok() {}
    assert_eq!((array.len(), DROPS.get()), (5, 1));
    drop((array.remove(2), array.pop()));
    assert_eq!(array.into_iter().len(), 3);
    assert_eq!(DROPS.get(), 6);
}

#[test]
fn a_clone_that_panics_drops_each_element_once() {
    #[derive(Debug)]
    struct Fragile(Counted);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert_ne!(*self.0, 2, "too fragile");
            Self(self.0.clone())
        }
    }
    let counted: Vec<Counted> = (0..4).map(Rc::new).collect();
    let mut array = Array::<Fragile, 4>::new();
    array.try_extend(counted.iter().cloned().map(Fragile)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| array.clone())).is_err());
    assert!(counted.iter().all(|element| Rc::strong_count(element) == 2));
}
