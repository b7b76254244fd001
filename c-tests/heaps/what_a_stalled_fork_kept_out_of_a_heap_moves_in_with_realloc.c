// No call that allocates waits for a fork that stalls: a block that a heap could not serve is no
// heap's, until it is resized.
#include "tinyalloc.h"

#include "stalled_fork.h"

enum { BLOCKS = 300, BLOCK_BYTES = 2000, BYTES_MORE = 5000 };

int main(void)
{
    ta_heap_t *heap = ta_heap_create(NULL);
    void *blocks[BLOCKS], *first = ta_heap_malloc(heap, BLOCK_BYTES);
    EXPECT(heap != NULL && first != NULL);
    begin_stalled_fork();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = ta_heap_malloc(heap, BLOCK_BYTES);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], i, BLOCK_BYTES);
    }
    end_stalled_fork();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = ta_heap_realloc(heap, blocks[i], BYTES_MORE);
        EXPECT(ta_heap_contains(heap, blocks[i]));
        EXPECT(*(unsigned char *)blocks[i] == (unsigned char)i);
    }
    for (int i = 0; i < BLOCKS; i += 2) ta_heap_free(heap, blocks[i]);
    EXPECT(ta_heap_destroy(heap) == 0);
}
