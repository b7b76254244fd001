# MALLOC_CONF, and the variable of the program: what is like an option of ours sets it, TINYALLOC_OPTIONS wins, and what is not says so once.
header="-I$C_TESTS -I$C_TESTS/../include"
link="$LIB_SO -Wl,-rpath,$(dirname "$LIB_SO")"
cat > show.c << 'END'
#include "jemalloc/control.h"
#ifdef OWN
const char *malloc_conf = OWN;
#endif
int main(void)
{
    printf("%zd %zd %d %s %d %d %s %zu %d [%s]\n", (ssize_t)read_size("opt.dirty_decay_ms"), (ssize_t)read_size("opt.muzzy_decay_ms"),
        read_bool("opt.background_thread"), read_text("opt.thp"), read_bool("opt.prof"), read_bool("opt.prof_active"),
        read_text("opt.prof_prefix"), read_size("opt.lg_prof_sample"), read_bool("opt.stats_print"), read_text("opt.stats_print_opts"));
    return 0;
}
END
$CC -O1 -fno-builtin -pthread $header -o show show.c $link && $CC -O1 -pthread $header '-DOWN="dirty_decay_ms:55,muzzy_decay_ms:66"' -o own show.c $link || exit 1
shows() { # wanted, what runs
    local wanted=$1
    shift
    local shown
    shown=$("$@" 2> errors) || exit 1
    [ "$shown" = "$wanted" ] || { echo "$*: $shown, not $wanted"; exit 1; }
}
shows '400 0 0 default 0 0  19 0 []' ./show
shows '1500 7 1 always 0 0  19 0 [ab]' env MALLOC_CONF=dirty_decay_ms:1500,muzzy_decay_ms:7,background_thread:true,thp:always,stats_print_opts:ab ./show
[ ! -s errors ] || { cat errors; exit 1; }
shows '-1 0 0 never 1 0 here 17 0 []' env MALLOC_CONF=dirty_decay_ms:-1,thp:never,prof:true,prof_active:false,prof_prefix:here,lg_prof_sample:17 ./show
shows '0 0 0 default 1 1  19 0 []' env MALLOC_CONF=dirty_decay_ms:0,prof:true ./show
shows '250 0 0 default 0 0  19 0 []' env MALLOC_CONF=dirty_decay_ms:1500,background_thread:true TINYALLOC_OPTIONS=purge_delay=250,background_purge=off ./show
shows '55 66 0 default 0 0  19 0 []' ./own
shows '77 66 0 default 0 0  19 0 []' env MALLOC_CONF=dirty_decay_ms:77 ./own
shows '400 0 0 default 0 0  19 0 []' env MALLOC_CONF=nothing:4,thp:maybe,dirty_decay_ms:soon,junk:true ./show
printf 'tinyalloc: MALLOC_CONF: %s\n' 'no key "nothing" here' 'thp cannot be "maybe"' 'dirty_decay_ms cannot be "soon"' 'junk cannot be "true"' | diff - errors || exit 1
! MALLOC_CONF=abort_conf:true,nothing:4 ./show > /dev/null 2>&1 || exit 1
! MALLOC_CONF=abort_conf:true,junk:true ./show > /dev/null 2>&1 || exit 1
# What tunes jemalloc's own parts, and what is so here, is passed over in silence, unless it is to be confirmed.
tuning=narenas:2,metadata_thp:auto,oversize_threshold:1,lg_tcache_max:16,tcache_gc_incr_bytes:65536,percpu_arena:percpu,hpa:false,max_background_threads:4
shows '1000 0 0 default 0 0  19 0 []' env MALLOC_CONF=abort_conf:true,$tuning,junk:false,lg_prof_interval:-1,zero_realloc:free,dirty_decay_ms:1000 ./show
[ ! -s errors ] || { cat errors; exit 1; }
shows '1000 0 0 default 0 0  19 0 []' env MALLOC_CONF=abort_conf:true,confirm_conf:true,narenas:2,hpa:false,junk:false,dirty_decay_ms:1000 ./show
printf 'tinyalloc: MALLOC_CONF: %s has no effect here\n' narenas hpa | diff - errors || exit 1
# Statistics at the end, as the options say.
MALLOC_CONF=stats_print:true,stats_print_opts:J ./show 2>&1 > /dev/null | python3 -c 'import json, sys; assert json.load(sys.stdin)["jemalloc"]["opt"]["stats_print"] is True' || exit 1
# A profile when it is asked for, under the name that is asked for, and none at the end.
cat > dump.c << 'END'
#include "jemalloc/control.h"
int main(void)
{
    for (int count = 0; count < 1000; count++)
        EXPECT(malloc(1000) != NULL);
    EXPECT(read_bool("prof.active") && read_size("prof.lg_sample") == 12);
    EXPECT(mallctl("prof.dump", NULL, NULL, NULL, 0) == 0);
    const char *named = "named.heap", *prefix = "other", *nowhere = "no/such/folder";
    EXPECT(mallctl("prof.dump", NULL, NULL, &named, sizeof named) == 0);
    EXPECT(mallctl("prof.dump", NULL, NULL, &nowhere, sizeof nowhere) == EFAULT);
    EXPECT(mallctl("prof.prefix", NULL, NULL, &prefix, sizeof prefix) == 0);
    EXPECT(mallctl("prof.dump", NULL, NULL, NULL, 0) == 0);
    bool is_on = false, was_on = false;
    size_t bytes = sizeof was_on;
    EXPECT(mallctl("prof.active", &was_on, &bytes, &is_on, sizeof is_on) == 0 && was_on && !read_bool("prof.active"));
    is_on = true;
    EXPECT(mallctl("prof.active", NULL, NULL, &is_on, sizeof is_on) == 0 && read_bool("prof.active"));
    EXPECT(read_size("prof.lg_sample") == 12);
    return 0;
}
END
$CC -O1 -fno-builtin -pthread $header -o dump dump.c $link && MALLOC_CONF=prof:true,lg_prof_sample:12,prof_prefix:mine ./dump || exit 1
[ "$(echo mine.*.0.heap other.*.1.heap named.heap *.heap | wc -w)" = 6 ] && [ "$(head -1 named.heap)" = heap_v2/4096 ] || exit 1
# What there was is in the brackets only if it is asked for.
sed -n 2p named.heap | grep -q '\[0: 0\]$' || exit 1
MALLOC_CONF=prof:true,lg_prof_sample:12,prof_prefix:all,prof_accum:true ./dump && ! sed -n 2p named.heap | grep -q '\[0: 0\]$'
