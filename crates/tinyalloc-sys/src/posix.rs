//! Memory from POSIX: mmap, mprotect, madvise, munmap, and mremap where there is one.

use crate::align::{is_aligned, round_up};
#[cfg(target_os = "linux")]
use crate::mapper::Placement;
use crate::mapper::{MapError, Mapper, Protection};
use crate::mix::splitmix;
use crate::room;
use crate::system::{
    RESERVE_FLAGS, advise_huge_pages, discard, errno_location, install_guards, is_guarded, monotonic_clock, name, page_bytes,
    random_seeds, remap, remove_guards, seal, tick_clock,
};
#[cfg(target_os = "linux")]
use crate::system::{nodes, place};
use crate::system_calls::SystemCall;
#[cfg(target_os = "linux")]
use crate::vdso::node;
use core::ffi::{CStr, c_int, c_void};
use core::mem::MaybeUninit;
use core::num::NonZeroUsize;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use libc::{
    EAGAIN, EINTR, EINVAL, ENOMEM, MAP_ANON, MAP_FAILED, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, RLIM_INFINITY, RLIMIT_AS,
    clock_gettime, clockid_t, getpid, getrlimit, mmap, mprotect, munmap, rlimit, timespec,
};

const READ_WRITE: c_int = PROT_READ | PROT_WRITE;
const MAP_FLAGS: c_int = MAP_PRIVATE | MAP_ANON;

/// A signal or a busy kernel may refuse madvise a few times; forever is not ours to wait.
const DISCARD_ATTEMPTS: usize = 8;

const MILLISECONDS_PER_SECOND: u64 = 1_000;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;
const NANOSECONDS_PER_MILLISECOND: u64 = NANOSECONDS_PER_SECOND / MILLISECONDS_PER_SECOND;

/// Zero until it was first read.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// How many random numbers this process took, so that no two are alike.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static RANDOMS_TAKEN: AtomicU64 = AtomicU64::new(0);

/// How ranges were trapped so far.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static TRAPS: AtomicU8 = AtomicU8::new(0);
const TRAPS_ARE_GUARDS: u8 = 1;
const TRAPS_ARE_RIGHTS: u8 = 2;
/// Guard markers are granted, and do nothing.
const GUARDS_ARE_IGNORED: u8 = 4;

/// Whether memory that was returned reads as zero; 0 until it was seen.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static DISCARDS: AtomicU8 = AtomicU8::new(0);
const DISCARDS_CLEAR: u8 = 1;
/// They are granted, and do nothing: emulators of Linux, such as QEMU's before 7.1, say yes to
/// every advice.
const DISCARDS_ARE_IGNORED: u8 = 2;

/// About how many ranges are trapped by access rights. Each splits a mapping, of which a process
/// may have 65,530.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static TRAPPED_BY_RIGHTS: AtomicUsize = AtomicUsize::new(0);
const TRAPPED_BY_RIGHTS_MAX: usize = 8192;

/// Whether mappings get names: each costs a system call, which a sandbox may not know.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NAMES: AtomicU8 = AtomicU8::new(0);
const NAMES_WANTED: u8 = 1;
/// The system has none: it is not asked again.
const NAMES_REFUSED: u8 = 2;

/// The [`Mapper`] of Linux and other Unix systems: private anonymous mappings.
///
/// Nothing is remembered, and no address is hinted at but in a [`Mapper::room`]. errno is as before
/// after every call, failed ones too. [`Mapper::remap`] keeps page alignment only, whatever the
/// mapping was aligned to, and is [`MapError::Unavailable`] without mremap.
#[derive(Clone, Copy, Debug, Default)]
pub struct PosixMapper;

impl PosixMapper {
    /// The mapper; it has no state.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Whether [`Mapper::name`] asks the system, in this process; it does not at first.
    #[must_use]
    pub fn names_mappings() -> bool {
        NAMES.load(Ordering::Relaxed) & NAMES_WANTED != 0
    }

    /// Changes [`PosixMapper::names_mappings`].
    pub fn set_names_mappings(is_on: bool) {
        if is_on {
            NAMES.fetch_or(NAMES_WANTED, Ordering::Relaxed);
        } else {
            NAMES.fetch_and(!NAMES_WANTED, Ordering::Relaxed);
        }
    }
}

// SAFETY: mmap without MAP_FIXED returns unused address space, and only `release` unmaps it.
unsafe impl Mapper for PosixMapper {
    const REMAPS: bool = cfg!(any(target_os = "linux", target_os = "android"));

    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn page_bytes(&self) -> usize {
        match PAGE_BYTES.load(Ordering::Relaxed) {
            0 => page_bytes_slow().get(),
            bytes => bytes,
        }
    }

    fn address_space_bytes(&self) -> usize {
        keeping_errno(|| {
            let mut limit = MaybeUninit::<rlimit>::uninit();
            // SAFETY: the pointer is to writable memory of the right type.
            if unsafe { getrlimit(RLIMIT_AS, limit.as_mut_ptr()) } != 0 {
                return usize::MAX;
            }
            // SAFETY: getrlimit succeeded, so it filled the limit in.
            match unsafe { limit.assume_init() }.rlim_cur {
                RLIM_INFINITY => usize::MAX,
                bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
            }
        })
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        keeping_errno(|| map_aligned(bytes, align, self.page_bytes(), PROT_NONE, MAP_FLAGS | RESERVE_FLAGS))
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn room(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        room::find(bytes, align)
    }

    unsafe fn claim(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        keeping_errno(|| {
            SystemCall::Mmap.count();
            // Without MAP_FIXED the address is a wish: where anybody has a part of the range, the
            // mapping is somewhere else. (There is a flag for that since Linux 4.17, which
            // sandboxes may not know.) SAFETY: a new mapping disturbs no other.
            let claimed = mapped(unsafe { mmap(start.as_ptr().cast(), bytes, READ_WRITE, MAP_FLAGS | RESERVE_FLAGS, -1, 0) })?;
            if claimed == start {
                return Ok(());
            }
            SystemCall::Munmap.count();
            // SAFETY: the mapping was just made and no other code knows it.
            unsafe { munmap(claimed.as_ptr().cast(), bytes) };
            Err(MapError::Unavailable)
        })
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        keeping_errno(|| map_aligned(bytes, align, self.page_bytes(), READ_WRITE, MAP_FLAGS))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller owns the range, and more rights break no access.
        unsafe { self.protect(start, bytes, Protection::ReadWrite) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller owns the range and wants nothing in it.
        keeping_errno(|| unsafe { clear_by_discarding(start, bytes) })
    }

    unsafe fn prefer_huge_pages(&self, start: NonNull<u8>, bytes: usize, preferred: bool) -> Result<(), MapError> {
        SystemCall::Madvise.count();
        // SAFETY: the caller owns the range, and contents stay.
        keeping_errno(|| outcome(unsafe { advise_huge_pages(start.as_ptr().cast(), bytes, preferred) }))
    }

    #[cfg(target_os = "linux")]
    fn node(&self) -> u32 {
        node()
    }

    #[cfg(target_os = "linux")]
    fn nodes(&self) -> u64 {
        keeping_errno(nodes)
    }

    #[cfg(target_os = "linux")]
    unsafe fn place(&self, start: NonNull<u8>, bytes: usize, placement: Placement) -> Result<(), MapError> {
        let node = match placement {
            Placement::Node(node) => Some(node),
            Placement::Interleaved => None,
        };
        // SAFETY: the caller owns the range, and contents stay.
        keeping_errno(|| outcome(unsafe { place(start.as_ptr().cast(), bytes, node) }))
    }

    /// By the kernel's guard markers, which split no mapping, and by access rights where it has
    /// none.
    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller owns the range and wants nothing in it.
        keeping_errno(|| match unsafe { trap_by_guards(start, bytes) } {
            Ok(()) => Ok(()),
            Err(_) if TRAPPED_BY_RIGHTS.load(Ordering::Relaxed) >= TRAPPED_BY_RIGHTS_MAX => Err(MapError::Unavailable),
            // SAFETY: as above.
            Err(_) => unsafe { self.trap_by_rights(start, bytes) },
        })
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        keeping_errno(|| {
            // SAFETY: the caller owns the range and wants nothing in it.
            unsafe { clear_by_discarding(start, bytes) }?;
            TRAPS.fetch_or(TRAPS_ARE_RIGHTS, Ordering::Relaxed);
            TRAPPED_BY_RIGHTS.fetch_add(1, Ordering::Relaxed);
            // SAFETY: as above.
            let trapped = unsafe { self.protect(start, bytes, Protection::None) };
            if trapped.is_err() {
                // The kernel may have come half way, where the program split the mapping.
                // SAFETY: more rights break no access.
                _ = unsafe { self.protect(start, bytes, Protection::ReadWrite) };
            }
            trapped
        })
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        keeping_errno(|| {
            let used = TRAPS.load(Ordering::Relaxed);
            if used & TRAPS_ARE_GUARDS != 0 {
                SystemCall::Madvise.count();
                // SAFETY: the caller owns the range; contents stay.
                outcome(unsafe { remove_guards(start.as_ptr().cast(), bytes) })?;
            }
            if used & TRAPS_ARE_RIGHTS == 0 {
                return Ok(());
            }
            let left = TRAPPED_BY_RIGHTS.load(Ordering::Relaxed).saturating_sub(1);
            TRAPPED_BY_RIGHTS.store(left, Ordering::Relaxed);
            // SAFETY: the caller owns the range, and more rights break no access.
            unsafe { self.protect(start, bytes, Protection::ReadWrite) }
        })
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        let rights = match protection {
            Protection::None => PROT_NONE,
            Protection::Read => PROT_READ,
            Protection::ReadWrite => READ_WRITE,
        };
        SystemCall::Mprotect.count();
        // SAFETY: the caller owns the range and answers for its rights.
        keeping_errno(|| outcome(unsafe { mprotect(start.as_ptr().cast(), bytes, rights) }))
    }

    unsafe fn seal(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller owns the range, and keeps it.
        keeping_errno(|| outcome(unsafe { seal(start.as_ptr().cast(), bytes) }))
    }

    fn name(&self, start: NonNull<u8>, bytes: usize, text: &CStr) -> bool {
        if NAMES.load(Ordering::Relaxed) != NAMES_WANTED {
            return false;
        }
        keeping_errno(|| {
            // SAFETY: the text is a string; nothing but the name of a mapping changes.
            let named = outcome(unsafe { name(start.as_ptr().cast(), bytes, text.as_ptr()) });
            if named == Err(MapError::Unavailable) {
                NAMES.fetch_or(NAMES_REFUSED, Ordering::Relaxed);
            }
            named.is_ok()
        })
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        keeping_errno(|| {
            SystemCall::Munmap.count();
            // SAFETY: the caller owns the range and uses it no more.
            let released = outcome(unsafe { munmap(start.as_ptr().cast(), bytes) });
            if released == Err(MapError::OutOfMemory) {
                // munmap would have split a mapping and the process has no more to spare: at least
                // the memory goes back. SAFETY: the caller owns the range and wants nothing in it.
                _ = unsafe { discard_patiently(start, bytes) };
            }
            released
        })
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        keeping_errno(|| {
            SystemCall::Mremap.count();
            // SAFETY: the caller owns the mapping and only uses what is returned.
            let moved = mapped(unsafe { remap(start.as_ptr().cast(), bytes, new_bytes) });
            // To some kernels a size beyond the address space is a bad argument rather than a lack
            // of space.
            moved.map_err(|error| if new_bytes > bytes && errno() == EINVAL { MapError::OutOfMemory } else { error })
        })
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn now_milliseconds(&self) -> u64 {
        keeping_errno(|| {
            let now = clock(tick_clock());
            whole(now.tv_sec) * MILLISECONDS_PER_SECOND + whole(now.tv_nsec) / NANOSECONDS_PER_MILLISECOND
        })
    }

    /// Mixes what the system gave the process to be random with, an address that the loader chose,
    /// and the number of the process, which alone differs between the children of one parent; the
    /// clock where nothing is given. (Reading it touches two pages more.) The first number needs no
    /// system call, for the sake of sandboxes that kill: children share what their parent began
    /// with anyway.
    ///
    /// The mixing is splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
    /// generators", 2014.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn random(&self) -> u64 {
        keeping_errno(|| {
            let address = (&raw const RANDOMS_TAKEN).addr() as u64;
            let taken = RANDOMS_TAKEN.fetch_add(1, Ordering::Relaxed);
            let [seed, other_seed] = random_seeds();
            let time = if seed | other_seed == 0 { nanoseconds() } else { 0 };
            // SAFETY: always succeeds.
            let process = if taken == 0 && time == 0 { 0 } else { whole(unsafe { getpid() }) };
            [seed, address, process, time, other_seed].into_iter().fold(taken, |state, input| splitmix(state ^ input))
        })
    }
}

#[cold]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
fn page_bytes_slow() -> NonZeroUsize {
    let bytes = NonZeroUsize::new(keeping_errno(page_bytes)).unwrap_or(NonZeroUsize::MIN);
    PAGE_BYTES.store(bytes.get(), Ordering::Relaxed);
    bytes
}

/// Runs `call` and puts errno back to what it was.
#[inline]
pub(crate) fn keeping_errno<R>(call: impl FnOnce() -> R) -> R {
    let before = errno();
    let result = call();
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().write(before) };
    result
}

#[inline]
pub(crate) fn errno() -> c_int {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().read() }
}

/// What errno says after a failed call.
#[cold]
fn reason() -> MapError {
    match errno() {
        ENOMEM | EAGAIN => MapError::OutOfMemory,
        _ => MapError::Unavailable,
    }
}

#[inline]
fn outcome(status: c_int) -> Result<(), MapError> {
    if status == 0 { Ok(()) } else { Err(reason()) }
}

/// The address that mmap or mremap returned. Without a hint the kernel never returns page zero.
#[inline]
fn mapped(address: *mut c_void) -> Result<NonNull<u8>, MapError> {
    if address == MAP_FAILED { Err(reason()) } else { NonNull::new(address.cast()).ok_or(MapError::Unavailable) }
}

fn map_anywhere(bytes: usize, rights: c_int, flags: c_int) -> Result<NonNull<u8>, MapError> {
    SystemCall::Mmap.count();
    // SAFETY: a new mapping at an address of the kernel's choice disturbs no other.
    mapped(unsafe { mmap(null_mut(), bytes, rights, flags, -1, 0) })
}

fn map_aligned(bytes: usize, align: usize, page_bytes: usize, rights: c_int, flags: c_int) -> Result<NonNull<u8>, MapError> {
    debug_assert!(align.is_power_of_two(), "alignment is not a power of two");
    if align <= page_bytes {
        return map_anywhere(bytes, rights, flags);
    }
    let bytes = round_up(bytes, page_bytes).ok_or(MapError::OutOfMemory)?;
    let padded_bytes = bytes.checked_add(align - page_bytes).ok_or(MapError::OutOfMemory)?;
    match map_anywhere(padded_bytes, rights, flags) {
        Ok(start) => Ok(trim(start, padded_bytes, bytes, align)),
        // Too little is left for the padding: a mapping below its like is often aligned all the
        // same.
        Err(_) => map_lucky(bytes, align, rights, flags),
    }
}

/// Cuts an aligned range out of a padded mapping. Where the process may have no more mappings,
/// padding stays behind, unused.
fn trim(start: NonNull<u8>, padded_bytes: usize, bytes: usize, align: usize) -> NonNull<u8> {
    let head_bytes = start.addr().get().wrapping_neg() & (align - 1);
    let tail_bytes = padded_bytes - head_bytes - bytes;
    // SAFETY: the padding is large enough for the head and the range behind it.
    let aligned = unsafe { start.add(head_bytes) };
    // SAFETY: the tail, if any, follows the range within the mapping.
    let tail = unsafe { aligned.add(bytes) };
    for (part, part_bytes) in [(start, head_bytes), (tail, tail_bytes)] {
        if part_bytes != 0 {
            SystemCall::Munmap.count();
            // SAFETY: the padding was just mapped and no other code knows it.
            unsafe { munmap(part.as_ptr().cast(), part_bytes) };
        }
    }
    aligned
}

#[cold]
fn map_lucky(bytes: usize, align: usize, rights: c_int, flags: c_int) -> Result<NonNull<u8>, MapError> {
    let start = map_anywhere(bytes, rights, flags)?;
    if is_aligned(start.addr().get(), align) {
        return Ok(start);
    }
    SystemCall::Munmap.count();
    // SAFETY: the mapping was just made and no other code knows it.
    unsafe { munmap(start.as_ptr().cast(), bytes) };
    Err(MapError::OutOfMemory)
}

/// Decommits memory; an error, too, where it was granted and what was there is still there.
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe fn clear_by_discarding(start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
    // SAFETY: the caller promises it.
    unsafe { discard_patiently(start, bytes) }?;
    if DISCARDS.load(Ordering::Relaxed) == 0 {
        note_what_discards_do(discard);
    }
    if DISCARDS.load(Ordering::Relaxed) == DISCARDS_ARE_IGNORED { Err(MapError::Unavailable) } else { Ok(()) }
}

type Discard = unsafe fn(*mut c_void, usize) -> c_int;

/// Looks once, at a page of its own: others may look at the caller's range, and not all of it may
/// be accessible. Where no page is to be had, or it cannot be discarded, discards are taken for
/// what they should be, until the next time.
#[cold]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
fn note_what_discards_do(discard: Discard) {
    if let Some(clears) = discard_clears(discard) {
        DISCARDS.store(if clears { DISCARDS_CLEAR } else { DISCARDS_ARE_IGNORED }, Ordering::Relaxed);
    }
}

/// Whether a byte is gone afterwards; `None` if that cannot be found out.
fn discard_clears(discard: Discard) -> Option<bool> {
    let bytes = PosixMapper.page_bytes();
    let page = map_anywhere(bytes, READ_WRITE, MAP_FLAGS).ok()?;
    // SAFETY: the page was just mapped, for this.
    unsafe { page.write_volatile(1) };
    SystemCall::Madvise.count();
    // SAFETY: as above.
    let granted = unsafe { discard(page.as_ptr().cast(), bytes) } == 0;
    // SAFETY: as above.
    let is_clear = unsafe { page.read_volatile() } == 0;
    SystemCall::Munmap.count();
    // SAFETY: as above; no other code knows it.
    unsafe { munmap(page.as_ptr().cast(), bytes) };
    granted.then_some(is_clear)
}

/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe fn discard_patiently(start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
    let mut result = Ok(());
    for _ in 0..DISCARD_ATTEMPTS {
        SystemCall::Madvise.count();
        // SAFETY: the caller promises it.
        result = outcome(unsafe { discard(start.as_ptr().cast(), bytes) });
        if result.is_ok() || !matches!(errno(), EINTR | EAGAIN) {
            break;
        }
    }
    result
}

/// Traps a range by guard markers, which are tried out at the first time.
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
unsafe fn trap_by_guards(start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
    let used = TRAPS.load(Ordering::Relaxed);
    if used & GUARDS_ARE_IGNORED != 0 {
        return Err(MapError::Unavailable);
    }
    // SAFETY: the caller promises it.
    unsafe { guard(start, bytes) }?;
    if used & TRAPS_ARE_GUARDS != 0 {
        return Ok(());
    }
    // SAFETY: the caller owns the range.
    let works = unsafe { is_guarded(start.as_ptr().cast()) };
    TRAPS.fetch_or(if works { TRAPS_ARE_GUARDS } else { GUARDS_ARE_IGNORED }, Ordering::Relaxed);
    if works {
        return Ok(());
    }
    // Perhaps it was only not to be found out: a sandbox may refuse the question.
    // SAFETY: the caller owns the range; contents stay.
    unsafe { remove_guards(start.as_ptr().cast(), bytes) };
    Err(MapError::Unavailable)
}

/// Puts guard markers on every page of a range, or on none.
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
unsafe fn guard(start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
    SystemCall::Madvise.count();
    // SAFETY: the caller promises it.
    let guarded = outcome(unsafe { install_guards(start.as_ptr().cast(), bytes) });
    if guarded.is_err() {
        // The kernel may have come half way: to a mapping that the program locked, say.
        // SAFETY: the caller promises it.
        unsafe { remove_guards(start.as_ptr().cast(), bytes) };
    }
    guarded
}

/// The time of a clock; zero if there is no such clock.
fn clock(id: clockid_t) -> timespec {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to writable memory of the right type.
    unsafe { clock_gettime(id, &raw mut now) };
    now
}

fn nanoseconds() -> u64 {
    let now = clock(monotonic_clock());
    whole(now.tv_sec).wrapping_mul(NANOSECONDS_PER_SECOND).wrapping_add(whole(now.tv_nsec))
}

/// A count of a clock, which is never negative.
fn whole(count: impl TryInto<u64>) -> u64 {
    count.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{discard, discard_clears};
    use core::ffi::{c_int, c_void};

    unsafe fn ignore(_start: *mut c_void, _bytes: usize) -> c_int {
        0
    }

    unsafe fn refuse(_start: *mut c_void, _bytes: usize) -> c_int {
        -1
    }

    #[test]
    fn a_discard_that_does_nothing_is_told_from_one_that_clears_and_from_one_that_is_refused() {
        assert_eq!(discard_clears(ignore), Some(false));
        assert_eq!(discard_clears(discard), Some(true));
        assert_eq!(discard_clears(refuse), None);
    }
}
