    //! Is put into a copy of the lock (scripts/harness/manycores/timing.py): how long each is held.

    use core::any::type_name;
    use core::arch::x86_64::_rdtsc;
    use core::sync::atomic::{AtomicU64, Ordering};

    const POWERS: usize = 40;

    /// `struct timed` of bench/many-cores/turns.c. Only the holder of a lock writes to its own.
    #[repr(C)]
    pub struct Timed {
        began: AtomicU64,
        takes: AtomicU64,
        held_ticks: AtomicU64,
        held: [AtomicU64; POWERS],
        waited: [AtomicU64; POWERS],
    }

    impl Timed {
        const fn new() -> Timed {
            Timed {
                began: AtomicU64::new(0),
                takes: AtomicU64::new(0),
                held_ticks: AtomicU64::new(0),
                held: [const { AtomicU64::new(0) }; POWERS],
                waited: [const { AtomicU64::new(0) }; POWERS],
            }
        }
    }

    #[unsafe(link_section = ".data")]
    static LOCKS: [Timed; 3] = [const { Timed::new() }; 3];

    #[unsafe(no_mangle)]
    pub extern "C" fn tinyalloc_timed_locks() -> *const Timed {
        LOCKS.as_ptr()
    }

    pub(super) fn ticks() -> u64 {
        // SAFETY: every processor has it.
        unsafe { _rdtsc() }
    }

    fn of<T>() -> &'static Timed {
        let name = type_name::<T>();
        &LOCKS[if name.ends_with("::Space") {
            0
        } else if name.ends_with("::Pool") {
            1
        } else {
            2
        }]
    }

    fn add(counter: &AtomicU64, amount: u64) {
        counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
    }

    fn note(powers: &[AtomicU64; POWERS], ticks: u64) {
        add(&powers[(64 - ticks.leading_zeros() as usize).min(POWERS - 1)], 1);
    }

    pub(super) fn taken<T>(asked: u64) {
        let (timed, now) = (of::<T>(), ticks());
        note(&timed.waited, now - asked);
        timed.began.store(now, Ordering::Relaxed);
    }

    pub(super) fn released<T>() {
        let timed = of::<T>();
        let held = ticks() - timed.began.load(Ordering::Relaxed);
        add(&timed.takes, 1);
        add(&timed.held_ticks, held);
        note(&timed.held, held);
    }
