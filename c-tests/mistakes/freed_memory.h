#define KIND "Use after free"

enum { MIDDLE = 48, SECRET = 's', FLIPPED = 0x40, LINK_SHIFT = 12 };

static uint64_t link_target[64];

static char *freed_block(size_t bytes)
{
    char *block = block_of_any_size(bytes);
    free(bytes < LARGE ? block_of(bytes) : NULL);
    free(block);
    return culprit(block);
}

static void write_to_freed(size_t bytes, size_t offset, size_t written)
{
    char *block = freed_block(bytes);
    accessing();
    memset(block + offset, 'x', written);
    calling();
    churn(bytes);
}

MISTAKE(write_to_the_first_word_of_a_freed_slot,
        BY_OPTIONS(ABORTS("write to freed memory at %p"), ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("a write to the first word of a freed small block"))
{
    write_to_freed(SMALL, 0, 8);
}

MISTAKE(write_to_the_second_word_of_a_freed_slot,
        BY_OPTIONS(ABORTS("write to freed memory at %p"), ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("a write to the second word"))
{
    write_to_freed(SMALL, 8, 8);
}

MISTAKE(write_to_the_middle_of_a_freed_slot, BY_OPTIONS(IS_NOT_NOTICED, ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("a write to the middle"))
{
    write_to_freed(SMALL, MIDDLE, 8);
}

MISTAKE(write_to_all_of_a_freed_slot,
        BY_OPTIONS(ABORTS("write to freed memory at %p"), ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("a write to all of it"))
{
    write_to_freed(SMALL, 0, SMALL);
}

MISTAKE(write_to_a_freed_large_block, ALWAYS(TRAPS_IN_SLICES), TITLES("a write to a freed large block"))
{
    write_to_freed(LARGE, 10 * KIB, 8);
}

MISTAKE(write_to_a_freed_huge_block, ALWAYS(TRAPS), TITLES("a write to a freed huge block"))
{
    write_to_freed(HUGE, 10 * KIB, 8);
}

/* The link of the free list, if it is there, is made to lead to `link_target`. */
static void forge_link(char *block, uint64_t mask)
{
    uint64_t link = (uint64_t)(uintptr_t)(link_target + 8) ^ mask;
    forbid(link_target, sizeof link_target);
    accessing();
    memcpy(block, &link, sizeof link);
}

MISTAKE(forged_link_of_a_freed_slot,
        BY_OPTIONS(ABORTS("write to freed memory at %p"), ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("a link is overwritten with an address: does malloc return it?"))
{
    forge_link(freed_block(SMALL), 0);
}

/* As glibc hides its links since 2.32. */
MISTAKE(forged_link_of_a_freed_slot_hidden_as_glibc_does,
        BY_OPTIONS(ABORTS("write to freed memory at %p"), ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("the same, hidden as glibc hides its links"))
{
    char *block = freed_block(SMALL);
    forge_link(block, (uint64_t)(uintptr_t)block >> LINK_SHIFT);
}

/* The two words of a free slot of tinyalloc's and its address add up to a secret: who has read them
 * can make words that do, too. */
MISTAKE(forged_link_of_a_freed_slot_that_was_read,
        BY_OPTIONS(IS_NOT_NOTICED, ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("the same, by one who has read the freed block and knows tinyalloc's slot signatures"))
{
    char *block = freed_block(SMALL);
    uint64_t words[2], *forged = link_target + 8;
    accessing();
    memcpy(words, block, sizeof words);
    uint64_t secret = words[0] + words[1] + (uint64_t)(uintptr_t)block;
    forged[0] = words[0];
    forged[1] = secret - forged[0] - (uint64_t)(uintptr_t)forged;
    words[0] = (uint64_t)(uintptr_t)forged;
    words[1] = secret - words[0] - (uint64_t)(uintptr_t)block;
    memcpy(block, words, sizeof words);
    forbid(link_target, sizeof link_target);
}

MISTAKE(flipped_bit_of_a_freed_slots_link,
        BY_OPTIONS(ABORTS("write to freed memory at %p"), ABORTS("write to freed memory at %p"), TRAPS),
        TITLES("one bit of a link is flipped"))
{
    char *block = freed_block(SMALL);
    accessing();
    block[0] ^= FLIPPED;
}

static void read_of_freed(size_t bytes, size_t offset)
{
    char *block = block_of_any_size(bytes);
    size_t usable = malloc_usable_size(block);
    memset(block, SECRET, usable);
    free(block);
    accessing();
    end(((volatile char *)block)[offset] == SECRET ? HARM : NO_HARM);
}

MISTAKE(read_of_a_freed_slot, BY_OPTIONS(IS_NOT_NOTICED, IS_HARMLESS, TRAPS),
        TITLES("a read of a freed small block: are the contents still there?"))
{
    read_of_freed(SMALL, MIDDLE);
}

MISTAKE(read_of_a_freed_block_of_4_kib, BY_OPTIONS(IS_NOT_NOTICED, IS_HARMLESS, TRAPS),
        TITLES("a read of a freed block of 4 KiB"))
{
    read_of_freed(PAGE, PAGE / 2);
}

MISTAKE(read_of_a_freed_large_block, ALWAYS(TRAPS_IN_SLICES), TITLES("a read of a freed large block"))
{
    read_of_freed(LARGE, 10 * KIB);
}

MISTAKE(read_of_a_freed_block_of_1_mib, ALWAYS(TRAPS_IN_SLICES), TITLES("a read of a freed block of 1 MiB"))
{
    read_of_freed(MIB, 10 * KIB);
}

MISTAKE(read_of_a_freed_huge_block, ALWAYS(TRAPS), TITLES("a read of a freed huge block"))
{
    read_of_freed(HUGE, 10 * KIB);
}

/* What the last owner wrote is in the next one's hands, unless it was cleared. */
MISTAKE(old_contents_of_a_small_block, BY_OPTIONS(IS_NOT_NOTICED, IS_HARMLESS, IS_HARMLESS),
        TITLES("the next owner of a small block finds the old contents"))
{
    char *block = surrounded_block(SMALL), *again = NULL;
    size_t usable = malloc_usable_size(block);
    memset(block, SECRET, usable);
    free(block);
    for (int i = 0; i < 100000 && again != block; i++) again = malloc(usable);
    end(again == block && again[MIDDLE] == SECRET ? HARM : NO_HARM);
}

#undef KIND
