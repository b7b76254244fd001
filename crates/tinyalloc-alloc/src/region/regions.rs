//! The regions of a space: one for most processes, and room for more on a mapping of its own.

use core::iter::Chain;
use core::option::Iter as OptionIter;
use core::ptr::NonNull;
use core::slice::Iter as SliceIter;

use tinyalloc_array::Array;
use tinyalloc_sys::Mapper;

use super::Region;
use super::slice::Run;
use crate::config::names::MappingName;
use crate::span::span_ref::SpanRef;
use crate::support::fields::{Field, fields};

const FURTHER_MAX: usize = 255;

type Further = Array<Region, FURTHER_MAX>;

/// Invariant F1: `further` is mapped for good.
pub(crate) struct Regions {
    first: Option<Region>,
    further: Option<NonNull<Further>>,
}

impl Regions {
    pub(crate) const fn new() -> Regions {
        Regions { first: None, further: None }
    }

    pub(crate) fn first(&self) -> Option<&Region> {
        self.first.as_ref()
    }

    pub(crate) fn iter(&self) -> Chain<OptionIter<'_, Region>, SliceIter<'_, Region>> {
        self.first.iter().chain(self.further().iter())
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.further().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn last(&self) -> Option<&Region> {
        self.further().last().or(self.first.as_ref())
    }

    /// Whether another region may be added; maps the room for it.
    pub(crate) fn make_room<M: Mapper>(&mut self, mapper: &M) -> bool {
        if self.first.is_none() {
            return true;
        }
        if self.further.is_none() {
            let bytes = mapper.page_ceiling(size_of::<Further>());
            self.further = mapper.map(bytes, mapper.page_bytes()).ok().map(|room| {
                MappingName::Metadata.give(mapper, room, bytes);
                let further = room.cast::<Further>();
                // SAFETY: the mapping is large enough, and new.
                unsafe { further.write(Further::new()) };
                further
            });
        }
        self.further.is_some() && self.further().len() < FURTHER_MAX
    }

    /// Adds a region, for which there is room.
    pub(crate) fn push(&mut self, region: Region) {
        if self.first.is_none() {
            self.first = Some(region);
        } else if let Some(mut further) = self.further {
            // SAFETY: F1; the lock of the space is held.
            let _ = unsafe { further.as_mut() }.push(region);
        }
    }

    /// Takes the last region out, unless it is the first as well.
    pub(crate) fn pop_further(&mut self) -> Option<Region> {
        // SAFETY: F1; the lock of the space is held.
        unsafe { self.further?.as_mut() }.pop()
    }

    fn further(&self) -> &[Region] {
        // SAFETY: F1; the lock of the space is held.
        self.further.as_ref().map_or(&[], |further| unsafe { further.as_ref() })
    }

    /// The region of a number. (`Index` would name the caller's file in its panic, and every path
    /// is text in the library.)
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn at(&self, index: usize) -> &Region {
        match index.checked_sub(1) {
            Some(further) => &self.further()[further],
            None => self.first.as_ref().unwrap_or_else(|| &self.further()[index]),
        }
    }

    /// The region of a span that is no mapping of its own, and its slices there.
    pub(crate) fn place_of(&self, span: SpanRef) -> (&Region, Run) {
        let region = self.at(span.region() as usize);
        // SAFETY: S4.
        (region, unsafe { region.run_of(span) })
    }
}

/// Nothing but the region: where there is none yet is known by the read-only state.
const _: () = assert!(size_of::<Option<Region>>() == size_of::<Region>());

/// For debuggers.
impl Regions {
    pub(crate) const FIELDS: &'static [Field] = fields!("regions", Regions: first further);
    pub(crate) const NUMBERS: &'static [Field] = &[("further.length", Further::LENGTH_AT), ("further.slots", Further::SLOTS_AT)];
}
