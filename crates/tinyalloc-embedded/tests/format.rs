//! What `defmt` can log.
#![cfg(all(feature = "defmt", feature = "global-alloc"))]

use defmt::Format;
use tinyalloc_embedded::prelude::*;

fn can_be_logged<T: Format>() {}

#[test]
fn handles_errors_figures_and_buffers_can_be_logged() {
    can_be_logged::<Handle>();
    can_be_logged::<Option<Typed<u32>>>();
    can_be_logged::<Result<Corruption, AllocError>>();
    can_be_logged::<(SlabStats, ByteBufferError, QueueError)>();
    can_be_logged::<(ByteBuffer, ByteBufferDeque, GlobalDeque<64>)>();
}
