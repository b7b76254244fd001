#include "expect.h"

static const char *const NAMES[] = {
    "malloc", "calloc", "realloc", "free", "cfree", "memalign", "aligned_alloc", "posix_memalign", "valloc", "pvalloc",
    "reallocarray", "malloc_usable_size", "free_sized", "free_aligned_sized", "malloc_good_size", "mallinfo",
    "mallinfo2", "malloc_info", "malloc_stats", "malloc_trim", "mallopt", "__libc_malloc", "__libc_calloc",
    "__libc_realloc", "__libc_free", "__libc_memalign", "__libc_valloc", "__libc_pvalloc", "__libc_cfree",
    "__posix_memalign", "sdallocx", "nallocx", "reallocarr", "recallocarray", "freezero", "_Znwm", "_Znam",
    "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t", "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t", "_ZnamSt11align_val_tRKSt9nothrow_t", "_ZdlPv", "_ZdaPv",
    "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t", "_ZdlPvm", "_ZdaPvm", "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t", "_ZdaPvSt11align_val_tRKSt9nothrow_t",
    "_ZdlPvmSt11align_val_t", "_ZdaPvmSt11align_val_t",
};

int main(void)
{
    require_tinyalloc();
    Dl_info ours, its;
    EXPECT(dladdr(symbol("ta_stats"), &ours) != 0);
    int foreign = 0;
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        void *found = symbol(NAMES[i]);
        if (found && dladdr(found, &its) && its.dli_fbase == ours.dli_fbase) continue;
        say("%s is %s\n", NAMES[i], found ? "another library's" : "missing");
        foreign++;
    }
    EXPECT(foreign == 0);
}
