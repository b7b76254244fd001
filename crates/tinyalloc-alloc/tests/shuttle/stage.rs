//! What the models have in common: threads, an allocator on a slow system, blocks that change
//! hands, and what must hold at the end.

use std::collections::{BTreeMap, VecDeque};
use std::env::var;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, from_ref};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread::{JoinHandle, spawn};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use tinyalloc_sys::{MapError, Mapper, PosixMapper, Protection};

use crate::allocator::state::Allocator;
use crate::cell::Cell;
use crate::common::{Actor, MIB};
use crate::watch::{self, Access, Clock, Lost, Weakness, forget_range, learn, pause, tell, with_weakness, yield_now};

const ADDRESS_SPACE_BYTES: usize = 1024 * MIB;
const STACK_BYTES: usize = 512 * 1024;
/// Of a schedule of so many steps, a thread waits for what never comes.
const STEPS_MAX: usize = 400_000;
/// So many times a thread of high priority gives way to one of low, in schedules by preference.
const PREEMPTIONS: usize = 3;
const PAUSES_OF_SLOW_CALL: usize = 30;
/// Every weakness shows in far fewer.
const SCHEDULES_WEAKENED: usize = 400;
/// The same schedules in every run, unless there is a seed in the environment.
const SEED: u64 = 0x7469_6e79_616c_6c6f;

/// A system that lets others run before and after every call, and whose memory is gone when the
/// stage is. While it is held, only memory apart is to be had.
#[derive(Default)]
pub(crate) struct SlowMapper {
    held: AtomicBool,
    mapped: Mutex<BTreeMap<usize, usize>>,
    milliseconds: AtomicU64,
    decommits: AtomicUsize,
    pauses: AtomicUsize,
}

impl SlowMapper {
    fn call<R>(&self, call: impl FnOnce() -> R) -> R {
        assert!(!self.held.load(Ordering::Relaxed), "no thread waits for the mapper while a fork holds it");
        self.call_apart(call)
    }

    fn call_apart<R>(&self, call: impl FnOnce() -> R) -> R {
        pause();
        let result = call();
        pause();
        result
    }

    /// One that takes the contents away.
    fn call_slowly<R>(&self, call: impl FnOnce() -> R) -> R {
        (0..self.pauses.load(Ordering::Relaxed)).for_each(|_| pause());
        self.call(call)
    }

    fn note(&self, start: NonNull<u8>, bytes: usize) -> NonNull<u8> {
        self.mapped.lock().unwrap().insert(start.as_ptr().expose_provenance(), bytes);
        start
    }

    fn give_up(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        assert_eq!(self.mapped.lock().unwrap().remove(&start.addr().get()), Some(bytes), "mappings are released whole");
        forget_range(start.addr().get(), bytes);
        // SAFETY: the caller's promise.
        unsafe { PosixMapper.release(start, bytes) }
    }

    /// How many calls that decommit are under way.
    pub(crate) fn decommits(&self) -> usize {
        self.decommits.load(Ordering::Relaxed)
    }

    /// From now on a call that takes contents away lasts so long that others allocate and fill a
    /// block meanwhile.
    pub(crate) fn slow_down(&self) {
        self.pauses.store(PAUSES_OF_SLOW_CALL, Ordering::Relaxed);
    }

    /// As a fork does, from the end of its first handler to the begin of its last.
    pub(crate) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }
}

impl Drop for SlowMapper {
    fn drop(&mut self) {
        for (address, bytes) in std::mem::take(&mut *self.mapped.lock().unwrap()) {
            let start = NonNull::new(std::ptr::with_exposed_provenance_mut(address)).unwrap();
            // SAFETY: the stage ends; no thread uses its memory any more.
            unsafe { PosixMapper.release(start, bytes) }.unwrap();
        }
    }
}

// SAFETY: as `PosixMapper`.
unsafe impl Mapper for SlowMapper {
    const LOCKED_BY_FORKS: bool = true;
    const REMAPS: bool = false;

    fn page_bytes(&self) -> usize {
        PosixMapper.page_bytes()
    }

    fn address_space_bytes(&self) -> usize {
        ADDRESS_SPACE_BYTES
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.call(|| Ok(self.note(PosixMapper.reserve(bytes, align)?, bytes)))
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.call(|| Ok(self.note(PosixMapper.map(bytes, align)?, bytes)))
    }

    fn map_apart(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.call_apart(|| Ok(self.note(PosixMapper.map(bytes, align)?, bytes)))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|| unsafe { PosixMapper.commit(start, bytes) })
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.decommits.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        let decommitted = self.call_slowly(|| unsafe { PosixMapper.decommit(start, bytes) });
        self.decommits.fetch_sub(1, Ordering::Relaxed);
        decommitted
    }

    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call_slowly(|| unsafe { PosixMapper.trap(start, bytes) })
    }

    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call_slowly(|| unsafe { PosixMapper.trap_by_rights(start, bytes) })
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|| unsafe { PosixMapper.untrap(start, bytes) })
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|| unsafe { PosixMapper.protect(start, bytes, protection) })
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.call(|| self.give_up(start, bytes))
    }

    unsafe fn release_apart(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.call_apart(|| self.give_up(start, bytes))
    }

    unsafe fn remap(&self, _start: NonNull<u8>, _bytes: usize, _new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        Err(MapError::Unavailable)
    }

    fn now_milliseconds(&self) -> u64 {
        self.milliseconds.load(Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        0x0123_4567_89ab_cdef
    }
}

/// One allocator, for one schedule. The first thread has started it, and left.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Allocator<SlowMapper>>);

// SAFETY: shuttle runs every thread of a model on one thread of the system.
unsafe impl Send for Stage {}

impl Deref for Stage {
    type Target = Allocator<SlowMapper>;

    fn deref(&self) -> &Allocator<SlowMapper> {
        &self.0
    }
}

impl Stage {
    pub(crate) fn new() -> Stage {
        watch::begin();
        let stage = Stage(Arc::new(Allocator::new(SlowMapper::default())));
        let actor = Actor::new();
        stage.block(actor, 16).free(&stage, actor);
        stage.leave(actor);
        stage
    }

    /// A filled block.
    pub(crate) fn block(&self, actor: Actor, bytes: usize) -> Block {
        Block::filled(self.allocate(actor, bytes).expect("there is memory"), bytes)
    }

    /// The thread ends, having made no mistake.
    pub(crate) fn leave(&self, actor: Actor) {
        self.detach(actor);
        assert_eq!(actor.misuses(), []);
    }

    /// Time passes.
    pub(crate) fn wait(&self, milliseconds: u64) {
        self.mapper().milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// All threads have ended and all blocks were freed: nothing is lost.
    pub(crate) fn finish(&self) {
        let actor = Actor::new();
        for _ in 0..2 {
            self.purge_all(actor);
        }
        let survey = self.survey(actor).expect("every invariant holds");
        assert_eq!((survey.live_bytes, survey.remote_slots, survey.small_spans, survey.resident_slices), (0, 0, 0, 0));
        assert_eq!(actor.misuses(), []);
    }
}

/// A block with an owner, who alone touches it: the first and the last word of it are watched like
/// the engine's own cells.
#[derive(Debug)]
pub(crate) struct Block {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: shuttle runs every thread of a model on one thread of the system.
unsafe impl Send for Block {}

impl Block {
    #[track_caller]
    pub(crate) fn filled(start: NonNull<u8>, bytes: usize) -> Block {
        let block = Block { start, bytes };
        block.words().into_iter().for_each(|word| word.set(block.tag()));
        block
    }

    #[track_caller]
    pub(crate) fn check(&self) {
        assert!(self.words().into_iter().all(|word| word.get() == self.tag()), "a block keeps its contents");
    }

    /// Its contents are looked at, and it is freed.
    #[track_caller]
    pub(crate) fn free(self, stage: &Stage, actor: Actor) {
        self.check();
        // The last owner is done with it.
        self.words().into_iter().for_each(|word| word.set(0));
        // SAFETY: who has the block gives it up.
        unsafe { stage.0.free(actor, self.start.as_ptr()) };
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    fn tag(&self) -> usize {
        self.start.addr().get().rotate_left(13) ^ self.bytes
    }

    fn words(&self) -> [&Cell<usize>; 2] {
        let word = |at: usize| {
            // SAFETY: it lies in the block.
            let word = unsafe { self.start.add(at & !(align_of::<usize>() - 1)) }.cast();
            // SAFETY: the block is live, and any word is a cell.
            unsafe { word.as_ref() }
        };
        [word(0), word(self.bytes - size_of::<usize>())]
    }
}

/// What one thread leaves and another takes, in order, with all that the first one knew. (A
/// program's own lock does as much.)
pub(crate) struct Shelf<T>(Arc<Mutex<VecDeque<(T, Clock)>>>);

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Shelf<T> {
        Shelf(self.0.clone())
    }
}

impl<T> Shelf<T> {
    pub(crate) fn new() -> Shelf<T> {
        Shelf(Arc::default())
    }

    pub(crate) fn put(&self, thing: T) {
        let clock = tell();
        self.0.lock().unwrap().push_back((thing, clock));
        pause();
    }

    pub(crate) fn try_take(&self) -> Option<T> {
        pause();
        let (thing, clock) = self.0.lock().unwrap().pop_front()?;
        learn(&clock);
        Some(thing)
    }

    /// Waits for it.
    pub(crate) fn take(&self) -> T {
        loop {
            match self.try_take() {
                Some(thing) => return thing,
                None => yield_now(),
            }
        }
    }
}

/// A thread of a model.
pub(crate) struct Running<T>(JoinHandle<(T, Clock)>);

pub(crate) fn start<T: Send + 'static>(work: impl FnOnce(Actor) -> T + Send + 'static) -> Running<T> {
    let clock = tell();
    Running(spawn(move || {
        learn(&clock);
        let result = work(Actor::new());
        (result, tell())
    }))
}

impl<T> Running<T> {
    pub(crate) fn join(self) -> T {
        let (result, clock) = self.0.join().unwrap();
        learn(&clock);
        result
    }
}

/// Runs a model under so many schedules at random, and as many by preference.
pub(crate) fn check(schedules: usize, model: fn()) {
    let schedules = schedules * var("MODEL_RUNS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    run(RandomScheduler::new_from_seed(SEED, schedules), FailurePersistence::Print, model);
    run(PctScheduler::new_from_seed(SEED, PREEMPTIONS, schedules), FailurePersistence::Print, model);
}

/// What is said of a model in which all accesses of a kind in one file of the engine lose
/// something. Were nothing said, the model would prove nothing about it.
pub(crate) fn objection(file: &'static str, access: Access, lost: Lost, model: fn()) -> String {
    let weakness = Weakness { file, access, lost };
    let outcome = with_weakness(weakness, || {
        catch_unwind(AssertUnwindSafe(|| {
            run(RandomScheduler::new_from_seed(SEED, SCHEDULES_WEAKENED), FailurePersistence::None, model);
            run(PctScheduler::new_from_seed(SEED, PREEMPTIONS, SCHEDULES_WEAKENED), FailurePersistence::None, model);
        }))
    });
    let Err(reason) = outcome else {
        return String::new();
    };
    reason.downcast::<String>().map_or_else(|_| "?".to_owned(), |text| *text)
}

fn run(scheduler: impl Scheduler + 'static, persistence: FailurePersistence, model: fn()) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.failure_persistence = persistence;
    config.ungraceful_shutdown_config.immediately_return_on_panic = true;
    Runner::new(scheduler, config).run(model);
}
