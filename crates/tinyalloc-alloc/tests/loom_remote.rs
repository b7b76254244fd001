//! Remote frees under loom: `src/span/remote.rs` itself, word for word, on loom's atomics, with
//! small stand-ins for slots and spans.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p tinyalloc-alloc --test loom_remote --release` runs it;
//! without the flag there is nothing here.
//!
//! The stand-ins are stricter than the real types. The words of a slot, and the link of a span, are
//! cells that loom checks for races: the protocol claims that the thread that touches them is
//! alone. That makes loom see what it could not otherwise (it does not let a relaxed load read a
//! later store, which is what hardware without an acquire may do to the link).
//!
//! The last tests weaken the protocol one step at a time and expect loom to object. Each quotes
//! what loom said; what follows the quote is our reading of it, since loom does not name the cell.
//! Were one of them to pass, the model would prove nothing about that step.
#![cfg(loom)]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::field_scoped_visibility_modifiers, clippy::vec_box, reason = "stand-ins; slots and spans stay where they are")]

#[path = "../src/span/remote.rs"]
#[allow(dead_code, reason = "a part of it serves `check_invariants` only")]
mod remote;

/// What `crate::sync` is in the engine: the atomics, here with orderings that a test may weaken.
mod sync {
    use std::cell::{Cell, OnceCell};

    use loom::cell::UnsafeCell;
    use loom::sync::atomic::AtomicPtr as LoomPtr;
    pub(crate) use std::sync::atomic::Ordering;

    /// Which ordering is lost.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Weakness {
        None,
        Acquire(Step),
        Release(Step),
    }

    /// The four atomic steps of the protocol, and the two of a span that changes its owner.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Step {
        PushSlot,
        TakeSlots,
        PushSpan,
        TakeSpans,
        SetOwner,
        SeeOwner,
    }

    thread_local! {
        /// Loom runs every thread of a model on one thread of the system.
        static WEAKNESS: Cell<Weakness> = const { Cell::new(Weakness::None) };
    }

    pub(crate) fn weaken(weakness: Weakness) {
        WEAKNESS.set(weakness);
    }

    pub(crate) fn weakened(ordering: Ordering, step: Step) -> Ordering {
        let (acquires, releases) = match ordering {
            Ordering::AcqRel => (true, true),
            Ordering::Acquire => (true, false),
            Ordering::Release => (false, true),
            Ordering::Relaxed => (false, false),
            _ => unreachable!("the protocol needs no more"),
        };
        let weakness = WEAKNESS.get();
        match (acquires && weakness != Weakness::Acquire(step), releases && weakness != Weakness::Release(step)) {
            (true, true) => Ordering::AcqRel,
            (true, false) => Ordering::Acquire,
            (false, true) => Ordering::Release,
            (false, false) => Ordering::Relaxed,
        }
    }

    /// As `core`'s, which can be made in a constant: loom's begins with its first use.
    pub(crate) struct AtomicPtr<T> {
        first: *mut T,
        /// What a link is instead: the thread that loads or stores it is alone, and loom checks.
        link: OnceCell<UnsafeCell<*mut T>>,
        shared: OnceCell<LoomPtr<T>>,
        kind: Kind,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Kind {
        Stack,
        List,
        Link,
    }

    // SAFETY: loom switches threads only inside its own atomics and cells, and runs them one at a
    // time.
    unsafe impl<T> Send for AtomicPtr<T> {}
    // SAFETY: as above.
    unsafe impl<T> Sync for AtomicPtr<T> {}

    impl<T> AtomicPtr<T> {
        /// The top of a dirty stack.
        pub(crate) const fn new(first: *mut T) -> Self {
            Self::of_kind(first, Kind::Stack)
        }

        /// A remote list.
        pub(crate) const fn list(first: *mut T) -> Self {
            Self::of_kind(first, Kind::List)
        }

        /// A link, loaded and stored only by its owner at the time.
        pub(crate) const fn link(first: *mut T) -> Self {
            Self::of_kind(first, Kind::Link)
        }

        const fn of_kind(first: *mut T, kind: Kind) -> Self {
            AtomicPtr { first, link: OnceCell::new(), shared: OnceCell::new(), kind }
        }

        /// Makes it known to loom, before any thread begins.
        pub(crate) fn begin(&self) {
            if self.kind == Kind::Link {
                self.get_link();
            } else {
                self.get();
            }
        }

        fn get(&self) -> &LoomPtr<T> {
            self.shared.get_or_init(|| LoomPtr::new(self.first))
        }

        fn get_link(&self) -> &UnsafeCell<*mut T> {
            self.link.get_or_init(|| UnsafeCell::new(self.first))
        }

        pub(crate) fn load(&self, ordering: Ordering) -> *mut T {
            if self.kind == Kind::Link {
                // SAFETY: loom checks that no one writes.
                return self.get_link().with(|link| unsafe { *link });
            }
            // Loom remembers one access of each atomic, and takes two loads for independent: a
            // thread's load before its own exchange would hide the load of another, and with it
            // whole schedules. An exchange that fails is remembered as what it is.
            let never = std::ptr::without_provenance_mut(usize::MAX);
            let _ = self.get().compare_exchange(never, never, Ordering::Relaxed, Ordering::Relaxed);
            self.get().load(ordering)
        }

        pub(crate) fn store(&self, pointer: *mut T, _ordering: Ordering) {
            assert!(self.kind == Kind::Link, "the protocol stores to links only");
            // SAFETY: loom checks that the writer is alone.
            self.get_link().with_mut(|link| unsafe { *link = pointer });
        }

        pub(crate) fn swap(&self, pointer: *mut T, ordering: Ordering) -> *mut T {
            let step = if self.kind == Kind::List { Step::TakeSlots } else { Step::TakeSpans };
            self.get().swap(pointer, weakened(ordering, step))
        }

        pub(crate) fn compare_exchange_weak(
            &self,
            current: *mut T,
            new: *mut T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<*mut T, *mut T> {
            let step = if self.kind == Kind::List { Step::PushSlot } else { Step::PushSpan };
            self.get().compare_exchange_weak(current, new, weakened(success, step), failure)
        }
    }
}

/// What `crate::slot` is in the engine.
mod slot {
    use std::ptr::null_mut;

    use loom::cell::UnsafeCell;

    /// Null ends a list.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Slot(*mut SlotWords);

    #[derive(Clone, Copy)]
    pub(crate) struct Secret;

    pub(crate) struct SlotWords {
        next: UnsafeCell<Option<Slot>>,
        pub(crate) name: usize,
    }

    impl SlotWords {
        pub(crate) fn new(name: usize) -> SlotWords {
            SlotWords { next: UnsafeCell::new(None), name }
        }
    }

    impl Slot {
        pub(crate) const END: Slot = Slot(null_mut());

        pub(crate) fn is_end(self) -> bool {
            self == Slot::END
        }

        pub(crate) fn as_words(self) -> *mut SlotWords {
            self.0
        }

        pub(crate) unsafe fn from_words(words: *mut SlotWords) -> Slot {
            Slot(words)
        }

        pub(crate) fn words(&self) -> &SlotWords {
            // SAFETY: slots live as long as the model.
            unsafe { &*self.0 }
        }

        pub(crate) fn sign(self, next: Slot, _secret: Secret) {
            // SAFETY: loom checks that the writer is alone.
            self.words().next.with_mut(|cell| unsafe { *cell = Some(next) });
        }

        pub(crate) fn next(self, _secret: Secret) -> Option<Slot> {
            // SAFETY: loom checks that no one writes.
            self.words().next.with(|cell| unsafe { *cell })
        }
    }
}

/// What `super::free_list` is in the engine.
mod free_list {
    use crate::slot::Slot;

    pub(crate) struct FreedList {
        pub(crate) first: Slot,
        pub(crate) last: Slot,
        pub(crate) slots: u32,
    }

    impl FreedList {
        pub(crate) fn of(slot: Slot) -> FreedList {
            FreedList { first: slot, last: slot, slots: 1 }
        }

        pub(crate) fn extend(&mut self, next: Slot) {
            self.last = next;
            self.slots += 1;
        }

        pub(crate) fn first(&self) -> Slot {
            self.first
        }

        pub(crate) fn last(&self) -> Slot {
            self.last
        }

        pub(crate) fn slots(&self) -> u32 {
            self.slots
        }
    }
}

/// What `super::span_ref` is in the engine, and the record itself.
mod span_ref {
    use std::ops::Deref;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use loom::sync::atomic::AtomicUsize as LoomUsize;

    use crate::slot::SlotWords;
    use crate::sync::AtomicPtr;

    pub(crate) struct Span {
        /// Which heap owns it.
        pub(crate) owner: LoomUsize,
        remote: AtomicPtr<SlotWords>,
        dirty_next: AtomicPtr<Span>,
        /// On how many stacks it is, or about to be; not part of the protocol, so that loom need
        /// not know.
        pub(crate) stacks: AtomicUsize,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct SpanRef(*mut Span);

    // SAFETY: spans are shared by all threads of the model.
    unsafe impl Send for SpanRef {}

    impl Deref for SpanRef {
        type Target = Span;

        fn deref(&self) -> &Span {
            // SAFETY: spans live as long as the model.
            unsafe { &*self.0 }
        }
    }

    impl Span {
        pub(crate) fn new(owner: usize) -> Box<Span> {
            let span = Box::new(Span {
                owner: LoomUsize::new(owner),
                remote: AtomicPtr::list(std::ptr::null_mut()),
                dirty_next: AtomicPtr::link(std::ptr::null_mut()),
                stacks: AtomicUsize::new(0),
            });
            span.remote.begin();
            span.dirty_next.begin();
            span
        }

        pub(crate) fn remote(&self) -> &AtomicPtr<SlotWords> {
            &self.remote
        }

        pub(crate) fn dirty_next(&self) -> &AtomicPtr<Span> {
            &self.dirty_next
        }

        pub(crate) fn enter_stack(&self) {
            assert_eq!(self.stacks.fetch_add(1, Ordering::Relaxed), 0, "a span is on one stack, once");
        }

        pub(crate) fn leave_stack(&self) {
            assert_eq!(self.stacks.fetch_sub(1, Ordering::Relaxed), 1, "a span was on the stack");
        }
    }

    impl SpanRef {
        pub(crate) fn of(span: &Span) -> SpanRef {
            SpanRef(std::ptr::from_ref(span).cast_mut())
        }

        pub(crate) unsafe fn from_raw(pointer: *mut Span) -> SpanRef {
            SpanRef(pointer)
        }

        pub(crate) fn as_ptr(self) -> *mut Span {
            self.0
        }
    }
}

use std::sync::atomic::{AtomicUsize, Ordering as StdOrdering};

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::Ordering;
use loom::thread;

use remote::{DirtyStack, push_remote, take_remote};
use slot::{Secret, Slot, SlotWords};
use span_ref::{Span, SpanRef};
use sync::{Step, Weakness, weaken, weakened};

/// One run: heaps with their stacks, spans, slots, and how often each slot arrived.
struct Stage {
    stacks: Vec<DirtyStack>,
    /// Written by the thread that makes a heap, and read by those that find it.
    made: Vec<UnsafeCell<bool>>,
    spans: Vec<Box<Span>>,
    slots: Vec<Box<SlotWords>>,
    arrived: Vec<AtomicUsize>,
}

impl Stage {
    fn new(heaps: usize, spans: usize, slots: usize) -> Arc<Stage> {
        let stacks: Vec<_> = (0..heaps).map(|_| DirtyStack::new()).collect();
        // The first look makes a stack known to loom before any thread begins.
        stacks.iter().for_each(|stack| assert!(stack.is_empty()));
        Arc::new(Stage {
            stacks,
            made: (0..heaps).map(|_| UnsafeCell::new(false)).collect(),
            spans: (0..spans).map(|_| Span::new(0)).collect(),
            slots: (0..slots).map(|name| Box::new(SlotWords::new(name))).collect(),
            arrived: (0..slots).map(|_| AtomicUsize::new(0)).collect(),
        })
    }

    /// As `Allocator::free_remote` does.
    fn free(&self, span: usize, slot: usize) {
        let span = SpanRef::of(&self.spans[span]);
        let words: &SlotWords = &self.slots[slot];
        // SAFETY: slots live as long as the stage.
        let slot = unsafe { Slot::from_words(std::ptr::from_ref(words).cast_mut()) };
        if push_remote(span, slot, Secret) {
            span.enter_stack();
            self.stacks[self.owner_of(span)].push(span);
        }
    }

    /// As `Span::owner`, for the thread that uses the heap then.
    fn owner_of(&self, span: SpanRef) -> usize {
        let owner = span.owner.load(weakened(Ordering::Acquire, Step::SeeOwner));
        // SAFETY: loom checks that no one writes.
        self.made[owner].with(|made| unsafe { *made });
        owner
    }

    /// Makes a heap, which takes a span over, as `Span::set_owner` says.
    fn adopt(&self, heap: usize, span: usize) {
        // SAFETY: loom checks that the writer is alone.
        self.made[heap].with_mut(|made| unsafe { *made = true });
        self.spans[span].owner.store(heap, weakened(Ordering::Release, Step::SetOwner));
    }

    /// As `Heap::collect` does.
    fn collect(&self, heap: usize) {
        if self.stacks[heap].is_empty() {
            return;
        }
        for span in self.stacks[heap].take_all() {
            span.leave_stack();
            let owner = self.owner_of(span);
            if owner == heap {
                self.integrate(span);
            } else {
                span.enter_stack();
                self.stacks[owner].push(span);
            }
        }
    }

    fn integrate(&self, span: SpanRef) {
        let freed =
            take_remote(span, Secret).expect("no thread writes to free slots").expect("a span on a stack has remote frees");
        let mut slot = freed.first;
        let mut slots = 0;
        while !slot.is_end() {
            self.arrived[slot.words().name].fetch_add(1, StdOrdering::Relaxed);
            slots += 1;
            assert_eq!(slot == freed.last, slots == freed.slots);
            slot = slot.next(Secret).expect("signed");
        }
        // As `Span::absorb` does: the words belong to the owner now.
        freed.last.sign(Slot::END, Secret);
    }

    /// All frees have happened: what is still on its way arrives with the next collections.
    fn finish(&self) {
        for _ in 0..2 {
            (0..self.stacks.len()).for_each(|heap| self.collect(heap));
        }
        for arrived in &self.arrived {
            assert_eq!(arrived.load(StdOrdering::Relaxed), 1, "every slot arrives once");
        }
        for span in &self.spans {
            assert!(span.remote().load(Ordering::Acquire).is_null());
            assert_eq!(span.stacks.load(StdOrdering::Relaxed), 0);
        }
        assert!(self.stacks.iter().all(DirtyStack::is_empty));
    }
}

/// How often a thread may be interrupted in one run. Every weakness below shows at two.
const PREEMPTIONS: usize = 3;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

/// Two threads free into one span while its owner collects.
fn one_span() {
    let stage = Stage::new(1, 1, 3);
    let freers = [[0, 1].as_slice(), &[2]].map(|slots| {
        let stage = stage.clone();
        thread::spawn(move || slots.iter().for_each(|slot| stage.free(0, *slot)))
    });
    stage.collect(0);
    stage.collect(0);
    freers.into_iter().for_each(|freer| freer.join().unwrap());
    stage.finish();
}

/// Two threads free into two spans, in opposite order, while the owner of both collects.
fn two_spans() {
    let stage = Stage::new(1, 2, 4);
    let freers = [[(0, 0), (1, 1)], [(1, 2), (0, 3)]].map(|frees| {
        let stage = stage.clone();
        thread::spawn(move || frees.into_iter().for_each(|(span, slot)| stage.free(span, slot)))
    });
    stage.collect(0);
    stage.collect(0);
    freers.into_iter().for_each(|freer| freer.join().unwrap());
    stage.finish();
}

/// A span changes hands while two threads free into it and both heaps collect.
fn changing_owner() {
    let stage = Stage::new(2, 1, 2);
    let freers = [0, 1].map(|slot| {
        let stage = stage.clone();
        thread::spawn(move || stage.free(0, slot))
    });
    let adopter = {
        let stage = stage.clone();
        thread::spawn(move || {
            stage.adopt(1, 0);
            stage.collect(1);
        })
    };
    freers.into_iter().for_each(|freer| freer.join().unwrap());
    adopter.join().unwrap();
    stage.collect(0);
    stage.finish();
}

/// As above, but the old owner collects at the same time, and forwards.
fn forwarding() {
    let stage = Stage::new(2, 1, 2);
    let freers = [0, 1].map(|slot| {
        let stage = stage.clone();
        thread::spawn(move || stage.free(0, slot))
    });
    // The pool's lock orders these two in the engine: the old owner gives the span up before the
    // new one takes it.
    stage.collect(0);
    stage.adopt(1, 0);
    stage.collect(0);
    stage.collect(1);
    freers.into_iter().for_each(|freer| freer.join().unwrap());
    stage.finish();
}

#[test]
fn every_slot_that_two_threads_free_into_one_span_arrives_once() {
    check(one_span);
}

#[test]
fn every_slot_that_two_threads_free_into_two_spans_arrives_once() {
    check(two_spans);
}

#[test]
fn every_slot_arrives_once_though_the_span_changes_its_owner() {
    check(changing_owner);
}

#[test]
fn every_slot_arrives_once_though_the_old_owner_forwards_the_span() {
    check(forwarding);
}

fn check_weakened(weakness: Weakness, model: impl Fn() + Sync + Send + 'static) {
    check(move || {
        weaken(weakness);
        model();
    });
}

/// Loom: "Causality violation: Concurrent read and write accesses."
/// The freer pushes the span on the stack of a heap that, for all that it knows, is not made yet.
#[test]
#[should_panic(expected = "Causality violation")]
fn taking_a_span_over_must_release() {
    check_weakened(Weakness::Release(Step::SetOwner), changing_owner);
}

/// Loom: "Causality violation: Concurrent read and write accesses."
/// As above.
#[test]
#[should_panic(expected = "Causality violation")]
fn looking_at_a_spans_owner_must_acquire() {
    check_weakened(Weakness::Acquire(Step::SeeOwner), changing_owner);
}

/// Loom: "Causality violation: Concurrent write accesses to `UnsafeCell`."
/// The freer writes the link while the owner, for all that it knows, is not done with it.
#[test]
#[should_panic(expected = "Causality violation")]
fn pushing_a_slot_must_acquire() {
    check_weakened(Weakness::Acquire(Step::PushSlot), one_span);
}

/// Loom: "Causality violation: Concurrent read and write accesses."
/// The owner reads a slot's words before they are written.
#[test]
#[should_panic(expected = "Causality violation")]
fn pushing_a_slot_must_release() {
    check_weakened(Weakness::Release(Step::PushSlot), one_span);
}

/// Loom: "Causality violation: Concurrent read and write accesses."
/// The owner reads a slot's words before they are written.
#[test]
#[should_panic(expected = "Causality violation")]
fn taking_slots_must_acquire() {
    check_weakened(Weakness::Acquire(Step::TakeSlots), one_span);
}

/// Loom: "Causality violation: Concurrent read and write accesses to `UnsafeCell`."
/// The freer sees the empty list, but not that the owner is done with the link.
#[test]
#[should_panic(expected = "Causality violation")]
fn taking_slots_must_release() {
    check_weakened(Weakness::Release(Step::TakeSlots), one_span);
}

/// Loom: "Causality violation: Concurrent read and write accesses."
/// The owner reads a link before it is written.
#[test]
#[should_panic(expected = "Causality violation")]
fn pushing_a_span_must_release() {
    check_weakened(Weakness::Release(Step::PushSpan), one_span);
}

/// Loom: "Causality violation: Concurrent read and write accesses."
/// The owner reads a link before it is written.
#[test]
#[should_panic(expected = "Causality violation")]
fn taking_spans_must_acquire() {
    check_weakened(Weakness::Acquire(Step::TakeSpans), one_span);
}

/// Loom: "Causality violation: Concurrent read and write accesses to `UnsafeCell`."
/// Once its list is empty a freer pushes the span again, while the owner reads where the link led.
#[test]
#[should_panic(expected = "Causality violation")]
fn the_link_must_be_read_before_the_list_is_emptied() {
    check(|| {
        let stage = Stage::new(1, 1, 2);
        let freers = [0, 1].map(|slot| {
            let stage = stage.clone();
            thread::spawn(move || stage.free(0, slot))
        });
        let mut taken = stage.stacks[0].take_all();
        // What `TakenSpans` does, in the wrong order.
        let top = taken.next();
        if let Some(span) = top {
            span.leave_stack();
            stage.integrate(span);
            let _ = span.dirty_next().load(Ordering::Relaxed);
        }
        freers.into_iter().for_each(|freer| freer.join().unwrap());
    });
}
