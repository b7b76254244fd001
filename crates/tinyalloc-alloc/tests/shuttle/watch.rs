//! Who knows what of whom: vector clocks, as a race detector keeps them, and the places where
//! threads change.
//!
//! A thread's clock says up to which of its steps it knows each other thread. An atomic carries
//! what was released to it. Two accesses of a cell, one of them a write, must be in order: the
//! thread that comes second knows of the first. (Mattern, Virtual time and global states of
//! distributed systems, 1988; Flanagan and Freund, FastTrack, 2009.)

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::thread::panicking;
use std::time::Duration;

use shuttle::current::try_get_current_task;
use shuttle::rand::{Rng, thread_rng};

/// More threads than any model has.
const THREADS_MAX: usize = 8;
/// A thread that has a signal handler is interrupted at one of so many places.
const PAUSES_PER_INTERRUPT: u32 = 40;
/// Others run before every so manieth write to a cell, too.
const WRITES_PER_PAUSE: u32 = 16;

/// What an atomic access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Load,
    Store,
    Swap,
    CompareExchange,
    Count,
}

/// What an access loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Acquire,
    Release,
    /// A compare-and-swap takes place whatever it finds.
    Comparison,
}

/// All accesses of a kind in one file of the engine lose something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weakness {
    pub(crate) file: &'static str,
    pub(crate) access: Access,
    pub(crate) lost: Lost,
}

thread_local! {
    /// Shuttle runs every thread of a model on one thread of the system.
    static WATCH: RefCell<Watch> = RefCell::new(Watch::new());
    static WEAKNESS: Cell<Option<Weakness>> = const { Cell::new(None) };
    static ALONE: Cell<bool> = const { Cell::new(false) };
    /// The signal handler of each thread.
    static HANDLERS: [Handler; THREADS_MAX] = const { [const { RefCell::new(None) }; THREADS_MAX] };
}

type Handler = RefCell<Option<Box<dyn Fn()>>>;

/// Up to which of its steps each thread is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock([u32; THREADS_MAX]);

impl Clock {
    fn join(&mut self, other: &Clock) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own = (*own).max(other);
        }
    }
}

/// Who touched a cell last.
#[derive(Clone, Copy, Debug)]
struct History {
    writer: usize,
    written: u32,
    written_at: &'static Location<'static>,
    reads: Clock,
    read_at: &'static Location<'static>,
}

/// Addresses are as good as random.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys are addresses");
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

type ByAddress<T> = HashMap<usize, T, BuildHasherDefault<AddressHasher>>;

struct Watch {
    threads: [Clock; THREADS_MAX],
    released: ByAddress<Clock>,
    cells: ByAddress<History>,
}

impl Watch {
    fn new() -> Watch {
        let mut threads = [Clock::default(); THREADS_MAX];
        for (thread, clock) in threads.iter_mut().enumerate() {
            clock.0[thread] = 1;
        }
        Watch { threads, released: ByAddress::default(), cells: ByAddress::default() }
    }

    /// Who sees what `thread` releases now does not see what it does from here on.
    fn tick(&mut self, thread: usize) {
        self.threads[thread].0[thread] += 1;
    }

    fn read(&mut self, thread: usize, address: usize, at: &'static Location<'static>) -> Result<(), String> {
        let clock = self.threads[thread];
        let Some(history) = self.cells.get_mut(&address) else {
            let reads = Clock::default();
            let mut history = History { writer: thread, written: 0, written_at: at, reads, read_at: at };
            history.reads.0[thread] = clock.0[thread];
            self.cells.insert(address, history);
            return Ok(());
        };
        history.reads.0[thread] = clock.0[thread];
        history.read_at = at;
        if history.written > clock.0[history.writer] {
            return Err(format!("race: {at} reads what {} wrote", history.written_at));
        }
        Ok(())
    }

    fn write(&mut self, thread: usize, address: usize, at: &'static Location<'static>) -> Result<(), String> {
        let clock = self.threads[thread];
        let written = clock.0[thread];
        let reads = Clock::default();
        let before = self.cells.insert(address, History { writer: thread, written, written_at: at, reads, read_at: at });
        let Some(before) = before else {
            return Ok(());
        };
        if before.written > clock.0[before.writer] {
            return Err(format!("race: {at} overwrites what {} wrote", before.written_at));
        }
        if before.reads.0.iter().zip(clock.0).any(|(read, known)| *read > known) {
            return Err(format!("race: {at} overwrites what {} reads", before.read_at));
        }
        Ok(())
    }
}

/// The thread of the model that runs, unless it is none, or on its way out.
fn running() -> Option<usize> {
    if panicking() { None } else { try_get_current_task().map(usize::from) }
}

/// A new execution begins.
pub(crate) fn begin() {
    WATCH.set(Watch::new());
    HANDLERS.with(|handlers| handlers.iter().for_each(|handler| drop(handler.take())));
    crate::sync::forget_sleepers();
}

/// Others may run here, or this thread's signal handler.
pub(crate) fn pause() {
    let Some(thread) = running().filter(|_| !is_alone()) else {
        return;
    };
    shuttle::thread::sleep(Duration::ZERO);
    if HANDLERS.with(|handlers| handlers[thread].borrow().is_some()) && thread_rng().gen_ratio(1, PAUSES_PER_INTERRUPT) {
        interrupt(thread);
    }
}

/// A handler is not interrupted by itself.
fn interrupt(thread: usize) {
    if let Some(handler) = HANDLERS.with(|handlers| handlers[thread].take()) {
        handler();
        HANDLERS.with(|handlers| handlers[thread].replace(Some(handler)));
    }
}

/// What this thread's signals do from here on.
pub(crate) fn on_interrupt(handler: Option<Box<dyn Fn()>>) {
    if let Some(thread) = running() {
        HANDLERS.with(|handlers| handlers[thread].replace(handler));
    }
}

/// Others should run here.
pub(crate) fn yield_now() {
    if running().is_some() && !is_alone() {
        shuttle::thread::yield_now();
    }
}

#[track_caller]
pub(crate) fn on_read(address: usize) {
    let at = Location::caller();
    if let Some(thread) = running() {
        object(WATCH.with_borrow_mut(|watch| watch.read(thread, address, at)));
    }
}

#[track_caller]
pub(crate) fn on_write(address: usize) {
    let at = Location::caller();
    let Some(thread) = running() else {
        return;
    };
    // Where a race is excluded the order does not matter, but to the thread that a fork stops
    // there.
    if !is_alone() && thread_rng().gen_ratio(1, WRITES_PER_PAUSE) {
        shuttle::thread::sleep(Duration::ZERO);
    }
    object(WATCH.with_borrow_mut(|watch| watch.write(thread, address, at)));
}

/// The range was unmapped, and what is mapped there next is something else: the kernel sees to the
/// order.
pub(crate) fn forget_range(start: usize, bytes: usize) {
    let range = start..start + bytes;
    WATCH.with_borrow_mut(|watch| {
        watch.cells.retain(|address, _| !range.contains(address));
        watch.released.retain(|address, _| !range.contains(address));
    });
}

#[track_caller]
fn object(verdict: Result<(), String>) {
    if let Err(race) = verdict {
        panic!("{race}");
    }
}

/// What a thread knows, for one that it begins or hands something to.
pub(crate) fn tell() -> Clock {
    let Some(thread) = running() else {
        return Clock::default();
    };
    WATCH.with_borrow_mut(|watch| {
        let clock = watch.threads[thread];
        watch.tick(thread);
        clock
    })
}

/// This thread knows that from here on.
pub(crate) fn learn(clock: &Clock) {
    if let Some(thread) = running() {
        WATCH.with_borrow_mut(|watch| watch.threads[thread].join(clock));
    }
}

/// Runs `model` with that weakness.
pub(crate) fn with_weakness<R>(weakness: Weakness, model: impl FnOnce() -> R) -> R {
    WEAKNESS.set(Some(weakness));
    let result = model();
    WEAKNESS.set(None);
    result
}

/// An atomic access that is about to happen.
pub(crate) struct Point {
    thread: Option<usize>,
    address: usize,
    acquires: bool,
    releases: bool,
    forced: bool,
}

impl Point {
    #[track_caller]
    pub(crate) fn reach(address: usize, access: Access, ordering: Ordering) -> Point {
        pause();
        let at = Location::caller();
        let weakness = WEAKNESS.get().filter(|weakness| weakness.access == access && at.file().ends_with(weakness.file));
        let lost = weakness.map(|weakness| weakness.lost);
        let point =
            Point { thread: running(), address, acquires: false, releases: false, forced: lost == Some(Lost::Comparison) };
        let point = point.with(ordering);
        Point {
            acquires: point.acquires && lost != Some(Lost::Acquire),
            releases: point.releases && lost != Some(Lost::Release),
            ..point
        }
    }

    pub(crate) fn with(self, ordering: Ordering) -> Point {
        let (acquires, releases) = match ordering {
            Ordering::Relaxed => (false, false),
            Ordering::Acquire => (true, false),
            Ordering::Release => (false, true),
            _ => (true, true),
        };
        Point { acquires, releases, ..self }
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.forced
    }

    /// A load.
    pub(crate) fn acquire(&self) {
        let Some(thread) = self.thread.filter(|_| self.acquires) else {
            return;
        };
        WATCH.with_borrow_mut(|watch| {
            if let Some(released) = watch.released.get(&self.address) {
                watch.threads[thread].join(released);
            }
        });
    }

    /// A store: what was released before cannot be had from this atomic any more.
    pub(crate) fn publish(&self) {
        let Some(thread) = self.thread else {
            return;
        };
        WATCH.with_borrow_mut(|watch| {
            if self.releases {
                watch.released.insert(self.address, watch.threads[thread]);
                watch.tick(thread);
            } else {
                watch.released.remove(&self.address);
            }
        });
    }

    /// A read and a write in one: what was released before can still be had.
    pub(crate) fn exchange(&self) {
        self.acquire();
        let Some(thread) = self.thread.filter(|_| self.releases) else {
            return;
        };
        WATCH.with_borrow_mut(|watch| {
            let clock = watch.threads[thread];
            watch.released.entry(self.address).or_default().join(&clock);
            watch.tick(thread);
        });
    }
}

/// Whether this process is the child of a fork, in which the other threads are gone.
pub(crate) fn is_alone() -> bool {
    ALONE.get()
}

/// This process is such a child: what the others did is in its memory, whole.
pub(crate) fn be_alone() {
    ALONE.set(true);
    crate::sync::forget_sleepers();
    if let Some(thread) = running() {
        WATCH.with_borrow_mut(|watch| {
            let clocks = watch.threads;
            clocks.iter().for_each(|clock| watch.threads[thread].join(clock));
        });
    }
}

/// Ends the child with a reason. (Nothing here waits for whatever the harness's other threads
/// held.)
pub(crate) fn leave_child(why: &str) -> ! {
    // SAFETY: the text is that long.
    unsafe { libc::write(libc::STDERR_FILENO, why.as_ptr().cast(), why.len()) };
    // SAFETY: the child ends here, without what the harness would do at the end.
    unsafe { libc::_exit(1) }
}
