#define KIND "Free of what is no block"

enum { OTHERS = 8, FORGED_BYTES = 1024, FORGED_SIZE = 0x71, CLASSES = 52, WILD_POINTERS = 24, ALIGNED_WAYS = 104, SMALL_WAYS = 3 + 826 };

static uint64_t static_object[PAGE / sizeof(uint64_t)] __attribute__((aligned(PAGE))) = {1};

static char *forbidden_block(size_t bytes)
{
    char *block = block_of_any_size(bytes);
    forbid(block, malloc_usable_size(block));
    return block;
}

struct place {
    size_t bytes, offset;
};

/* Every offset inside blocks of these sizes, one after the other. */
static struct place inside_a_small_block(size_t way)
{
    static const struct place FIRST[] = {{SMALL, 1}, {SMALL, 8}, {SMALL, 16}};
    static const size_t SIZES[] = {16, 48, 80, 112, 256, 320};
    if (way < COUNT_OF(FIRST)) return FIRST[way];
    size_t size = 0;
    for (way -= COUNT_OF(FIRST); way >= SIZES[size] - 1; size++) way -= SIZES[size] - 1;
    return (struct place){SIZES[size], way + 1};
}

MISTAKE(free_at_every_offset_inside_a_small_slot, ALWAYS(ABORTS("invalid free of %p")), WAYS(SMALL_WAYS),
        TITLES("1 byte inside a small block", "8 bytes inside a small block", "16 bytes inside a small block"))
{
    struct place place = inside_a_small_block(way);
    char *block = way < 3 ? forbidden_block(place.bytes) : malloc(place.bytes);
    calling();
    free(culprit(block + place.offset));
}

MISTAKE(free_inside_a_slot_of_every_class, ALWAYS(ABORTS("invalid free of %p")), WAYS(CLASSES * 8))
{
    size_t bytes = 16;
    for (size_t step = way / 8; step > 0; step--) bytes = bytes * 9 / 8 + 8;
    const size_t offsets[] = {1, 8, 15, bytes / 2, bytes / 3 + 1, bytes - 16, bytes - 8, bytes - 1};
    char *block = malloc(bytes);
    calling();
    size_t offset = offsets[way % 8];
    free(culprit(block + (offset > 0 ? offset : 1)));
}

static struct place inside_a_large_block(size_t way)
{
    static const struct place FIRST[] = {{LARGE, 16}, {LARGE, PAGE}, {HUGE, 16}, {HUGE, PAGE}};
    static const size_t SIZES[] = {40 * KIB, 100 * KIB, 300 * KIB, MIB, 5 * MIB, HUGE};
    if (way < COUNT_OF(FIRST)) return FIRST[way];
    way -= COUNT_OF(FIRST);
    size_t bytes = SIZES[way / 10];
    const size_t offsets[] = {1, 8, 16, 64, 4096, 16384, 32768, bytes / 2, bytes - 16, bytes - 1};
    return (struct place){bytes, offsets[way % 10]};
}

MISTAKE(free_inside_a_large_block, ALWAYS(ABORTS("invalid free of %p")), WAYS(4 + 60),
        TITLES("16 bytes inside a large block", "a page inside a large block", "16 bytes inside a huge block", "a page inside a huge block"))
{
    struct place place = inside_a_large_block(way);
    char *block = way < 4 ? forbidden_block(place.bytes) : malloc(place.bytes);
    calling();
    free(culprit(block + place.offset));
}

MISTAKE(free_inside_an_aligned_block, ALWAYS(ABORTS("invalid free of %p")), WAYS(ALIGNED_WAYS))
{
    size_t shift = 5;
    for (; way > shift; shift += 2) way -= shift + 1;
    char *block = memalign((size_t)1 << shift, (size_t)3 << shift);
    calling();
    free(culprit(block + ((size_t)1 << way)));
}

static void *freed_inside_there(void *place)
{
    free(culprit(place));
    return NULL;
}

MISTAKE(remote_free_inside_a_slot, ALWAYS(ABORTS("invalid free of %p")), WAYS(SMALL - 5))
{
    char *block = small_block(way);
    calling();
    run_in_thread(freed_inside_there, block + 1 + way);
}

/* Of so many bytes that are none of the allocator's; other ways than the first are the process's
 * first call. */
static void free_of(size_t way, void *start, size_t bytes)
{
    if (way == 0) free(block_of(SMALL));
    if (bytes > 0) forbid(start, bytes);
    calling();
    free(culprit(start));
}

MISTAKE(free_of_a_stack_address, ALWAYS(ABORTS("invalid free of %p")), WAYS(2), TITLES("on the stack"))
{
    _Alignas(64) char local[FORGED_BYTES] = {0};
    free_of(way, local + 512, 512);
}

/* The word before a block of glibc's says how long it is. */
MISTAKE(free_of_a_forged_block_on_the_stack, ALWAYS(ABORTS("invalid free of %p")),
        TITLES("on the stack, laid out like a block of glibc's"))
{
    _Alignas(64) uint64_t local[FORGED_BYTES / sizeof(uint64_t)];
    for (size_t i = 0; i < COUNT_OF(local); i++) local[i] = FORGED_SIZE;
    free_of(way, local + 16, sizeof local - 16 * sizeof local[0]);
}

MISTAKE(free_of_a_static_object, ALWAYS(ABORTS("invalid free of %p")), WAYS(2), TITLES("a global object"))
{
    free_of(way, static_object, sizeof static_object);
}

MISTAKE(free_of_a_string_literal, ALWAYS(ABORTS("invalid free of %p")), WAYS(2))
{
    free_of(way, (void *)(uintptr_t)"a literal", 0);
}

MISTAKE(free_of_a_function, ALWAYS(ABORTS("invalid free of %p")), WAYS(2), TITLES("code"))
{
    free_of(way, (void *)(uintptr_t)free_of, 0);
}

/* Unmapped, in the first page, non-canonical; then the rest of the first page, where nothing can be
 * mapped, and the kernel's half. */
static void *wild_pointer(size_t way)
{
    static const uintptr_t WILD[WILD_POINTERS] = {
        0x123456789000,
        0x40,
        0x4141414141414140,
        1,
        8,
        16,
        0x30,
        0xff0,
        0x1000,
        0x10000,
        0x7ffffffff000,
        0x7fffffffffff,
        0x800000000000,
        0x1000000000000,
        0xdeadbeefdeadbeef,
        0xdeadbeefdeadbee0,
        0x4141414141414140,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xffff800000000000,
        0xffffffffff600000,
        UINTPTR_MAX - 4095,
        UINTPTR_MAX - 15,
        UINTPTR_MAX,
    };
    return (void *)WILD[way];
}

MISTAKE(free_of_a_wild_pointer, ALWAYS(ABORTS("invalid free of %p")), WAYS(WILD_POINTERS),
        TITLES("unmapped", "in the first page", "non-canonical"))
{
    free_of(way < 3 ? 0 : way, wild_pointer(way), 0);
}

/* A thread without a heap once took the local path: its owner value and the unowned slices' were
 * both 0. */
MISTAKE(free_of_a_wild_pointer_in_a_fresh_thread, ALWAYS(ABORTS("invalid free of %p")), WAYS(WILD_POINTERS))
{
    calling();
    run_in_thread(freed_inside_there, wild_pointer(way));
}

/* In the midst of one, then at the start of ever larger ones. */
MISTAKE(free_of_a_foreign_mapping, ALWAYS(ABORTS("invalid free of %p")), WAYS(1 + 6), TITLES("a foreign mapping"))
{
    size_t bytes = way == 0 ? MIB : (size_t)PAGE << 4 * (way - 1);
    char *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) end(HARM);
    forbid(mapping, bytes);
    if (way > 0) free(malloc(HUGE));
    free_of(way, way == 0 ? mapping + bytes / 4 : mapping, 0);
}

/* What sbrk gives is where a second allocator in the same program would take its blocks from. */
MISTAKE(free_of_another_allocators_block, ALWAYS(ABORTS("invalid free of %p")))
{
    char *block = sbrk(64 * KIB);
    if (block == (void *)-1) end(EXIT_SKIPPED);
    free_of(way, (void *)(((uintptr_t)block + 31) & ~(uintptr_t)15), 0);
}

/* Inside the reservation, or just outside: nothing there was ever committed, and looking must not
 * fault. */
MISTAKE(free_far_from_any_block, ALWAYS(ABORTS("invalid free of %p")), WAYS(2 * 19))
{
    char *block = malloc(48);
    size_t distance = 16 * MIB << way / 2;
    calling();
    free(culprit(way % 2 ? block - distance : block + distance));
}

/* One address in every 64 KiB around a small block, metadata included: never a fault, never
 * silence. */
MISTAKE(free_of_any_odd_address_near_the_heap, ALWAYS(ABORTS("invalid free of %p")), WAYS(257))
{
    char *block = malloc(48);
    calling();
    free(culprit(block + ((long)way - 128) * 65536 + 4));
}

static bool is_one_of(char *const *blocks, const char *address)
{
    for (int i = 0; i < OTHERS; i++) {
        if (blocks[i] == address) return true;
    }
    return false;
}

/* The slots of a fresh span that were never handed out. Which way a span is cut is not promised:
 * the nearest that is no live one, then every one near a block that is alone. */
static char *never_allocated_slot(void)
{
    char *blocks[OTHERS];
    size_t distance = SIZE_MAX, away = 1;
    concerned_bytes = 2000;
    for (int i = 0; i < OTHERS; i++) blocks[i] = malloc(2000);
    for (int i = 0; i < OTHERS * OTHERS; i++) {
        const char *a = blocks[i / OTHERS], *b = blocks[i % OTHERS];
        if (a > b && (size_t)(a - b) < distance) distance = (size_t)(a - b);
    }
    while (is_one_of(blocks, blocks[0] + away * distance)) away++;
    return blocks[0] + away * distance;
}

MISTAKE(free_of_a_never_allocated_slot, ALWAYS(ABORTS("free of %p")), WAYS(40), TITLES("a slot never allocated"))
{
    char *slot = way == 0 ? never_allocated_slot() : (char *)malloc(2048) + way * 2048;
    calling();
    free(culprit(slot));
}

MISTAKE(realloc_inside_a_slot, ALWAYS(ABORTS("invalid free of %p")), WAYS(SMALL - 5),
        TITLES("realloc, 16 bytes inside a small block"))
{
    char *block = way == 0 ? forbidden_block(SMALL) : small_block(way);
    calling();
    free(realloc(culprit(block + 1 + (15 + way) % (SMALL - 5)), 4 * SMALL));
}

MISTAKE(realloc_of_a_stack_address, ALWAYS(ABORTS("invalid free of %p")), TITLES("realloc, on the stack"))
{
    _Alignas(64) char local[FORGED_BYTES] = {0};
    forbid(local, sizeof local);
    calling();
    free(realloc(culprit(local + 512), 4 * SMALL));
}

MISTAKE(realloc_of_a_wild_pointer, ALWAYS(ABORTS("invalid free of %p")), WAYS(WILD_POINTERS))
{
    calling();
    free(realloc(culprit(wild_pointer(way)), SMALL));
}

static void usable_size_of(void *start)
{
    calling();
    end(malloc_usable_size(culprit(start)) == 0 ? NO_HARM : HARM);
}

MISTAKE(usable_size_of_a_freed_slot, ALWAYS(ABORTS("free of %p")), WAYS(2),
        TITLES("malloc_usable_size of a freed block"))
{
    char *block = small_block(way);
    free(block);
    usable_size_of(block);
}

MISTAKE(usable_size_inside_a_slot, ALWAYS(ABORTS("free of %p")), WAYS(SMALL - 5),
        TITLES("malloc_usable_size, 16 bytes inside a small block"))
{
    usable_size_of(small_block(way) + 1 + (15 + way) % (SMALL - 5));
}

MISTAKE(usable_size_of_a_stack_address, ALWAYS(ABORTS("free of %p")), TITLES("malloc_usable_size, on the stack"))
{
    _Alignas(64) char local[FORGED_BYTES] = {0};
    usable_size_of(local + 512);
}

MISTAKE(usable_size_of_a_wild_pointer, ALWAYS(ABORTS("free of %p")), WAYS(WILD_POINTERS))
{
    usable_size_of(wild_pointer(way));
}

#undef KIND
