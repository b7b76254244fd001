//! The table of names: what each of them is, and which function answers it. Lookups, MIBs,
//! `malloc_stats_print` and the tests go by it; docs/JEMALLOC.md has what is refused, and why.
//!
//! Components `<a>`, `<s>` and `<b>` are numbers: of an arena, of an arena with statistics, of a
//! size class.

use libc::c_int;

use self::Access::{Acts, Reads, Sets, Takes, Trades};
use super::answers::{arenas, bins, fixed, options, process, profile, threads, utilization};
use super::exchange::Exchange;
use super::value::{Kind, Value};

/// The numbers in a name.
pub(super) type Place = [usize; 2];
pub(super) type Answer = Result<Value, c_int>;
pub(super) type Outcome = Result<(), c_int>;

/// What may be done with a name, by the encoding of jemalloc(3).
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// `r-`
    Reads(fn(Place) -> Answer),
    /// `rw`
    Sets(fn(Place) -> Answer, fn(Place, Value) -> Outcome),
    /// `-w`; no value is one, too.
    Takes(Kind, fn(Place, Option<Value>) -> Outcome),
    /// `--`
    Acts(fn(Place) -> Outcome),
    /// `rw`, of two kinds, or in an order of its own.
    Trades(fn(Place, &Exchange) -> Outcome),
}

pub(super) struct Name {
    pattern: &'static str,
    access: Access,
}

impl Name {
    pub(super) const fn pattern(&self) -> &'static str {
        self.pattern
    }

    pub(super) const fn access(&self) -> Access {
        self.access
    }
}

macro_rules! names {
    ($($pattern:literal $access:expr;)*) => {
        &[$(Name { pattern: $pattern, access: $access },)*]
    };
}

/// Names that begin alike are neighbours.
#[rustfmt::skip]
pub(super) static NAMES: &[Name] = names![
    "version" Reads(fixed::version);
    "epoch" Trades(process::epoch);
    "background_thread" Sets(process::background_thread, process::set_background_thread);
    "max_background_threads" Sets(process::max_background_threads, process::set_max_background_threads);
    "config.cache_oblivious" Reads(fixed::no);
    "config.debug" Reads(fixed::no);
    "config.fill" Reads(fixed::no);
    "config.lazy_lock" Reads(fixed::no);
    "config.malloc_conf" Reads(fixed::empty);
    "config.prof" Reads(fixed::yes);
    "config.prof_libgcc" Reads(fixed::no);
    "config.prof_libunwind" Reads(fixed::no);
    "config.stats" Reads(fixed::yes);
    "config.utrace" Reads(fixed::no);
    "config.xmalloc" Reads(fixed::no);
    "opt.abort" Reads(fixed::no);
    "opt.abort_conf" Reads(options::abort_conf);
    "opt.cache_oblivious" Reads(fixed::no);
    "opt.confirm_conf" Reads(options::confirm_conf);
    "opt.retain" Reads(fixed::yes);
    "opt.dss" Reads(fixed::disabled);
    "opt.narenas" Reads(fixed::one_unsigned);
    "opt.percpu_arena" Reads(fixed::disabled);
    "opt.metadata_thp" Reads(fixed::disabled);
    "opt.background_thread" Reads(options::background_thread);
    "opt.max_background_threads" Reads(fixed::one);
    "opt.dirty_decay_ms" Reads(options::dirty_decay_ms);
    "opt.muzzy_decay_ms" Reads(options::muzzy_decay_ms);
    "opt.stats_print" Reads(options::stats_print);
    "opt.stats_print_opts" Reads(options::stats_print_opts);
    "opt.tcache" Reads(fixed::yes);
    "opt.tcache_max" Reads(fixed::small_bytes_max);
    "opt.thp" Reads(options::thp);
    "opt.zero_realloc" Reads(fixed::free);
    "opt.prof" Reads(options::prof);
    "opt.prof_prefix" Reads(options::prof_prefix);
    "opt.prof_active" Reads(options::prof_active);
    "opt.prof_accum" Reads(options::prof_accum);
    "opt.prof_final" Reads(options::prof_final);
    "opt.prof_gdump" Reads(fixed::no);
    "opt.prof_leak" Reads(fixed::no);
    "opt.lg_prof_sample" Reads(options::lg_prof_sample);
    "opt.lg_prof_interval" Reads(fixed::minus_one);
    "thread.arena" Sets(threads::arena, threads::set_arena);
    "thread.tcache.enabled" Sets(fixed::yes, threads::set_tcache);
    "thread.tcache.flush" Acts(threads::idle);
    "thread.idle" Acts(threads::idle);
    "tcache.create" Trades(threads::create_tcache);
    "tcache.flush" Takes(Kind::Unsigned, threads::flush_tcache);
    "tcache.destroy" Takes(Kind::Unsigned, threads::destroy_tcache);
    "arena.<a>.initialized" Reads(arenas::initialized);
    "arena.<a>.decay" Acts(arenas::decay);
    "arena.<a>.purge" Acts(arenas::purge);
    "arena.<a>.reset" Acts(arenas::reset);
    "arena.<a>.destroy" Acts(arenas::destroy);
    "arena.<a>.dss" Sets(fixed::disabled, arenas::set_dss);
    "arena.<a>.dirty_decay_ms" Sets(arenas::dirty_decay_ms, arenas::set_dirty_decay_ms);
    "arena.<a>.muzzy_decay_ms" Sets(arenas::muzzy_decay_ms, arenas::set_muzzy_decay_ms);
    "arenas.narenas" Reads(arenas::narenas);
    "arenas.dirty_decay_ms" Sets(arenas::dirty_decay_ms, arenas::set_dirty_decay_ms_of_all);
    "arenas.muzzy_decay_ms" Sets(arenas::muzzy_decay_ms, arenas::set_muzzy_decay_ms);
    "arenas.quantum" Reads(fixed::quantum);
    "arenas.page" Reads(fixed::page);
    "arenas.tcache_max" Reads(fixed::small_bytes_max);
    "arenas.nbins" Reads(fixed::classes);
    "arenas.nhbins" Reads(fixed::classes);
    "arenas.bin.<b>.size" Reads(bins::size);
    "arenas.bin.<b>.nregs" Reads(bins::nregs);
    "arenas.bin.<b>.slab_size" Reads(bins::slab_size);
    "arenas.nlextents" Reads(fixed::zero_unsigned);
    "arenas.create" Trades(arenas::create);
    "arenas.lookup" Trades(arenas::lookup);
    "prof.active" Sets(profile::active, profile::set_active);
    "prof.dump" Takes(Kind::Text, profile::dump);
    "prof.reset" Takes(Kind::Size, profile::reset);
    "prof.prefix" Takes(Kind::Text, profile::set_prefix);
    "prof.interval" Reads(fixed::zero_wide);
    "prof.lg_sample" Reads(profile::lg_sample);
    "stats.allocated" Reads(process::allocated);
    "stats.active" Reads(process::active);
    "stats.metadata" Reads(process::metadata);
    "stats.resident" Reads(process::resident);
    "stats.mapped" Reads(process::mapped);
    "stats.retained" Reads(process::retained);
    "stats.background_thread.num_threads" Reads(process::background_threads);
    "stats.arenas.<s>.dss" Reads(fixed::disabled);
    "stats.arenas.<s>.dirty_decay_ms" Reads(arenas::dirty_decay_ms);
    "stats.arenas.<s>.muzzy_decay_ms" Reads(arenas::muzzy_decay_ms);
    "stats.arenas.<s>.pactive" Reads(arenas::pactive);
    "stats.arenas.<s>.pdirty" Reads(arenas::pdirty);
    "stats.arenas.<s>.pmuzzy" Reads(fixed::zero);
    "stats.arenas.<s>.mapped" Reads(arenas::mapped);
    "stats.arenas.<s>.retained" Reads(arenas::retained);
    "stats.arenas.<s>.resident" Reads(arenas::resident);
    "stats.arenas.<s>.dirty_nmadvise" Reads(arenas::dirty_nmadvise);
    "stats.arenas.<s>.dirty_purged" Reads(arenas::dirty_purged);
    "stats.arenas.<s>.muzzy_npurge" Reads(fixed::zero_wide);
    "stats.arenas.<s>.muzzy_nmadvise" Reads(fixed::zero_wide);
    "stats.arenas.<s>.muzzy_purged" Reads(fixed::zero_wide);
    "stats.arenas.<s>.small.allocated" Reads(arenas::small_allocated);
    "stats.arenas.<s>.large.allocated" Reads(arenas::large_allocated);
    "stats.arenas.<s>.bins.<b>.curregs" Reads(bins::curregs);
    "stats.arenas.<s>.bins.<b>.curslabs" Reads(bins::curslabs);
    "experimental.utilization.batch_query" Trades(utilization::batch_query);
];
