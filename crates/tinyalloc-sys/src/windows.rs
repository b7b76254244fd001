//! Memory from Windows: VirtualAlloc, VirtualFree, VirtualProtect.

use core::ffi::c_void;
use core::ptr::{NonNull, null, null_mut, with_exposed_provenance};
use core::sync::atomic::{AtomicUsize, Ordering};

use windows_sys::Win32::Foundation::{ERROR_COMMITMENT_LIMIT, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, GetLastError};
use windows_sys::Win32::Security::Cryptography::ProcessPrng;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_DECOMMIT, MEM_FREE, MEM_RELEASE, MEM_RESERVE, MEMORY_BASIC_INFORMATION, PAGE_NOACCESS, PAGE_PROTECTION_FLAGS,
    PAGE_READONLY, PAGE_READWRITE, VIRTUAL_ALLOCATION_TYPE, VirtualAlloc, VirtualFree, VirtualProtect, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, GetTickCount64, SYSTEM_INFO};

use crate::align::{is_aligned, round_up};
use crate::last_error::keeping_last_error;
use crate::mapper::{MapError, Mapper, Protection};
use crate::system_calls::SystemCall;

/// Every reservation begins on a multiple of this, on all processors.
const GRANULARITY: usize = 64 * 1024;

/// How often an aligned place is looked for that no other thread takes first.
const ALIGNED_ATTEMPTS: usize = 16;

/// Zero until it was first read.
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The [`Mapper`] of Windows: private memory.
///
/// Nothing is remembered, and the thread's last error is as before after every call, failed ones
/// too. What is decommitted is returned with the system's promise of it, and faults until it is
/// untrapped or committed again ([`Mapper::RECOMMITS`]). A reservation is released as a whole: of
/// a part, the memory is returned, and the addresses are not. There is no [`Mapper::remap`].
#[derive(Clone, Copy, Debug, Default)]
pub struct WindowsMapper;

impl WindowsMapper {
    /// The mapper; it has no state.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Mappings have no names.
    #[must_use]
    pub fn names_mappings() -> bool {
        false
    }

    /// As [`WindowsMapper::names_mappings`].
    pub fn set_names_mappings(_is_on: bool) {}
}

// SAFETY: VirtualAlloc reserves unused address space, and only `release` releases it.
unsafe impl Mapper for WindowsMapper {
    const RECOMMITS: bool = true;

    const REMAPS: bool = false;

    fn page_bytes(&self) -> usize {
        match PAGE_BYTES.load(Ordering::Relaxed) {
            0 => page_bytes_slow(),
            bytes => bytes,
        }
    }

    fn address_space_bytes(&self) -> usize {
        usize::MAX
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        keeping_last_error(|| allocate(bytes, align, MEM_RESERVE, PAGE_NOACCESS))
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        keeping_last_error(|| allocate(bytes, align, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.whole_pages(start, bytes)?;
        SystemCall::Mprotect.count();
        keeping_last_error(|| {
            // SAFETY: the caller owns the range; what is committed already keeps its contents.
            let committed = unsafe { VirtualAlloc(start.as_ptr().cast(), bytes, MEM_COMMIT, PAGE_READWRITE) };
            if committed.is_null() { Err(reason()) } else { Ok(()) }
        })
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.whole_pages(start, bytes)?;
        SystemCall::Madvise.count();
        // SAFETY: the caller owns the range and wants nothing in it.
        keeping_last_error(|| outcome(unsafe { VirtualFree(start.as_ptr().cast(), bytes, MEM_DECOMMIT) }))
    }

    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise; what is decommitted faults.
        unsafe { self.decommit(start, bytes) }
    }

    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise; what is decommitted faults.
        unsafe { self.decommit(start, bytes) }
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise; what is committed already keeps its contents.
        unsafe { self.commit(start, bytes) }
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        self.whole_pages(start, bytes)?;
        let rights = match protection {
            Protection::None => PAGE_NOACCESS,
            Protection::Read => PAGE_READONLY,
            Protection::ReadWrite => PAGE_READWRITE,
        };
        SystemCall::Mprotect.count();
        keeping_last_error(|| {
            let mut before = 0;
            // SAFETY: the caller owns the range and answers for its rights.
            outcome(unsafe { VirtualProtect(start.as_ptr().cast(), bytes, rights, &raw mut before) })
        })
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.whole_pages(start, bytes)?;
        if !is_whole(start, bytes) {
            // SAFETY: the caller owns the range and wants nothing in it.
            return unsafe { self.decommit(start, bytes) };
        }
        SystemCall::Munmap.count();
        // SAFETY: the caller owns the range, which is a whole reservation, and uses it no more.
        keeping_last_error(|| outcome(unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) }))
    }

    unsafe fn remap(&self, _start: NonNull<u8>, _bytes: usize, _new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        Err(MapError::Unavailable)
    }

    fn now_milliseconds(&self) -> u64 {
        // SAFETY: always succeeds.
        unsafe { GetTickCount64() }
    }

    /// What Rust's standard library seeds its hash tables with. It has a state for each processor,
    /// and never fails.
    fn random(&self) -> u64 {
        let mut number = 0_u64;
        // SAFETY: the pointer is to as many writable bytes.
        keeping_last_error(|| unsafe { ProcessPrng((&raw mut number).cast(), size_of::<u64>()) });
        number
    }
}

impl WindowsMapper {
    /// The system would round ranges to pages; a caller that needs that has a mistake.
    fn whole_pages(self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        let page_bytes = self.page_bytes();
        let is_whole = bytes != 0 && is_aligned(start.addr().get(), page_bytes) && is_aligned(bytes, page_bytes);
        if is_whole { Ok(()) } else { Err(MapError::Unavailable) }
    }
}

#[cold]
fn page_bytes_slow() -> usize {
    let mut system = SYSTEM_INFO::default();
    // SAFETY: the structure is valid for the write.
    unsafe { GetSystemInfo(&raw mut system) };
    let bytes = usize::try_from(system.dwPageSize).unwrap_or(GRANULARITY);
    PAGE_BYTES.store(bytes, Ordering::Relaxed);
    bytes
}

fn allocate(
    bytes: usize,
    align: usize,
    kind: VIRTUAL_ALLOCATION_TYPE,
    rights: PAGE_PROTECTION_FLAGS,
) -> Result<NonNull<u8>, MapError> {
    debug_assert!(align.is_power_of_two(), "alignment is not a power of two");
    if bytes == 0 {
        return Err(MapError::Unavailable);
    }
    if align <= GRANULARITY {
        return allocate_at(null(), bytes, kind, rights);
    }
    let bytes = round_up(bytes, WindowsMapper.page_bytes()).ok_or(MapError::OutOfMemory)?;
    let padded_bytes = bytes.checked_add(align - GRANULARITY).ok_or(MapError::OutOfMemory)?;
    for _ in 0..ALIGNED_ATTEMPTS {
        // A reservation cannot be cut, so that it is made twice: once to find a place, which
        // another thread may take in between.
        let place = allocate_at(null(), padded_bytes, MEM_RESERVE, PAGE_NOACCESS)?;
        SystemCall::Munmap.count();
        // SAFETY: just reserved, and no other code knows it.
        unsafe { VirtualFree(place.as_ptr().cast(), 0, MEM_RELEASE) };
        let Some(aligned) = round_up(place.addr().get(), align) else { continue };
        if let Ok(start) = allocate_at(with_exposed_provenance(aligned), bytes, kind, rights) {
            return Ok(start);
        }
    }
    Err(MapError::OutOfMemory)
}

/// New memory at an address, or at one of the system's choice for null. The only reasons against
/// the latter are that there is too little of something, whatever the error is called.
fn allocate_at(
    address: *const c_void,
    bytes: usize,
    kind: VIRTUAL_ALLOCATION_TYPE,
    rights: PAGE_PROTECTION_FLAGS,
) -> Result<NonNull<u8>, MapError> {
    SystemCall::Mmap.count();
    // SAFETY: a new reservation disturbs no other.
    let start = unsafe { VirtualAlloc(address, bytes, kind, rights) };
    NonNull::new(start.cast()).ok_or(MapError::OutOfMemory)
}

fn outcome(succeeded: i32) -> Result<(), MapError> {
    if succeeded != 0 { Ok(()) } else { Err(reason()) }
}

/// What the last error says after a failed call.
#[cold]
fn reason() -> MapError {
    // SAFETY: reads a word of this thread.
    match unsafe { GetLastError() } {
        ERROR_NOT_ENOUGH_MEMORY | ERROR_COMMITMENT_LIMIT | ERROR_NO_SYSTEM_RESOURCES => MapError::OutOfMemory,
        _ => MapError::Unavailable,
    }
}

/// Whether a range is a reservation from its beginning to its end.
fn is_whole(start: NonNull<u8>, bytes: usize) -> bool {
    let base = start.as_ptr().cast::<c_void>();
    let end = base.wrapping_byte_add(bytes);
    reservation_of(base) == base && reservation_of(end) != base
}

/// Where the reservation begins that an address lies in; null if it lies in none.
fn reservation_of(address: *const c_void) -> *mut c_void {
    keeping_last_error(|| {
        let mut found = MEMORY_BASIC_INFORMATION::default();
        // SAFETY: the structure is valid for the write, and as large as the last argument says.
        let bytes = unsafe { VirtualQuery(address, &raw mut found, size_of::<MEMORY_BASIC_INFORMATION>()) };
        if bytes == 0 || found.State == MEM_FREE { null_mut() } else { found.AllocationBase }
    })
}
