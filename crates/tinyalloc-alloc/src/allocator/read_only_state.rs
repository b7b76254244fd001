//! The read-only state: what an allocator fixes when it starts and never changes, on a page of its
//! own, which can be made read-only and sealed.

use core::cell::Cell;
use core::mem::offset_of;
use core::ptr::{NonNull, null};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tinyalloc_sys::{Mapper, Protection};

use super::tokens::{Routes, Tokens};
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::hardening::valgrind::is_running;
use crate::span::Span;
use crate::span::slot::Secret;
use crate::support::fields::{Field, fields};

/// What becomes of the page when the allocator has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealPolicy {
    /// It stays writable: the allocator does not live as long as the process, or it is not yet
    /// known what is wanted.
    Writable,
    /// It can be read only.
    ReadOnly,
    /// It can be read only, and no thread can change that, nor unmap it, where the system knows
    /// how.
    Sealed,
}

/// The page: what every free reads, in one cache line, and what the slow paths read. Where every
/// call is to be checked, the hit path has another secret.
///
/// Invariant A1: the cells are set under the lock of the space before any block exists, and never
/// after [`ReadOnlyState::seal`]. (Plain cells, because compilers do not fold an atomic load into
/// the instruction that uses it.)
#[repr(C, align(4096))]
pub(crate) struct ReadOnlyState {
    slices_start: Cell<usize>,
    page_map: Cell<*const AtomicPtr<Span>>,
    hit_secret: Cell<Secret>,
    secret: AtomicUsize,
    canary: Cell<u64>,
    policy: Cell<HardeningPolicy>,
    tokens: Cell<Tokens>,
    routes: Routes,
    checks_any: Cell<bool>,
    is_signed: Cell<bool>,
}

// SAFETY: A1.
unsafe impl Sync for ReadOnlyState {}

impl ReadOnlyState {
    pub(crate) const BYTES: usize = size_of::<ReadOnlyState>();

    /// Before the start: nothing is set.
    pub(crate) const fn new() -> ReadOnlyState {
        ReadOnlyState {
            slices_start: Cell::new(0),
            page_map: Cell::new(null()),
            hit_secret: Cell::new(Secret::NONE),
            secret: AtomicUsize::new(Secret::NONE.word()),
            canary: Cell::new(0),
            policy: Cell::new(HardeningPolicy::NONE),
            tokens: Cell::new(Tokens::UNKNOWN),
            routes: Routes::new(),
            checks_any: Cell::new(false),
            is_signed: Cell::new(false),
        }
    }

    /// Where the slices of the first region start; 0 before there is one.
    #[inline(always)]
    pub(crate) fn slices_start(&self) -> usize {
        self.slices_start.get()
    }

    /// The records of its slices; null before there is one.
    #[inline(always)]
    pub(crate) fn page_map(&self) -> *const AtomicPtr<Span> {
        self.page_map.get()
    }

    /// What signatures are made of, for the hit path.
    #[inline(always)]
    pub(crate) fn hit_secret(&self) -> Secret {
        self.hit_secret.get()
    }

    /// What signatures are made of.
    pub(crate) fn secret(&self) -> Secret {
        Secret::of_word(self.secret.load(Ordering::Acquire))
    }

    /// What canaries are made of.
    pub(crate) fn canary(&self) -> u64 {
        self.canary.get()
    }

    pub(crate) fn policy(&self) -> HardeningPolicy {
        // Threads that start at once: what is checked is known before the secret is.
        if self.secret().is_none() { HardeningPolicy::NONE } else { self.policy.get() }
    }

    /// [`HardeningPolicy::checks_frees`], as one byte.
    #[inline(always)]
    pub(crate) fn checks_any(&self) -> bool {
        self.checks_any.get()
    }

    /// How requests with a token are divided.
    #[inline(always)]
    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens.get()
    }

    /// The heaps of partitions.
    #[inline(always)]
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(crate) fn fix_tokens(&self, tokens: Tokens) {
        self.tokens.set(tokens);
    }

    pub(crate) fn fix_policy(&self, secret: Secret, canary: u64, policy: HardeningPolicy) {
        self.canary.set(canary);
        self.policy.set(policy);
        self.checks_any.set(policy.checks_frees());
        self.secret.store(secret.word(), Ordering::Release);
        self.hit_secret.set(if policy.checks_allocations() { secret.other() } else { secret });
    }

    pub(crate) fn fix_region(&self, slices_start: usize, page_map: *const AtomicPtr<Span>) {
        self.slices_start.set(slices_start);
        self.page_map.set(page_map);
    }

    /// Makes the state read-only. Where the system refuses, or has larger pages, the page stays as
    /// it is.
    ///
    /// # Safety
    /// Of a page that is to be sealed, nothing is ever written or unmapped again.
    pub(crate) unsafe fn seal<M: Mapper>(&self, mapper: &M, seal_policy: SealPolicy) {
        if self.is_signed.get() || self.page_map.get().is_null() || seal_policy == SealPolicy::Writable {
            return;
        }
        self.is_signed.set(true);
        if mapper.page_bytes() != ReadOnlyState::BYTES {
            return;
        }
        let page = NonNull::from(self).cast();
        // SAFETY: the caller's promise.
        let protected = unsafe { mapper.protect(page, ReadOnlyState::BYTES, Protection::Read) };
        // Valgrind says on standard error that it does not know the call.
        if protected.is_ok() && seal_policy == SealPolicy::Sealed && !is_running() {
            // SAFETY: the caller's promise. Read-only is what there is where nothing can be sealed.
            let _ = unsafe { mapper.seal(page, ReadOnlyState::BYTES) };
        }
    }
}

/// For debuggers.
impl ReadOnlyState {
    pub(crate) const FIELDS: &'static [Field] = fields!("read_only", ReadOnlyState: page_map secret canary);
    pub(crate) const NUMBERS: &'static [Field] =
        &[("read_only.hardened", offset_of!(ReadOnlyState, policy) + HardeningPolicy::HARDENED_AT)];
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    use std::boxed::Box;
    use std::ptr::NonNull;

    use tinyalloc_sys::{Call, CountingMapper, FixedBufferMapper};

    use super::{ReadOnlyState, SealPolicy};

    #[test]
    fn a_page_that_others_share_is_left_alone() {
        let mut buffer = vec![0; 8 * 16_384];
        let mapper = CountingMapper::new(FixedBufferMapper::new(&mut buffer, 16_384));
        let read_only = Box::new(ReadOnlyState::new());
        read_only.fix_region(16_384, NonNull::dangling().as_ptr());
        // SAFETY: not sealed, or the test fails.
        unsafe { read_only.seal(&mapper, SealPolicy::Sealed) };
        assert_eq!((mapper.calls(Call::Protect), mapper.calls(Call::Seal)), (0, 0));
    }
}
