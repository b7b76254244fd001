//! The isolated heaps that there are.

use tinyalloc_sys::Mapper;

use super::Space;
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::heap::heap_record::{HeapOptions, HeapRef};
use crate::region::partition::Partition;

impl Space {
    /// The isolated heaps.
    pub(crate) fn isolated(&self) -> impl Iterator<Item = HeapRef> + '_ {
        // SAFETY: a heap is taken out before it ends.
        self.isolated.iter().map(|node| unsafe { HeapRef::from_node(node) })
    }

    pub(crate) fn isolated_live(&self) -> usize {
        self.isolated_live
    }

    /// Whether the address is that of an isolated heap that was not destroyed.
    pub(crate) fn is_isolated(&self, heap: HeapRef) -> bool {
        self.pages.is_page(heap.address()) && heap.is_live()
    }

    /// As [`Space::new_isolated`], for the blocks of a partition. From here on, the slices of
    /// regions have owners.
    pub(crate) fn new_partition<M: Mapper>(
        &mut self,
        mapper: &M,
        partition: Partition,
        options: &HeapOptions,
        policy: HardeningPolicy,
    ) -> Option<HeapRef> {
        let heap = self.new_isolated(mapper, options, policy)?;
        heap.set_partition(partition);
        if !self.are_partitioned {
            self.are_partitioned = true;
            self.regions.iter().for_each(|region| region.own_stripes(mapper, false));
        }
        Some(heap)
    }

    /// A new isolated heap on a page of its own.
    pub(crate) fn new_isolated<M: Mapper>(
        &mut self,
        mapper: &M,
        options: &HeapOptions,
        policy: HardeningPolicy,
    ) -> Option<HeapRef> {
        let page = self.pages.take(mapper)?;
        self.isolated_made += 1;
        self.isolated_live += 1;
        // SAFETY: the page belongs to no other thread.
        let heap = unsafe { HeapRef::init(page, self.isolated_made, options, policy) };
        // SAFETY: it is in no list yet.
        unsafe { self.isolated.push_front(heap.as_node()) };
        Some(heap)
    }

    /// An isolated heap is about to be destroyed: no thread finds it any more.
    pub(crate) fn forget_isolated(&mut self, heap: HeapRef) {
        heap.end();
        self.isolated_live -= 1;
        // SAFETY: it was put there when it was made.
        unsafe { self.isolated.remove(heap.as_node()) };
    }
}
