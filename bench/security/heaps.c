#include "mistake.h"

typedef void *create_heap(const void *);
typedef void *allocate_in(void *, size_t);
typedef void free_in(void *, void *);
typedef int destroy_heap(void *);

static void *new_heap(void) { return ((create_heap *)(uintptr_t)need("ta_heap_create"))(NULL); }
static char *block_in(void *heap) { return ((allocate_in *)(uintptr_t)need("ta_heap_malloc"))(heap, SMALL); }
static void release_in(void *heap, void *block) { ((free_in *)(uintptr_t)need("ta_heap_free"))(heap, block); }
static void destroy(void *heap) { ((destroy_heap *)(uintptr_t)need("ta_heap_destroy"))(heap); }

static void use_after_destroy(void)
{
    void *heap = new_heap();
    char *block = block_in(heap);
    destroy(heap);
    accessing();
    *(volatile char *)block = 'x';
    go_on(SMALL);
}

static void free_after_destroy(void)
{
    void *heap = new_heap();
    char *block = block_in(heap);
    destroy(heap);
    calling();
    free(block);
    go_on(SMALL);
}

static void free_in_another(void)
{
    void *heap = new_heap(), *other = new_heap();
    char *block = block_in(heap);
    calling();
    release_in(other, block);
    go_on(SMALL);
}

static void free_of_a_global_block(void)
{
    void *heap = new_heap();
    char *block = block_of(SMALL);
    calling();
    release_in(heap, block);
    go_on(SMALL);
}

static void double_free(void)
{
    void *heap = new_heap();
    char *block = block_in(heap);
    calling();
    release_in(heap, block);
    release_in(heap, block);
    go_on(SMALL);
}

static void inside(void)
{
    void *heap = new_heap();
    char *block = block_in(heap);
    calling();
    release_in(heap, block + 16);
    go_on(SMALL);
}

static const struct mistake MISTAKES[] = {
    {"use of a block of a destroyed heap", use_after_destroy},
    {"free of a block of a destroyed heap", free_after_destroy},
    {"free in another heap than the block's", free_in_another},
    {"free of a block of malloc in a heap", free_of_a_global_block},
    {"double free in a heap", double_free},
    {"free 16 bytes inside a block of a heap", inside},
};

const struct group HEAPS = {"Isolated heaps", MISTAKES, COUNT_OF(MISTAKES)};
