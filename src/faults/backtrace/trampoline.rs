//! The code that ends a signal handler, where its tables do not say all that the kernel has saved.

/// What it is known by, and where the registers are that the signal interrupted.
#[derive(Clone, Copy)]
pub(super) struct Trampoline {
    code: [u32; 2],
    registers_at: usize,
    address_at: usize,
}

impl Trampoline {
    /// `code` are its instructions, for the system call rt_sigreturn. So many bytes above the stack
    /// pointer are the words of all registers, by their numbers in the tables, and the address of
    /// the next instruction.
    #[cfg_attr(target_arch = "x86_64", expect(dead_code, reason = "its tables say all"))]
    pub(super) const fn new(code: [u32; 2], registers_at: usize, address_at: usize) -> Trampoline {
        Trampoline { code, registers_at, address_at }
    }

    pub(super) fn begins_with(self, code: [u32; 2]) -> bool {
        self.code == code
    }

    pub(super) fn registers_at(self) -> usize {
        self.registers_at
    }

    pub(super) fn address_at(self) -> usize {
        self.address_at
    }
}
