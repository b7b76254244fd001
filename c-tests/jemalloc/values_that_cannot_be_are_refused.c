#include "control.h"

static int set_signed(const char *name, ssize_t value)
{
    return mallctl(name, NULL, NULL, &value, sizeof value);
}

static ssize_t read_signed(const char *name)
{
    return (ssize_t)read_size(name);
}

int main(void)
{
    EXPECT(set_signed("arenas.dirty_decay_ms", -2) == EFAULT);
    EXPECT(set_signed("arenas.dirty_decay_ms", 1234) == 0 && read_signed("arenas.dirty_decay_ms") == 1234);
    EXPECT(set_signed("arena.0.dirty_decay_ms", 0) == 0 && read_signed("arena.0.dirty_decay_ms") == 0);
    EXPECT(set_signed("arena.0.dirty_decay_ms", -1) == 0 && read_signed("stats.arenas.0.dirty_decay_ms") == -1);
    /* Arenas of the program have no delay of their own. */
    EXPECT(new_arena() == 1);
    EXPECT(set_signed("arena.1.dirty_decay_ms", 77) == EFAULT && set_signed("arena.1.dirty_decay_ms", -1) == 0);
    /* Nor has an arena that is gone, or never was, that of all. */
    EXPECT(mallctl("arena.1.destroy", NULL, NULL, NULL, 0) == 0);
    EXPECT(set_signed("arena.1.dirty_decay_ms", 0) == EFAULT && read_signed("arena.0.dirty_decay_ms") == -1);
    EXPECT(set_signed("arenas.muzzy_decay_ms", -2) == EFAULT && set_signed("arenas.muzzy_decay_ms", 5) == 0);
    void *block = mallocx(100, 0);
    size_t usage[6], usage_bytes = sizeof usage, queried[2] = {(size_t)block, (size_t)block};
    EXPECT(mallctl("experimental.utilization.batch_query", usage, &usage_bytes, queried, sizeof queried) == 0);
    EXPECT(usage[1] > 0 && usage[4] == usage[1]);
    EXPECT(mallctl("experimental.utilization.batch_query", usage, &usage_bytes, queried, sizeof queried + 1) == EINVAL);
    EXPECT(mallctl("experimental.utilization.batch_query", NULL, &usage_bytes, queried, sizeof queried) == EINVAL);
    dallocx(block, 0);
    bool is_on = true, is_off = false;
    EXPECT(mallctl("background_thread", NULL, NULL, &is_on, sizeof is_on) == 0 && read_bool("background_thread"));
    EXPECT(mallctl("background_thread", NULL, NULL, &is_off, sizeof is_off) == 0 && !read_bool("background_thread"));
    size_t none = 0, two = 2;
    EXPECT(mallctl("max_background_threads", NULL, NULL, &none, sizeof none) == EINVAL && read_size("max_background_threads") == 1);
    /* A limit that one thread keeps to. */
    EXPECT(mallctl("max_background_threads", NULL, NULL, &two, sizeof two) == 0 && read_size("max_background_threads") == 2);
    EXPECT(mallctl("thread.tcache.enabled", NULL, NULL, &is_off, sizeof is_off) == EFAULT);
    const char *primary = "primary";
    EXPECT(mallctl("arena.0.dss", NULL, NULL, &primary, sizeof primary) == EFAULT);
    /* No profile was asked for. */
    EXPECT(!read_bool("opt.prof"));
    EXPECT(mallctl("prof.active", NULL, NULL, &is_on, sizeof is_on) == ENOENT);
    EXPECT(mallctl("prof.dump", NULL, NULL, NULL, 0) == ENOENT);
    EXPECT(mallctl("prof.reset", NULL, NULL, NULL, 0) == ENOENT);
    unsigned cache = 99, other = 99;
    size_t bytes = sizeof cache;
    EXPECT(mallctl("tcache.create", &cache, &bytes, NULL, 0) == 0 && mallctl("tcache.create", &other, &bytes, NULL, 0) == 0);
    EXPECT(cache == 0 && other == 1);
    dallocx(mallocx(100, MALLOCX_TCACHE(other)), MALLOCX_TCACHE(other));
    EXPECT(mallctl("tcache.flush", NULL, NULL, &cache, sizeof cache) == 0);
    EXPECT(mallctl("tcache.flush", NULL, NULL, &cache, 1) == EINVAL && mallctl("tcache.flush", NULL, NULL, NULL, 0) == EINVAL);
    EXPECT(mallctl("tcache.destroy", NULL, NULL, &cache, sizeof cache) == 0);
    EXPECT(read_unsigned("tcache.create") == 0);
    EXPECT(mallctl("tcache.create", NULL, NULL, NULL, 0) == EINVAL);
    EXPECT(strcmp(read_text("opt.dss"), "disabled") == 0 && strstr(read_text("version"), "tinyalloc"));
    return 0;
}
