#include "background.h"
#include "system_files.h"

/* Under version 2, the least is two groups above. */
struct system_file system_file[SYSTEM_FILES_MAX] = {
    {"/proc/self/cgroup", "1:name=systemd:/\n0::/a.slice/b.slice/c:d.scope\n"},
    {"/sys/fs/cgroup/a.slice/memory.max", "67108864\n"},
    {"/sys/fs/cgroup/a.slice/b.slice/memory.max", "max\n"},
    {"/sys/fs/cgroup/a.slice/b.slice/c:d.scope/memory.max", "134217728\n"},
};

static void limit_memory_of_all_to(const char *text) { strcpy(system_file[1].text, text); }

/* Whether the limit is that many percent of so many MiB: half of what is between is to be had, and
 * twice of it is not. */
static bool limit_is(size_t mib)
{
    void *half = malloc(mib * MIB / 2), *all = malloc(2 * mib * MIB);
    bool is = half && !all;
    free(half);
    free(all);
    return is;
}

static void the_least_on_the_way_up_counts(void)
{
    EXPECT(option_is("limit", "50%"));
    EXPECT(limit_is(32));
}

/* Each by its own way: the file is read again when there is no memory within the limit, and errno
 * stays as it was. */
static void a_limit_that_grew_is_met_by_no_call(void)
{
    void *block[6] = {0};
    limit_memory_of_all_to("67108864\n");
    EXPECT_REFUSED(malloc(40 * MIB), ENOMEM);
    for (int call = 0; call < 6; call++) {
        limit_memory_of_all_to("67108864\n");
        malloc_trim(0);
        limit_memory_of_all_to("134217728\n");
        errno = ERRNO_UNTOUCHED;
        switch (call) {
        case 0: block[call] = malloc(40 * MIB); break;
        case 1: block[call] = calloc(40, MIB); break;
        case 2: block[call] = realloc(malloc(1), 40 * MIB); break;
        case 3: block[call] = aligned_alloc(64, 40 * MIB); break;
        case 4: block[call] = memalign(2 * MIB, 40 * MIB); break;
        case 5: block[call] = valloc(40 * MIB); break;
        }
        EXPECT(block[call] != NULL);
        EXPECT(errno == ERRNO_UNTOUCHED);
        free(block[call]);
    }
}

static void a_limit_that_shrank_is_known_after_a_trim(void)
{
    limit_memory_of_all_to("33554432\n");
    malloc_trim(0);
    EXPECT(limit_is(16));
    EXPECT_REFUSED(malloc(20 * MIB), ENOMEM);
}

static void version_1_has_files_of_other_names(void)
{
    strcpy(system_file[0].text, "9:cpu,memory:/docker/1\n3:pids:/\n0::/\n");
    system_file[1] = (struct system_file){"/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "9223372036854771712\n"};
    system_file[2] = (struct system_file){"/sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n"};
    malloc_trim(0);
    EXPECT(limit_is(32));
}

static void without_a_group_it_is_of_the_machines_memory(void)
{
    memset(system_file, 0, sizeof system_file);
    machine_bytes = 64 * MIB;
    malloc_trim(0);
    EXPECT(limit_is(32));
    EXPECT(option_set("limit", "25%") == 0 && limit_is(16));
    EXPECT(option_set("limit", "100%") == 0 && limit_is(64));
    machine_bytes = 0;
    malloc_trim(0);
    EXPECT(!limit_is(64));
}

static void a_limit_in_bytes_reads_no_file(void)
{
    int refused;
    EXPECT(option_set("limit", "32M") == 0 && limit_is(32));
    refused = files_refused;
    EXPECT_REFUSED(malloc(40 * MIB), ENOMEM);
    malloc_trim(0);
    EXPECT(files_refused == refused && option_set("limit", "0") == 0);
}

static int check(void)
{
    the_least_on_the_way_up_counts();
    a_limit_that_grew_is_met_by_no_call();
    a_limit_that_shrank_is_known_after_a_trim();
    version_1_has_files_of_other_names();
    without_a_group_it_is_of_the_machines_memory();
    a_limit_in_bytes_reads_no_file();
    return 0;
}

static bool little_is_refused(void)
{
    void *block = malloc(20 * MIB);
    free(block);
    return !block;
}

static int check_in_the_background(void)
{
    burst();
    EXPECT(limit_is(32));
    limit_memory_of_all_to("33554432\n");
    EXPECT(comes_true(little_is_refused));
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1) return strcmp(argument[1], "background") == 0 ? check_in_the_background() : check();
    struct run run = run_with("limit=50%", "check");
    EXPECT(succeeded(&run));
    run = run_with("limit=50%,background_purge=on", "background");
    EXPECT(succeeded(&run));
}
