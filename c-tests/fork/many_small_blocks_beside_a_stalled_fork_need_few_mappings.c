// What is allocated while a fork stalls comes in chunks: 65,530 mappings are all that a process may
// have.
#include "stalled_fork.h"

enum { BLOCKS = 20000, BLOCK_BYTES = 64, BYTES_MORE = 3000, MAPPINGS_MAX = 1000 };

static void *blocks[BLOCKS];

static int mappings(void)
{
    static char text[65536];
    int file = open("/proc/self/maps", O_RDONLY), lines = 0;
    EXPECT(file >= 0);
    for (ssize_t length; (length = read(file, text, sizeof text)) > 0;) {
        for (ssize_t i = 0; i < length; i++) lines += text[i] == '\n';
    }
    close(file);
    return lines;
}

int main(void)
{
    int before = mappings();
    begin_stalled_fork();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = i % 3 == 0 ? calloc(1, BLOCK_BYTES) : malloc(BLOCK_BYTES);
        EXPECT(blocks[i] != NULL && (uintptr_t)blocks[i] % 16 == 0 && malloc_usable_size(blocks[i]) >= BLOCK_BYTES);
        EXPECT(i % 3 != 0 || is_zero(blocks[i], BLOCK_BYTES));
        fill(blocks[i], BLOCK_BYTES, i);
    }
    for (int i = 0; i < BLOCKS; i += 2) free(blocks[i]);
    EXPECT(mappings() - before < MAPPINGS_MAX);
    for (int i = 0; i < BLOCKS; i += 2) {
        blocks[i] = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
        EXPECT(blocks[i] != NULL && (uintptr_t)blocks[i] % BLOCK_BYTES == 0);
        fill(blocks[i], BLOCK_BYTES, i);
    }
    EXPECT(mappings() - before < MAPPINGS_MAX);
    end_stalled_fork();
    for (int i = 0; i < BLOCKS; i++) {
        EXPECT(is_filled(blocks[i], BLOCK_BYTES, i));
        blocks[i] = realloc(blocks[i], BYTES_MORE);
        EXPECT(blocks[i] != NULL && is_filled(blocks[i], BLOCK_BYTES, i));
        free(blocks[i]);
    }
}
