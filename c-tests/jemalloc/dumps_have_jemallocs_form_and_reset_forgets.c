/* prof.dump writes what readers of jemalloc's dumps know, with the interval that its samples had;
 * prof.reset forgets them, and what frees of forgotten blocks say. */
#include "control.h"

#define BLOCKS 2000

const char *malloc_conf = "prof:true,lg_prof_sample:12";

static void *blocks[BLOCKS];

static void allocate_all(void)
{
    for (int at = 0; at < BLOCKS; at++) {
        blocks[at] = malloc(1000);
        EXPECT(blocks[at] != NULL);
    }
}

static void free_all(void)
{
    for (int at = 0; at < BLOCKS; at++)
        free(blocks[at]);
}

/* The live samples of a dump, whose sites must have as many as its second line says. */
static unsigned long samples_of_dump(unsigned long interval)
{
    static const char *path = "form.heap";
    EXPECT(mallctl("prof.dump", NULL, NULL, &path, sizeof path) == 0);
    FILE *dump = fopen(path, "r");
    EXPECT(dump != NULL);
    char line[4096];
    unsigned long written, sum[4], site[4], samples = 0, bytes = 0;
    EXPECT(fgets(line, sizeof line, dump) && sscanf(line, "heap_v2/%lu\n", &written) == 1 && written == interval);
    EXPECT(fgets(line, sizeof line, dump) && sscanf(line, "  t*: %lu: %lu [%lu: %lu]\n", &sum[0], &sum[1], &sum[2], &sum[3]) == 4);
    while (fgets(line, sizeof line, dump) && strncmp(line, "MAPPED_LIBRARIES:", 17) != 0) {
        if (line[0] != '@')
            continue;
        EXPECT(strncmp(line, "@ 0x", 4) == 0 && fgets(line, sizeof line, dump));
        EXPECT(sscanf(line, "  t*: %lu: %lu [%lu: %lu]\n", &site[0], &site[1], &site[2], &site[3]) == 4);
        EXPECT(site[0] > 0 && site[1] >= site[0] && site[2] == 0 && site[3] == 0);
        samples += site[0];
        bytes += site[1];
    }
    EXPECT(strncmp(line, "MAPPED_LIBRARIES:", 17) == 0 && fgets(line, sizeof line, dump) && strchr(line, '-'));
    EXPECT(samples == sum[0] && bytes == sum[1] && sum[2] == 0 && sum[3] == 0);
    fclose(dump);
    return samples;
}

static int reset(size_t lg)
{
    return mallctl("prof.reset", NULL, NULL, &lg, sizeof lg);
}

int main(void)
{
    allocate_all();
    /* Of 2,000 blocks about 433, each with a probability of 1 - exp(-1000 / 4096). */
    unsigned long samples = samples_of_dump(4096);
    EXPECT(samples > 200 && samples < 800);
    EXPECT(act("prof.reset") == 0);
    EXPECT(samples_of_dump(4096) < 20);
    free_all();
    EXPECT(samples_of_dump(4096) < 20);
    allocate_all();
    EXPECT(samples_of_dump(4096) > 100);
    /* Another interval. */
    unsigned wrong = 14;
    EXPECT(mallctl("prof.reset", NULL, NULL, &wrong, sizeof wrong) == EINVAL);
    /* The largest that there is. */
    EXPECT(reset(64) == 0 && read_size("prof.lg_sample") == 31);
    EXPECT(reset((size_t)-1) == 0 && read_size("prof.lg_sample") == 31);
    EXPECT(reset(14) == 0 && read_size("prof.lg_sample") == 14 && read_bool("prof.active"));
    EXPECT(samples_of_dump(16384) < 20);
    /* A profile that is off keeps its samples and their interval, and stays off. */
    bool is_off = false;
    free_all();
    allocate_all();
    samples = samples_of_dump(16384);
    EXPECT(samples > 0);
    EXPECT(mallctl("prof.active", NULL, NULL, &is_off, sizeof is_off) == 0);
    EXPECT(samples_of_dump(16384) == samples);
    EXPECT(reset(13) == 0 && !read_bool("prof.active") && read_size("prof.lg_sample") == 13);
    EXPECT(samples_of_dump(8192) == 0);
    free_all();
    return 0;
}
