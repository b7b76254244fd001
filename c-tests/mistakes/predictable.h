/* What an attacker who exploits a mistake would like to know beforehand. Only the tables ask: one
 * run cannot tell what differs between runs. */
#define KIND "Predictable"

enum { MANY = 100000, OTHER_SMALL = 400, ALIKE = 16, SOON = 16 };

static void *one_of_many[MANY];

MISTAKE(address_of_the_first_block, ALWAYS(IS_NOT_NOTICED),
        TITLES("the address of the first block is the same in every run"))
{
    end_with((uintptr_t)malloc(SMALL));
}

MISTAKE(distance_to_the_c_library, ALWAYS(IS_NOT_NOTICED),
        TITLES("its distance from the C library is the same in every run"))
{
    end_with((uintptr_t)malloc(SMALL) - (uintptr_t)&fputs);
}

static void end_with_distance(size_t bytes, size_t other_bytes)
{
    uintptr_t first = (uintptr_t)malloc(bytes);
    end_with((uintptr_t)malloc(other_bytes) - first);
}

MISTAKE(distance_of_two_blocks, ALWAYS(IS_NOT_NOTICED), TITLES("the distance of two blocks of a size is"))
{
    end_with_distance(SMALL, SMALL);
}

MISTAKE(order_of_many_blocks, ALWAYS(IS_NOT_NOTICED), TITLES("the order of 16 blocks of a size is"))
{
    uintptr_t sum = 0;
    for (int i = 0; i < ALIKE; i++) one_of_many[i] = malloc(SMALL);
    for (int i = 0; i < ALIKE; i++) sum = sum * 31 + ((uintptr_t)one_of_many[i] - (uintptr_t)one_of_many[0]);
    end_with(sum);
}

MISTAKE(distance_of_blocks_of_two_sizes, ALWAYS(IS_NOT_NOTICED),
        TITLES("the distance of two small blocks of different sizes is"))
{
    end_with_distance(SMALL, OTHER_SMALL);
}

MISTAKE(distance_of_large_blocks, ALWAYS(IS_NOT_NOTICED), TITLES("the distance of two large blocks is"))
{
    end_with_distance(LARGE, LARGE);
}

static void end_with_reuse_within(int allocations)
{
    bool is_reused = false;
    char *freed = surrounded_block(SMALL);
    size_t usable = malloc_usable_size(freed);
    free(freed);
    for (int i = 0; i < allocations; i++) is_reused = malloc(usable) == freed || is_reused;
    end(is_reused ? HARM : NO_HARM);
}

MISTAKE(reuse_of_a_freed_block_at_once, ALWAYS(IS_NOT_NOTICED),
        TITLES("a freed small block is the next one handed out"))
{
    end_with_reuse_within(1);
}

MISTAKE(reuse_of_a_freed_block_soon, ALWAYS(IS_NOT_NOTICED), TITLES("a freed small block is among the next 16"))
{
    end_with_reuse_within(SOON);
}

static bool was_a_block(const char *address)
{
    size_t low = 0, high = MANY;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if ((char *)one_of_many[middle] <= address) low = middle;
        else high = middle;
    }
    return address >= (char *)one_of_many[low] && address < (char *)one_of_many[low] + SMALL;
}

/* An object of one kind then lies where a dangling pointer believes one of another kind to be. */
MISTAKE(reuse_of_freed_memory_by_another_size, BY_OPTIONS(IS_NOT_NOTICED, IS_HARMLESS, IS_NOT_NOTICED),
        TITLES("memory of freed blocks serves another size"))
{
    bool is_reused = false;
    for (int i = 0; i < MANY; i++) one_of_many[i] = malloc(SMALL);
    qsort(one_of_many, MANY, sizeof one_of_many[0], by_address);
    for (int i = 0; i < MANY; i++) free(one_of_many[i]);
    for (int i = 0; i < MANY; i++) is_reused = was_a_block(malloc(OTHER_SMALL)) || is_reused;
    end(is_reused ? HARM : NO_HARM);
}

#undef KIND
