//! Isolated heaps: `ta_heap_*`, and the current heap of a thread.

mod handle;

mod life;

mod allocate;

mod inspect;

mod current;
