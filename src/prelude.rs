//! The embedded crate: allocation without a heap.
//!
//! ```
//! use tinyalloc::prelude::*;
//! let mut alloc = TinySlabAllocator::<1024, 8>::new();            // 1 KB, 8 slots of 128 bytes
//! let (handle, buf) = alloc.alloc_uninit(22).unwrap();
//! buf.copy_from_slice(b"Hello, embedded world!");
//! let data = alloc.get(handle).unwrap();
//! # assert_eq!(data, b"Hello, embedded world!");
//! alloc.free(handle);                                             // the handle becomes stale
//! assert!(alloc.get(handle).is_none());
//! ```
//!
//! A buffer takes chunks of a slab as it grows:
//!
//! ```
//! # use tinyalloc::prelude::*;
//! let mut alloc = TinySlabAllocator::<512, 16>::new();
//! let mut buf = ByteBuffer::new();
//! buf.write(&mut alloc, b"Dynamic ").unwrap();                    // takes chunks as it grows
//! buf.write(&mut alloc, b"buffer!").unwrap();
//! assert_eq!(&buf.to_vec(&alloc), b"Dynamic buffer!");            // to_vec only with the `alloc` feature
//! ```
//!
//! With a slab for the whole program, buffers need no allocator argument:
//!
//! ```
//! # use tinyalloc::prelude::*;
//! use tinyalloc::global::AllocatorConfig;
//! AllocatorConfig::Slab1K32.init();                               // then buffers need no allocator argument
//! let mut buf = ByteBuffer::new();
//! buf.extend(b"Global allocator").unwrap();
//! # assert_eq!(buf.len(), 16);
//! ```
//!
//! The queue between an interrupt and main:
//!
//! ```
//! # use tinyalloc::prelude::*;
//! # let byte = b'!';
//! # let mut processed = None;
//! # let mut process = |byte| processed = Some(byte);
//! static UART_BUFFER: GlobalDeque = GlobalDeque::new();           // producer in an interrupt, consumer in main
//! UART_BUFFER.push(byte).ok();
//! if let Some(byte) = UART_BUFFER.pop() { process(byte); }
//! # assert_eq!(processed, Some(b'!'));
//! ```
//!
//! And the queue in chunks of a slab:
//!
//! ```
//! # use tinyalloc::prelude::*;
//! # let mut alloc = TinySlabAllocator::<512, 16>::new();
//! # let mut buf = ByteBuffer::new();
//! let mut deque = ByteBufferDeque::new();
//! deque.push_back(&mut alloc, b'x').unwrap();                     // FIFO; chunks are returned as they empty
//! while let Some(byte) = deque.pop_front(&mut alloc) {
//! #   assert_eq!(byte, b'x');
//! }
//! # assert_eq!(alloc.stats().live, 0);
//! match buf.write(&mut alloc, b"some data") {
//!     Err(ByteBufferError::AllocationFailed) => { /* out of memory: nothing half-written */ }
//!     _ => {}
//! }
//! # assert_eq!(buf.len(), 9);
//! ```

pub use tinyalloc_embedded::prelude::*;
