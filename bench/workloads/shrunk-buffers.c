/* Messages are read into buffers of 64 KiB, which realloc shrinks to what came; very many are in
 * flight. Stresses: a large block for an instant, and realloc from a large block to a small one.
 * Pattern: BIND's messages; jemalloc#2483. */
#include "workload.h"

enum { MESSAGES = 80000, READERS = 20, ROUNDS = 6, LEAST = 30, MOST = 600 };

static const size_t buffer_bytes = 64 * KIB;
static void *message[MESSAGES], *buffer[READERS];
static struct random random_state = {6};
static uint64_t checksum;

static void read_into(void **place, uint32_t serial)
{
    *place = block_new(buffer_bytes, serial);
    memset((char *)*place + TAG_BYTES, (char)serial, MOST);
}

static void *shrunk(void *read, size_t bytes, uint32_t serial)
{
    CHECK(block_bytes(read) == buffer_bytes);
    void *kept = checked(realloc(read, bytes), bytes);
    checksum += mixed(word_at(kept, TAG_BYTES));
    block_write(kept, bytes, serial);
    return kept;
}

static void keep_messages(void)
{
    for (uint32_t kept = 0; kept < MESSAGES;) {
        void **place = &buffer[random_below(&random_state, READERS)];
        if (!*place) {
            read_into(place, kept);
            continue;
        }
        message[kept] = shrunk(*place, random_between(&random_state, LEAST, MOST), kept);
        kept++;
        *place = NULL;
    }
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "large buffers that realloc shrinks to what they hold", NULL);
    for (uint64_t left = scaled(ROUNDS); left > 0; left--) {
        for (uint32_t at = 0; at < MESSAGES; at++)
            if (message[at]) checksum += block_free(message[at]);
        keep_messages();
    }
    for (uint32_t at = 0; at < MESSAGES; at++) checksum += block_read(message[at]);
    return workload_end(checksum);
}
