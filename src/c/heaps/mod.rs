//! Isolated heaps: `ta_heap_*`, and the heap that a thread's calls of malloc go to.

mod handle;

mod life;

mod allocate;

mod inspect;

mod current;
