//! A request on x86-64: four rotations that undo each other, and an exchange of a register with
//! itself.

use core::arch::asm;

/// What valgrind answers; 0 where there is none.
#[inline(never)]
pub(super) fn request(words: [usize; 6]) -> usize {
    let mut answer = 0;
    // SAFETY: outside valgrind nothing changes but flags; inside, it reads the words, and writes
    // where they say.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") words.as_ptr(), inout("rdx") answer, out("rdi") _, options(nostack),
        );
    }
    answer
}
