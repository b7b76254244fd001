#define KIND "Isolated heaps"

static void *new_heap(void) { return ((void *(*)(const void *))function("ta_heap_create"))(NULL); }
static char *block_in(void *heap) { return ((void *(*)(void *, size_t))function("ta_heap_malloc"))(heap, SMALL); }
static void release_in(void *heap, void *block) { ((void (*)(void *, void *))function("ta_heap_free"))(heap, block); }
static void destroy(void *heap) { ((int (*)(void *))function("ta_heap_destroy"))(heap); }

MISTAKE(use_of_a_destroyed_heaps_block, ALWAYS(TRAPS_IN_SLICES), TITLES("use of a block of a destroyed heap"))
{
    void *heap = new_heap();
    char *block = block_in(heap);
    destroy(heap);
    accessing();
    *(volatile char *)block = 'x';
}

MISTAKE(free_of_a_destroyed_heaps_block, ALWAYS(ABORTS("double free of %p")),
        TITLES("free of a block of a destroyed heap"))
{
    void *heap = new_heap();
    char *block = block_in(heap);
    destroy(heap);
    calling();
    free(culprit(block));
}

MISTAKE(free_in_another_heap, ALWAYS(ABORTS("free of %p in heap")), TITLES("free in another heap than the block's"))
{
    void *heap = new_heap(), *other = new_heap();
    char *block = block_in(heap);
    calling();
    release_in(other, culprit(block));
}

MISTAKE(free_of_a_global_block_in_a_heap, ALWAYS(ABORTS("free of %p in heap")),
        TITLES("free of a block of malloc in a heap"))
{
    void *heap = new_heap();
    char *block = block_of(SMALL);
    calling();
    release_in(heap, culprit(block));
}

MISTAKE(double_free_in_a_heap, ALWAYS(ABORTS("double free of %p")), TITLES("double free in a heap"))
{
    void *heap = new_heap();
    char *block = block_in(heap);
    calling();
    release_in(heap, block);
    release_in(heap, culprit(block));
}

MISTAKE(free_inside_a_heaps_block, ALWAYS(ABORTS("invalid free of %p: 16 bytes inside")),
        TITLES("free 16 bytes inside a block of a heap"))
{
    void *heap = new_heap();
    char *block = block_in(heap);
    calling();
    release_in(heap, culprit(block + 16));
}

#undef KIND
