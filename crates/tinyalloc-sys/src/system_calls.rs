//! How often the operating system was asked, by kind of call.

use core::sync::atomic::{AtomicUsize, Ordering};

/// System calls since the process started, failed ones too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemCalls {
    /// Address space, or a block of its own, was asked for.
    pub mmap: usize,
    /// Address space was returned.
    pub munmap: usize,
    /// Memory was put behind address space, or rights were changed.
    pub mprotect: usize,
    /// Memory was returned, or huge pages were asked for.
    pub madvise: usize,
    /// A block of its own changed its size.
    pub mremap: usize,
    /// A thread slept for a lock, or woke another.
    pub futex: usize,
}

impl SystemCalls {
    /// What was counted so far.
    #[must_use]
    pub fn so_far() -> SystemCalls {
        let [mmap, munmap, mprotect, madvise, mremap, futex] = COUNTS.each_ref().map(|count| count.load(Ordering::Relaxed));
        SystemCalls { mmap, munmap, mprotect, madvise, mremap, futex }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum SystemCall {
    Mmap,
    Munmap,
    Mprotect,
    Madvise,
    #[cfg_attr(windows, expect(dead_code, reason = "there is no such call"))]
    Mremap,
    Futex,
}

impl SystemCall {
    pub(crate) fn count(self) {
        COUNTS[self as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static COUNTS: [AtomicUsize; SystemCall::Futex as usize + 1] = [const { AtomicUsize::new(0) }; SystemCall::Futex as usize + 1];

#[cfg(test)]
mod tests {
    use super::SystemCalls;
    use crate::SystemMapper;
    use crate::mapper::Mapper;

    #[test]
    fn every_call_is_counted_under_its_kind() {
        let (mapper, before) = (SystemMapper::new(), SystemCalls::so_far());
        let bytes = 4 * mapper.page_bytes();
        let start = mapper.reserve(bytes, 1).expect("a few pages can be had");
        // SAFETY: the range was just reserved.
        unsafe { mapper.commit(start, bytes) }.expect("and committed");
        // SAFETY: the range is committed and empty.
        unsafe { mapper.decommit(start, bytes) }.expect("and decommitted");
        // SAFETY: the range is not used again.
        unsafe { mapper.release(start, bytes) }.expect("and released");
        // Other tests count at the same time.
        let after = SystemCalls::so_far();
        assert!(after.mmap > before.mmap && after.mprotect > before.mprotect);
        assert!(after.madvise > before.madvise && after.munmap > before.munmap);
    }
}
