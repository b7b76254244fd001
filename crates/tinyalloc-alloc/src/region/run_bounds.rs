//! How long a run of free slices, or of resident ones, may be at most, for each group of slices:
//! searches pass over the groups in which none is long enough.
//!
//! A free makes the bounds of the run's groups unknown, and a search that looks at a group in vain
//! sets its bound. So a group is searched in vain once after something was freed or taken there,
//! however large the region is. To take a run changes no bound. (Groups of other nodes of memory,
//! and of other partitions, keep their bounds, and are passed over one by one.)

use core::cell::Cell;
use core::iter::from_fn;
use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_bitmap::BitmapOps;

use super::Region;
use super::near::Near;
use super::slice_bits::{Column, FAR_STRETCH_BYTES, FAR_STRETCH_WORDS, NEAR_WORDS, SLICES_PER_WORD};
use crate::config::policy::BOUNDED_SLICES;

pub(super) const NEAR_BOUNDS: usize = 1 + NEAR_GROUPS;
pub(super) const FAR_BOUNDS: usize = 1 + FAR_GROUPS;

const NEAR_GROUPS: usize = NEAR_WORDS * SLICES_PER_WORD / BOUNDED_SLICES;
const FAR_GROUPS: usize = FAR_STRETCH_WORDS * SLICES_PER_WORD / BOUNDED_SLICES;
const _: () = assert!(BOUNDED_SLICES % SLICES_PER_WORD == 0);
const _: () = assert!(NEAR_GROUPS * BOUNDED_SLICES == NEAR_WORDS * SLICES_PER_WORD);

/// Runs may be as long as can be.
const UNKNOWN: u16 = u16::MAX;

/// What a run consists of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Searched {
    Free,
    Resident,
}

/// No run of either kind that touches a group is longer, or it touches another group whose bound
/// says so (R5).
#[repr(C)]
pub(super) struct RunBounds {
    slices: [Cell<u16>; 2],
}

impl RunBounds {
    /// There are no runs.
    pub(super) const fn none() -> RunBounds {
        RunBounds { slices: [const { Cell::new(0) }; 2] }
    }

    fn of(&self, searched: Searched) -> &Cell<u16> {
        &self.slices[searched as usize]
    }
}

/// Groups in a row.
struct Stretch<'region> {
    first: usize,
    /// The largest of the others, and those of the groups.
    bounds: &'region [RunBounds],
}

impl<'region> Stretch<'region> {
    fn largest(&self) -> &'region RunBounds {
        &self.bounds[0]
    }

    fn groups(&self) -> &'region [RunBounds] {
        &self.bounds[1..]
    }

    fn end(&self) -> usize {
        self.first + self.groups().len()
    }
}

fn bound_of(slices: usize) -> u16 {
    u16::try_from(slices).unwrap_or(UNKNOWN)
}

impl Region {
    /// The lowest run of `slices` on a multiple of `align` that begins at `from` or above it, and
    /// in a group that begins below `end`.
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn find_run(
        &self,
        searched: Searched,
        from: usize,
        slices: usize,
        align: usize,
        end: usize,
        near: Near,
    ) -> Option<usize> {
        let groups = self.committed_slices().min(end).div_ceil(BOUNDED_SLICES);
        let wanted = bound_of(slices);
        let mut group = from / BOUNDED_SLICES;
        while group < groups {
            let stretch = self.stretch_of(group);
            let stretch_largest = stretch.largest().of(searched);
            if stretch_largest.get() >= wanted {
                let is_whole = group == stretch.first;
                let mut largest = 0;
                for bounds in &stretch.groups()[group - stretch.first..] {
                    let bound = bounds.of(searched);
                    if bound.get() >= wanted && self.is_near(group * BOUNDED_SLICES, near) {
                        match self.find_in_group(searched, group, from, slices, align) {
                            Ok(first) => return Some(first),
                            Err(longest) => bound.set(bound.get().min(bound_of(longest))),
                        }
                    }
                    largest = largest.max(bound.get());
                    group += 1;
                }
                if is_whole {
                    stretch_largest.set(largest);
                }
            }
            group = stretch.end();
        }
        None
    }

    /// As [`Region::find_run`], of runs that begin or go on in the group.
    ///
    /// # Errors
    /// The length of the longest run that begins or goes on there, or more.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn find_in_group(&self, searched: Searched, group: usize, from: usize, slices: usize, align: usize) -> Result<usize, usize> {
        let (first, end) = (group * BOUNDED_SLICES, (group + 1) * BOUNDED_SLICES);
        let (column, fence) = (self.searched(searched), self.fence(first));
        let column = column.up_to(fence.end);
        // Where a run begins that goes on in the group.
        let begin = if from <= first { column.find_last_clear(first).map_or(0, |other| other + 1) } else { first };
        let begin = begin.max(fence.start);
        let start = begin.max(from);
        let found = if align == 1 {
            column.find_set_run_below(start, end, slices)
        } else {
            // A longer run has an aligned one in it.
            let longest = slices + align - 2;
            column.up_to(end + longest).find_set_run(start, slices, align).ok_or(longest)
        };
        let is_whole = start == begin || from <= self.lowest(searched).get();
        found.map_err(|longest| if is_whole { longest } else { usize::MAX })
    }

    /// The highest resident slice below one.
    pub(super) fn find_last_resident(&self, before: usize) -> Option<usize> {
        let resident = self.resident();
        let mut end = before;
        while end > 0 {
            let group = (end - 1) / BOUNDED_SLICES;
            let stretch = self.stretch_of(group);
            let largest = stretch.largest().of(Searched::Resident);
            let bound = stretch.groups()[group - stretch.first].of(Searched::Resident);
            let first = if largest.get() == 0 { stretch.first } else { group } * BOUNDED_SLICES;
            if largest.get() != 0 && bound.get() != 0 {
                if !resident.all_clear(first..end) {
                    return resident.find_last_set(end);
                }
                if end == first + BOUNDED_SLICES {
                    bound.set(0);
                }
            }
            end = first;
        }
        None
    }

    /// Slices may have become free, or resident.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn forget_bounds(&self, searched: Searched, slices: &Range<usize>) {
        if slices.is_empty() {
            return;
        }
        for group in slices.start / BOUNDED_SLICES..slices.end.div_ceil(BOUNDED_SLICES) {
            let stretch = self.stretch_of(group);
            stretch.groups()[group - stretch.first].of(searched).set(UNKNOWN);
            stretch.largest().of(searched).set(UNKNOWN);
        }
    }

    fn searched(&self, searched: Searched) -> Column<'_> {
        match searched {
            Searched::Free => self.free(),
            Searched::Resident => self.resident(),
        }
    }

    /// Below it there is none.
    fn lowest(&self, searched: Searched) -> &Cell<usize> {
        match searched {
            Searched::Free => &self.lowest_free,
            Searched::Resident => &self.lowest_resident,
        }
    }

    /// The stretch of a group of committed slices.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn stretch_of(&self, group: usize) -> Stretch<'_> {
        let Some(far) = group.checked_sub(NEAR_GROUPS) else {
            return Stretch { first: 0, bounds: &self.near_bounds };
        };
        let number = far / FAR_GROUPS;
        // SAFETY: the bounds lie before the bits of the stretch, which are committed (R2).
        let bounds: NonNull<[RunBounds; FAR_BOUNDS]> = unsafe { self.far_bits.start().add(number * FAR_STRETCH_BYTES) }.cast();
        // SAFETY: as above; zero is a valid bound.
        Stretch { first: NEAR_GROUPS + number * FAR_GROUPS, bounds: unsafe { bounds.as_ref() } }
    }

    /// A run as the pieces that may be taken.
    fn within_fences(&self, run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut start = run.start;
        from_fn(move || {
            let piece = start..self.fence(start).end.min(run.end);
            start = piece.end;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Whether the bounds are true (R5), for walks that check invariants.
    pub(crate) fn bounds_hold(&self) -> bool {
        let is_bounded = |searched: Searched, run: Range<usize>| {
            let groups = run.start / BOUNDED_SLICES..run.end.div_ceil(BOUNDED_SLICES);
            let stretches = groups.clone().map(|group| self.stretch_of(group));
            stretches.zip(groups).any(|(stretch, group)| {
                let bound = stretch.groups()[group - stretch.first].of(searched).get();
                bound >= bound_of(run.len()) && stretch.largest().of(searched).get() >= bound
            })
        };
        let (free, resident) = (self.free(), self.resident());
        free.set_runs(0).all(|run| self.within_fences(run).all(|run| is_bounded(Searched::Free, run)))
            && resident.set_runs(0).all(|run| self.within_fences(run).all(|run| is_bounded(Searched::Resident, run)))
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests may allocate and give up")]

    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
    use tinyalloc_sys::{Mapper, SystemMapper};

    use core::iter::once;
    use core::ops::Range;

    use crate::config::policy::STRIPE_SLICES;
    use crate::config::tunables::HugePagePolicy;
    use crate::region::Region;
    use crate::region::idle::{PurgeOutcome, PurgeScope};
    use crate::region::near::Near;
    use crate::region::node::Node;
    use crate::region::purpose::Purpose;
    use crate::region::runs::Wanted;
    use crate::region::slice::Run;
    use crate::region::slice_bits::SliceState;

    const REGION_BYTES: usize = 1 << 31;

    #[derive(Clone, Debug)]
    enum Step {
        Take {
            slices: usize,
            align: usize,
            node: u32,
        },
        /// Which one, and how many slices are resident.
        Free(usize, usize),
        Purge(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let slices = prop_oneof![1..5usize, 1..70usize, 60..700usize, 300..4000usize];
        let align = prop_oneof![4 => 0..1u32, 1 => 0..7u32];
        let take = |(slices, align, node)| Step::Take { slices, align: 1_usize << align, node };
        prop_oneof![
            6 => (slices, align, 0..3u32).prop_map(take),
            4 => (0..1000usize, prop_oneof![0..1usize, 0..60usize, 0..4000usize]).prop_map(|(run, touched)| Step::Free(run, touched)),
            1 => (1..3000usize).prop_map(Step::Purge),
        ]
    }

    /// A region, and whose its stripes are, if it has the table.
    struct Model {
        region: Region,
        stripes: Option<Vec<Option<u32>>>,
    }

    impl Model {
        fn new(nodes: bool) -> Model {
            let region = Region::new(&SystemMapper, REGION_BYTES, 1, HugePagePolicy::Never, Purpose::Block).unwrap();
            let stripes = nodes.then(|| {
                assert!(region.tell_nodes_apart(&SystemMapper, Node::of(0)));
                let begun = region.committed_slices().div_ceil(STRIPE_SLICES);
                (0..32).map(|stripe| Some(0).filter(|_| stripe < begun)).collect()
            });
            Model { region, stripes }
        }

        /// Slices that a run of a node may have, one range after the other.
        fn ranges(&self, node: u32, states: &[SliceState]) -> Vec<Range<usize>> {
            let Some(stripes) = &self.stripes else {
                return once(0..states.len()).collect();
            };
            let own = (0..stripes.len()).filter(|stripe| stripes[*stripe] == Some(node));
            let range = |stripe: usize| stripe * STRIPE_SLICES..((stripe + 1) * STRIPE_SLICES).min(states.len());
            own.map(range).filter(|range| !range.is_empty()).collect()
        }

        fn lowest(
            &self,
            states: &[SliceState],
            wanted: (usize, usize, u32),
            is_wanted: fn(&SliceState) -> bool,
        ) -> Option<usize> {
            let (slices, align, node) = wanted;
            self.ranges(node, states).into_iter().find_map(|range| {
                let mut first = range.start.next_multiple_of(align);
                while first + slices <= range.end {
                    match states[first..first + slices].iter().rposition(|state| !is_wanted(state)) {
                        Some(other) => first = (first + other + 1).next_multiple_of(align),
                        None => return Some(first),
                    }
                }
                None
            })
        }

        /// Behind all that is used, in a stripe of the node's or of no node's.
        fn at_the_end(&self, states: &[SliceState], (slices, align, node): (usize, usize, u32)) -> usize {
            let last = states.iter().rposition(|state| state.is_used());
            let mut first = last.map_or(0, |last| last + 1).next_multiple_of(align);
            let Some(stripes) = &self.stripes else {
                return first;
            };
            loop {
                let stripe = first / STRIPE_SLICES;
                let is_had = stripes[stripe].is_none_or(|owner| owner == node);
                if is_had && first + slices <= (stripe + 1) * STRIPE_SLICES {
                    return first;
                }
                first = (stripe + 1) * STRIPE_SLICES;
            }
        }

        fn take(&mut self, wanted: (usize, usize, u32)) -> Run {
            let (slices, align, node) = wanted;
            let slice = |number| self.region.slice(number).unwrap();
            let states: Vec<_> = (0..self.region.committed_slices()).map(|number| self.region.state_of(slice(number))).collect();
            let free = || self.lowest(&states, wanted, |state| !state.is_used());
            let found = self.lowest(&states, wanted, |state| state.is_resident()).or_else(free);
            let first = found.unwrap_or_else(|| self.at_the_end(&states, wanted));
            let used = self.region.used_slices();
            let near = if self.stripes.is_some() { Near::ANYWHERE.on_node(Node::of(node)) } else { Near::ANYWHERE };
            self.region.take_run(&SystemMapper, Wanted::new(slices, align, Purpose::Block, 0).near(near), 0).unwrap();
            let is_used = |number| self.region.state_of(self.region.slice(number).unwrap()).is_used();
            let is_taken = self.region.used_slices() == used + slices && (first..first + slices).all(is_used);
            assert!(is_taken, "{slices} slices at {first} for node {node}");
            if let Some(stripes) = &mut self.stripes {
                stripes[first / STRIPE_SLICES].get_or_insert(node);
            }
            // SAFETY: it was taken just now.
            unsafe { Run::new(first..first + slices) }
        }
    }

    fn follow(steps: &[Step], nodes: bool) {
        let mut model = Model::new(nodes);
        let mut runs: Vec<Run> = Vec::new();
        for step in steps {
            match *step {
                // As many as there is room for.
                Step::Take { .. } if model.region.committed_slices() > 24 * STRIPE_SLICES => {}
                Step::Take { slices, align, node } => runs.push(model.take((slices, align, node))),
                Step::Free(_, _) if runs.is_empty() => {}
                Step::Free(run, touched) => {
                    let run = runs.swap_remove(run % runs.len());
                    model.region.give_run(&run, touched);
                }
                Step::Purge(most) => {
                    if let Some(idle) = model.region.claim_idle(&SystemMapper, PurgeScope::All, most) {
                        model.region.unclaim_idle(&idle, PurgeOutcome::Zeroed);
                    }
                }
            }
            assert!(model.region.bounds_hold());
        }
        for (start, bytes) in model.region.mappings().into_iter().filter(|(_, bytes)| *bytes > 0) {
            // SAFETY: the region ends here.
            unsafe { SystemMapper.release(start, bytes) }.unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 16 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_lowest_run_that_is_resident_or_else_free_is_taken(steps in vec(step(), 1..250)) {
            follow(&steps, false);
        }

        #[test]
        fn of_a_node_the_lowest_run_in_its_stripes_is_taken(steps in vec(step(), 1..250)) {
            follow(&steps, true);
        }
    }
}
