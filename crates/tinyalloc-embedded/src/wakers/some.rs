//! Who waits for the queue: one reader and one writer.

use core::mem::swap;
use core::task::Waker;

use crate::shared::Shared;

pub(crate) struct Wakers {
    reader: Shared<Option<Waker>>,
    writer: Shared<Option<Waker>>,
}

impl Wakers {
    pub(crate) const fn new() -> Self {
        Self { reader: Shared::new(None), writer: Shared::new(None) }
    }

    #[inline]
    pub(crate) fn wake_reader(&self) {
        wake(&self.reader);
    }

    #[inline]
    pub(crate) fn wake_writer(&self) {
        wake(&self.writer);
    }

    /// Leaves word that the reader waits. It looks at the queue once more before it does.
    pub(crate) fn wait_to_read(&self, waker: &Waker) {
        wait(&self.reader, waker);
    }

    pub(crate) fn wait_to_write(&self, waker: &Waker) {
        wait(&self.writer, waker);
    }
}

/// Wakes outside of the critical section. The context that is just leaving word there looks at the
/// queue afterwards, and is not missed.
#[inline]
fn wake(place: &Shared<Option<Waker>>) {
    if let Ok(Some(waker)) = place.with(Option::take) {
        waker.wake();
    }
}

/// Takes turns by swapping: whatever was there is dropped outside, too.
fn wait(place: &Shared<Option<Waker>>, waker: &Waker) {
    let mut other = Some(waker.clone());
    match place.with(|slot| swap(slot, &mut other)) {
        // Two that wait in one place would each miss the other's bytes: the first one looks again.
        Ok(()) => drop(other.filter(|before| !before.will_wake(waker)).map(Waker::wake)),
        Err(_) => waker.wake_by_ref(),
    }
}
