#include "mistake.h"

enum { MIDDLE = 48, SECRET = 's', FLIPPED = 0x40, SHIFT = 12 };

static uint64_t target[64];

static char *freed_block(size_t bytes)
{
    char *block = bytes < LARGE ? surrounded_block(bytes) : block_of(bytes);
    free(bytes < LARGE ? block_of(bytes) : NULL);
    free(block);
    return block;
}

static void write_to(size_t bytes, size_t offset, size_t written)
{
    char *block = freed_block(bytes);
    accessing();
    memset(block + offset, 'x', written);
    calling();
    churn(bytes);
    go_on(bytes);
}

static void first_word(void) { write_to(SMALL, 0, 8); }
static void second_word(void) { write_to(SMALL, 8, 8); }
static void middle(void) { write_to(SMALL, MIDDLE, 8); }
static void everything(void) { write_to(SMALL, 0, SMALL); }
static void large(void) { write_to(LARGE, 10 * KIB, 8); }
static void huge(void) { write_to(HUGE, 10 * KIB, 8); }

/* The link of the free list, if it is there, is made to lead to `target`. */
static void forge(uint64_t mask(const char *))
{
    char *block = freed_block(SMALL);
    uint64_t link = (uint64_t)(uintptr_t)(target + 8) ^ mask(block);
    forbid(target, sizeof target);
    accessing();
    memcpy(block, &link, sizeof link);
    go_on(SMALL);
}

static uint64_t nothing(const char *block)
{
    (void)block;
    return 0;
}

/* As glibc hides its links since 2.32. */
static uint64_t shifted(const char *block) { return (uint64_t)(uintptr_t)block >> SHIFT; }

static void forged_plain(void) { forge(nothing); }
static void forged_as_glibc_does(void) { forge(shifted); }

/* The two words of a free slot of tinyalloc's and its address add up to a secret: who has read them can make words that do, too. */
static void forged_after_reading(void)
{
    char *block = freed_block(SMALL);
    uint64_t words[2], *forged = target + 8;
    accessing();
    memcpy(words, block, sizeof words);
    uint64_t secret = words[0] + words[1] + (uint64_t)(uintptr_t)block;
    forged[0] = words[0];
    forged[1] = secret - forged[0] - (uint64_t)(uintptr_t)forged;
    words[0] = (uint64_t)(uintptr_t)forged;
    words[1] = secret - words[0] - (uint64_t)(uintptr_t)block;
    memcpy(block, words, sizeof words);
    forbid(target, sizeof target);
    go_on(SMALL);
}

static void flipped(void)
{
    char *block = freed_block(SMALL);
    accessing();
    block[0] ^= FLIPPED;
    go_on(SMALL);
}

static void read_of(size_t bytes, size_t offset)
{
    char *block = bytes < LARGE ? surrounded_block(bytes) : block_of(bytes);
    size_t usable = malloc_usable_size(block);
    memset(block, SECRET, usable);
    free(block);
    accessing();
    end(((volatile char *)block)[offset] == SECRET ? HARM : NO_HARM);
}

static void read_middle(void) { read_of(SMALL, MIDDLE); }
static void read_4_kib(void) { read_of(PAGE, PAGE / 2); }
static void read_large(void) { read_of(LARGE, 10 * KIB); }
static void read_mebibyte(void) { read_of(MIB, 10 * KIB); }
static void read_huge(void) { read_of(HUGE, 10 * KIB); }

/* What the last owner wrote is in the next one's hands, unless it was cleared. */
static void inherited(void)
{
    char *block = surrounded_block(SMALL), *again = NULL;
    size_t usable = malloc_usable_size(block);
    memset(block, SECRET, usable);
    free(block);
    for (int i = 0; i < 100000 && again != block; i++) again = malloc(usable);
    end(again == block && again[MIDDLE] == SECRET ? HARM : NO_HARM);
}

static const struct mistake MISTAKES[] = {
    {"a write to the first word of a freed small block", first_word},
    {"a write to the second word", second_word},
    {"a write to the middle", middle},
    {"a write to all of it", everything},
    {"a write to a freed large block", large},
    {"a write to a freed huge block", huge},
    {"a link is overwritten with an address: does malloc return it?", forged_plain},
    {"the same, hidden as glibc hides its links", forged_as_glibc_does},
    {"the same, by one who has read the freed block and knows tinyalloc's seals", forged_after_reading},
    {"one bit of a link is flipped", flipped},
    {"a read of a freed small block: are the contents still there?", read_middle},
    {"a read of a freed block of 4 KiB", read_4_kib},
    {"a read of a freed large block", read_large},
    {"a read of a freed block of 1 MiB", read_mebibyte},
    {"a read of a freed huge block", read_huge},
    {"the next owner of a small block finds the old contents", inherited},
};

const struct group FREED_MEMORY = {"Use after free", MISTAKES, COUNT_OF(MISTAKES)};
