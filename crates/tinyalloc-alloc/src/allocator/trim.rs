//! All that is free goes back to the system at once.

use tinyalloc_sys::Mapper;

use super::caller::attachments_of;
use super::local::{Local, Mode};
use super::state::Allocator;
use crate::report::misuse::Misuse;

impl<M: Mapper> Allocator<M> {
    /// Decommits all that is free at once, in this thread's heap, in the pool and in every region. True if anything was.
    pub fn purge_all<L: Local>(&self, local: L) -> bool {
        let _quiet = self.quiet();
        self.free_left(local);
        let before = self.purges(local);
        let mut found = Ok(());
        if local.mode() == Mode::Attached {
            let visit = self.enter(local);
            found = self.give_up_idle(local, visit.heap());
            self.leave(local, visit);
        }
        if let Some(home) = attachments_of(local).map(|attachments| attachments.home()).filter(|_| local.mode() == Mode::Attached)
        {
            let visit = self.enter_on(local, home);
            found = found.and(self.give_up_idle(local, home));
            self.leave(local, visit);
        }
        if let Some(pool) = self.pool().lock(local.id()) {
            self.take_abandoned(&pool);
            found = pool.heaps().map(|heap| self.give_up_idle(local, heap)).fold(found, Result::and);
        }
        self.give_up_isolated(local);
        if let Err(tampered) = found {
            local.report(Misuse::WriteAfterFree { address: tampered.address() });
        }
        self.purge_free(local) || self.purges(local) != before
    }
}
