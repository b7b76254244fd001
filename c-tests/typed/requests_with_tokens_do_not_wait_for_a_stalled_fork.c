// modes: linked static
#include "typed.h"

#include "../stalled_fork.h"

enum { BLOCKS = 5000, BLOCK_BYTES = 64, BYTES_MORE = 3000 };

static void *block[BLOCKS];

static void *allocate(void *first)
{
    for (uintptr_t i = (uintptr_t)first; i < BLOCKS; i += 2) {
        block[i] = i % 3 == 0 ? __alloc_token_calloc(1, BLOCK_BYTES, i % 2) : __alloc_token_malloc(BLOCK_BYTES, i % 2);
        EXPECT(block[i] != NULL && (i % 3 != 0 || is_zero(block[i], BLOCK_BYTES)));
        block[i] = __alloc_token_realloc(block[i], 2 * BLOCK_BYTES, i % 2);
        EXPECT(block[i] != NULL);
        fill(block[i], 2 * BLOCK_BYTES, (int)i);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count == 1) {
        expect_again_with("partitions=2");
        expect_again_with("partitions=2,hardened=on");
        return 0;
    }
    watchdog(30);
    void *before = __alloc_token_malloc(BLOCK_BYTES, 0);
    begin_stalled_fork();
    free(before);
    allocate(0);
    /* The first that the thread asks for. */
    pthread_t thread = start(allocate, (void *)1);
    join(thread);
    end_stalled_fork();
    for (uintptr_t i = 0; i < BLOCKS; i++) {
        EXPECT(is_filled(block[i], 2 * BLOCK_BYTES, (int)i));
        block[i] = __alloc_token_realloc(block[i], BYTES_MORE, i % 2);
        EXPECT(is_filled(block[i], 2 * BLOCK_BYTES, (int)i) && is_alone(block[i], (int)(i % 2)));
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
}
