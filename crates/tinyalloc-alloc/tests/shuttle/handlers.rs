//! Signal handlers that wait for the earlier of two locks, wherever they interrupt their thread.

use std::sync::Arc;

use crate::allocator::thread_context::ThreadContext;
use crate::stage::{Running, check, start};
use crate::support::lock::{Lock, Ranked, Ranking, ThreadId};
use crate::watch::{begin, on_interrupt};

const SCHEDULES: usize = 4000;
const ROUNDS: usize = 10;

/// As the pool's and the space's.
struct Locks {
    earlier: Lock<usize>,
    later: Lock<usize>,
}

impl Locks {
    /// Takes both, unless this is a handler whose thread is inside one of them.
    fn take_both(&self, thread: ThreadId) {
        if let Some(mut earlier) = Ranked::new(self).lock(thread) {
            *earlier += 1;
            *self.later.lock(thread).expect("the thread is not inside") += 1;
        }
    }

    fn take_later(&self, thread: ThreadId) {
        *self.later.lock(thread).expect("the thread is not inside") += 1;
    }
}

impl Ranking<usize> for Locks {
    fn ranked(&self) -> &Lock<usize> {
        &self.earlier
    }

    fn is_inside_later(&self, thread: ThreadId) -> bool {
        self.later.is_inside(thread)
    }

    fn wake_overlooked_later(&self) {
        self.later.wake_overlooked();
    }
}

fn interrupted(locks: &Arc<Locks>, work: fn(&Locks, ThreadId)) -> Running<()> {
    let locks = locks.clone();
    start(move |actor| {
        let locks_of_handler = locks.clone();
        on_interrupt(Some(Box::new(move || locks_of_handler.take_both(actor.id()))));
        (0..ROUNDS).for_each(|_| work(&locks, actor.id()));
        on_interrupt(None);
    })
}

pub(crate) fn handlers() {
    begin();
    let locks = Arc::new(Locks { earlier: Lock::new(0), later: Lock::new(0) });
    let threads = [interrupted(&locks, Locks::take_both), interrupted(&locks, Locks::take_later)];
    threads.into_iter().for_each(|thread| thread.join());
}

#[test]
fn a_signal_handler_waits_for_no_thread_that_its_own_keeps_asleep() {
    check(SCHEDULES, handlers);
}
