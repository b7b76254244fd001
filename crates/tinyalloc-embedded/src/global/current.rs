//! Which slab is the program's.

use core::cell::UnsafeCell;
use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::hint::spin_loop;
use core::ptr::addr_eq;

use crate::allocator::{ChunkSource, Origin};
use crate::chunk::ChunkId;
use crate::error::AllocError;
use crate::lock::Claim;
use crate::store::{Store, TRIES};
use crate::sync::{AtomicBool, Ordering};

static CURRENT: Current = Current { is_set: AtomicBool::new(false), claim: Claim::new(), slab: UnsafeCell::new(None) };

/// Invariants:
/// - G1: `slab` is written once, with the claim, before `is_set` becomes true, and only read after;
/// - G2: the slab's chunks are held by blocks and by the chains of buffers, each by exactly one.
struct Current {
    is_set: AtomicBool,
    claim: Claim,
    slab: UnsafeCell<Option<&'static dyn Store>>,
}

// SAFETY: G1.
unsafe impl Sync for Current {}

/// The program's slab.
#[inline]
pub(super) fn slab() -> Result<&'static dyn Store, AllocError> {
    if !CURRENT.is_set.load(Ordering::Acquire) {
        return Err(AllocError::Uninitialised);
    }
    // SAFETY: G1.
    unsafe { *CURRENT.slab.get() }.ok_or(AllocError::Uninitialised)
}

/// Makes it the program's slab, unless there is one; whether it is the program's now.
pub(super) fn init(slab: &'static dyn Store) -> bool {
    for _ in 0..TRIES {
        let decided = CURRENT.claim.hold(|| {
            if !CURRENT.is_set.load(Ordering::Acquire) {
                // SAFETY: G1.
                unsafe { *CURRENT.slab.get() = Some(slab) };
                CURRENT.is_set.store(true, Ordering::Release);
            }
        });
        if decided.is_some() {
            break;
        }
        spin_loop();
    }
    self::slab().is_ok_and(|current| addr_eq(current, slab))
}

/// The program's slab as a source of chunks. There is no way to get one: buffers use it, which keep
/// to G2.
pub struct Global {
    slab: &'static dyn Store,
}

impl Global {
    pub(super) fn new() -> Result<Self, AllocError> {
        slab().map(|slab| Self { slab })
    }
}

impl Debug for Global {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_tuple("Global").field(&self.slab.stats()).finish()
    }
}

impl ChunkSource for Global {
    #[inline]
    fn chunk_bytes(&self) -> u16 {
        self.slab.chunk_bytes()
    }

    #[inline]
    fn take_chunk(&mut self, after: Option<ChunkId>) -> Result<ChunkId, AllocError> {
        self.slab.take_chunk(after)
    }

    #[inline]
    fn give_chunk(&mut self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError> {
        self.slab.give_chunk(chunk)
    }

    #[inline]
    fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId> {
        self.slab.next_chunk(chunk)
    }

    #[inline]
    fn chunk(&self, chunk: ChunkId) -> Option<&[u8]> {
        // SAFETY: G2, and the chain lends the chunk as itself is lent.
        unsafe { self.slab.chunk(chunk) }
    }

    #[inline]
    fn chunk_mut(&mut self, chunk: ChunkId) -> Option<&mut [u8]> {
        // SAFETY: G2, and the chain lends the chunk as itself is lent.
        unsafe { self.slab.chunk_mut(chunk) }
    }

    fn abandon(&mut self, first: ChunkId, last: ChunkId) {
        let mut next = Some(first);
        while let Some(chunk) = next {
            next = match self.slab.give_chunk(chunk) {
                Ok(follows) => follows.filter(|_| chunk != last),
                Err(_) => {
                    // SAFETY: G2, and the chain gives the chunks up.
                    unsafe { self.slab.abandon(chunk, last) };
                    None
                }
            };
        }
    }

    #[inline]
    fn origin(&self) -> Origin {
        Origin::GLOBAL
    }
}
