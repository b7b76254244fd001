/* calloc of fresh and of reused memory, from 16 bytes to 1 MiB, verified to be zero and then made
 * dirty. Stresses: knowing which memory is fresh from the OS, clearing the rest, and never handing
 * out old contents. Pattern: zero-initialised tables and records, as in interpreters and in C
 * programs that calloc by habit. */
#include "workload.h"

enum { BLOCKS = 20000, LARGE_BLOCKS = 64, REPLACEMENTS = 4000000, LARGE_REPLACEMENTS = 8000, SMALL_MOST = 1024 };

static const size_t large_least = 4 * KIB, large_most = MIB;
static unsigned char dirt[MIB];
static void *small[BLOCKS], *large[LARGE_BLOCKS];

static void verify_zero(const char *block, size_t bytes)
{
    uint64_t found = word_at(block, bytes - TAG_BYTES);
    for (size_t at = 0; at + TAG_BYTES <= bytes; at += at < 256 ? TAG_BYTES : 520) found |= word_at(block, at);
    if (found) DIE("calloc of %zu bytes is not zero\n", bytes);
}

static void *zeroed(size_t bytes, uint32_t serial)
{
    size_t length = serial % 2 ? 1 : bytes;
    char *block = checked(calloc(length, bytes / length), bytes);
    verify_zero(block, bytes);
    if (bytes <= SMALL_MOST) memcpy(block, dirt, bytes);
    block_write(block, bytes, serial);
    block_touch(block, bytes);
    return block;
}

/* What a large block dirties lies between the words that block_touch writes. */
static void *zeroed_large(struct random *random, uint32_t serial)
{
    size_t bytes = random_falloff(random, large_least, large_most);
    char *block = zeroed(bytes, serial);
    size_t dirty_bytes = random_between(random, TAG_BYTES, bytes / 2);
    memcpy(block + TAG_BYTES, dirt, dirty_bytes - TAG_BYTES);
    return block;
}

static uint64_t fresh_only(void)
{
    struct random random = {3};
    uint64_t sum = 0;
    for (uint32_t at = 0; at < BLOCKS; at++) small[at] = zeroed(random_between(&random, 16, SMALL_MOST), at);
    for (uint32_t at = 0; at < LARGE_BLOCKS; at++) large[at] = zeroed_large(&random, at);
    for (uint32_t at = 0; at < BLOCKS; at += 2) sum += block_free(small[at]);
    for (uint32_t at = 0; at < BLOCKS; at += 2) small[at] = zeroed(random_between(&random, 16, SMALL_MOST), at);
    return sum;
}

static uint64_t reused(void)
{
    struct random random = {4};
    uint64_t sum = 0;
    for (uint64_t left = scaled(REPLACEMENTS); left > 0; left--) {
        size_t at = random_below(&random, BLOCKS);
        sum += block_free(small[at]);
        small[at] = zeroed(random_falloff(&random, 16, SMALL_MOST), (uint32_t)left);
    }
    for (uint64_t left = scaled(LARGE_REPLACEMENTS); left > 0; left--) {
        size_t at = random_below(&random, LARGE_BLOCKS);
        sum += block_free(large[at]);
        large[at] = zeroed_large(&random, (uint32_t)left);
    }
    return sum;
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "calloc of fresh and of reused memory", NULL);
    memset(dirt, 0xD1, sizeof dirt);
    uint64_t sum = fresh_only() + reused();
    for (size_t at = 0; at < BLOCKS; at++) sum += block_free(small[at]);
    for (size_t at = 0; at < LARGE_BLOCKS; at++) sum += block_free(large[at]);
    return workload_end(sum);
}
