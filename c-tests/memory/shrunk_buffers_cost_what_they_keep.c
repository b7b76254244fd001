/* A server reads each message into a large buffer and shrinks it to what came: many in flight cost
 * what they keep. */
#include "survivors.h"

enum { MESSAGES = 60000, AT_A_TIME = 20 };

static const struct { size_t buffer, least, most; } readers[] = {
    {64 * 1024, 50, 50},
    {64 * 1024, 30, 600},
    {300 * 1000, 30, 3000},
    {4096, 16, 64},
};

static struct block message[MESSAGES];

static void shrink_and_keep(struct block *kept, unsigned char *buffer, size_t bytes)
{
    kept->at = realloc(buffer, bytes);
    kept->bytes = bytes;
    EXPECT(kept->at != NULL);
    EXPECT(is_filled(kept->at, bytes, 5));
    fill(kept->at, bytes, (unsigned)bytes);
}

static void read_messages(size_t buffer_bytes, size_t least, size_t most)
{
    unsigned char *buffer[AT_A_TIME] = {0};
    unsigned state = 6;
    for (size_t kept = 0; kept < MESSAGES;) {
        unsigned i = next_random(&state) % AT_A_TIME;
        if (buffer[i]) {
            shrink_and_keep(&message[kept++], buffer[i], bytes_between(&state, least, most));
            buffer[i] = NULL;
        } else {
            buffer[i] = malloc(buffer_bytes);
            EXPECT(buffer[i] != NULL);
            fill(buffer[i], most, 5);
        }
    }
    for (int i = 0; i < AT_A_TIME; i++) free(buffer[i]);
}

int main(void)
{
    require_tinyalloc();
    memset(message, 0xFF, sizeof message);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        malloc_trim(0);
        size_t before = resident_bytes();
        read_messages(readers[i].buffer, readers[i].least, readers[i].most);
        EXPECT_RESIDENT_AT_MOST(before, bytes_live(message, MESSAGES) * 3 / 2 + AT_A_TIME * readers[i].buffer + 4 * MIB);
        free_blocks(message, MESSAGES);
    }
    return 0;
}
