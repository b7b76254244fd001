//! The statistics as they were when the epoch began: names of one epoch agree with each other, and
//! reading many of them walks the heap once.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use libc::{EAGAIN, c_int};
use tinyalloc_alloc::{CLASS_COUNT, HeapRef, Mode, Stats, ThreadContext};

use super::arenas::{ALL, Arena, arena};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

const FIGURES: usize = 10;
const CLASS_FIGURES: usize = 3;

/// What is counted of an arena, in bytes but for `purges`.
#[derive(Clone, Copy, Default)]
pub(super) struct Figures {
    pub allocated: usize,
    pub small: usize,
    pub active: usize,
    pub metadata: usize,
    pub resident: usize,
    pub mapped: usize,
    pub retained: usize,
    pub dirty: usize,
    pub purges: usize,
    pub purged: usize,
}

/// What is counted of the slots of one size.
#[derive(Clone, Copy, Default)]
pub(super) struct ClassFigures {
    pub live: usize,
    pub present: usize,
    /// That spans have room for.
    pub slots: usize,
}

/// Any thread may read it while another one renews it: a figure is the old or the new one.
struct Snapshot {
    figures: [AtomicUsize; FIGURES],
    classes: [[AtomicUsize; CLASS_FIGURES]; CLASS_COUNT],
}

static PROCESS: Snapshot = Snapshot::new();
static GLOBAL_HEAP: Snapshot = Snapshot::new();
static EPOCH: AtomicU64 = AtomicU64::new(0);

impl Figures {
    fn of(stats: &Stats) -> Figures {
        Figures {
            allocated: stats.allocated,
            small: stats.classes.iter().map(|class| class.live_slots * class.slot_bytes).sum(),
            active: stats.active,
            metadata: stats.metadata,
            resident: stats.resident,
            mapped: stats.mapped,
            retained: stats.retained,
            dirty: stats.resident_free,
            purges: stats.purges,
            purged: stats.purged,
        }
    }

    const fn into_array(self) -> [usize; FIGURES] {
        let Figures { allocated, small, active, metadata, resident, mapped, retained, dirty, purges, purged } = self;
        [allocated, small, active, metadata, resident, mapped, retained, dirty, purges, purged]
    }

    const fn from_array(figures: [usize; FIGURES]) -> Figures {
        let [allocated, small, active, metadata, resident, mapped, retained, dirty, purges, purged] = figures;
        Figures { allocated, small, active, metadata, resident, mapped, retained, dirty, purges, purged }
    }
}

impl ClassFigures {
    fn of(stats: &Stats, class: usize) -> ClassFigures {
        stats.classes.get(class).map_or(ClassFigures::default(), |class| ClassFigures {
            live: class.live_slots,
            present: class.live_slots + class.free_slots,
            slots: class.slots,
        })
    }
}

impl Snapshot {
    const fn new() -> Snapshot {
        Snapshot {
            figures: [const { AtomicUsize::new(0) }; FIGURES],
            classes: [const { [const { AtomicUsize::new(0) }; CLASS_FIGURES] }; CLASS_COUNT],
        }
    }

    fn renew(&self, stats: &Stats) {
        for (to, figure) in self.figures.iter().zip(Figures::of(stats).into_array()) {
            to.store(figure, Ordering::Relaxed);
        }
        for (number, to) in self.classes.iter().enumerate() {
            let ClassFigures { live, present, slots } = ClassFigures::of(stats, number);
            to.iter().zip([live, present, slots]).for_each(|(to, figure)| to.store(figure, Ordering::Relaxed));
        }
    }

    fn figures(&self) -> Figures {
        Figures::from_array(self.figures.each_ref().map(|figure| figure.load(Ordering::Relaxed)))
    }

    fn class(&self, class: usize) -> ClassFigures {
        let [live, present, slots] = self
            .classes
            .get(class)
            .map_or([0; CLASS_FIGURES], |class| class.each_ref().map(|figure| figure.load(Ordering::Relaxed)));
        ClassFigures { live, present, slots }
    }
}

/// The number of the epoch; the first begins with the first question.
pub(super) fn epoch() -> Result<u64, c_int> {
    if EPOCH.load(Ordering::Acquire) == 0 {
        renew()?;
    }
    Ok(EPOCH.load(Ordering::Acquire))
}

/// Counts anew. `EAGAIN` in a signal handler that interrupted the allocator.
pub(super) fn renew() -> Result<(), c_int> {
    let stats = ALLOCATOR.stats(Thread);
    if stats.reserved == 0 && Thread.mode() == Mode::InSlowPath {
        return Err(EAGAIN);
    }
    PROCESS.renew(&stats);
    if stats.isolated_heaps > 0 {
        GLOBAL_HEAP.renew(&ALLOCATOR.global_heap_stats(Thread));
    } else {
        GLOBAL_HEAP.renew(&stats);
    }
    EPOCH.fetch_add(1, Ordering::Release);
    Ok(())
}

/// Of the whole process.
pub(super) fn of_process() -> Result<Figures, c_int> {
    epoch().map(|_| PROCESS.figures())
}

/// Slots of one size in the whole process.
pub(super) fn class_of_process(class: usize) -> Result<ClassFigures, c_int> {
    epoch().map(|_| PROCESS.class(class))
}

/// Of an arena. Those that the program made are counted as they are asked for.
pub(super) fn of_arena(number: usize) -> Result<Figures, c_int> {
    epoch()?;
    match heap_of(number) {
        Some(heap) => counted(heap).map(|stats| Figures::of(&stats)),
        None => Ok(snapshot_of(number).figures()),
    }
}

pub(super) fn class_of_arena(number: usize, class: usize) -> Result<ClassFigures, c_int> {
    epoch()?;
    match heap_of(number) {
        Some(heap) => counted(heap).map(|stats| ClassFigures::of(&stats, class)),
        None => Ok(snapshot_of(number).class(class)),
    }
}

fn heap_of(number: usize) -> Option<HeapRef> {
    match arena(number)? {
        Arena::Heap(heap) => Some(heap),
        Arena::Global => None,
    }
}

fn snapshot_of(number: usize) -> &'static Snapshot {
    if number == ALL { &PROCESS } else { &GLOBAL_HEAP }
}

fn counted(heap: HeapRef) -> Result<Stats, c_int> {
    ALLOCATOR.heap_stats(Thread, heap).ok_or(EAGAIN)
}
