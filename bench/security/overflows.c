#include "mistake.h"

static void write_then_free(char *block, char *from, size_t bytes, size_t class_bytes)
{
    accessing();
    for (size_t i = 0; i < bytes; i++) ((volatile char *)from)[i] = 'x';
    calling();
    free(block);
    go_on(class_bytes);
}

static void beyond(size_t bytes)
{
    char *block = surrounded_block(SMALL);
    write_then_free(block, block + malloc_usable_size(block), bytes, SMALL);
}

static void by_1(void) { beyond(1); }
static void by_8(void) { beyond(8); }
static void by_a_block(void) { beyond(SMALL); }
static void by_a_page(void) { beyond(PAGE); }
static void by_a_mebibyte(void) { beyond(MIB); }

/* The request leaves some of its slot unused, nearly everywhere. */
static void beyond_the_request(void)
{
    char *block = malloc(SMALL - 3);
    write_then_free(block, block + SMALL - 3, 1, SMALL);
}

static void before(size_t bytes)
{
    char *block = surrounded_block(SMALL);
    accessing();
    for (size_t i = 1; i <= bytes; i++) ((volatile char *)block)[-(ptrdiff_t)i] = 'x';
    calling();
    free(block);
    go_on(SMALL);
}

static void under_by_1(void) { before(1); }
static void under_by_16(void) { before(16); }
static void under_by_a_mebibyte(void) { before(MIB); }

static void far(void)
{
    char *block = surrounded_block(SMALL);
    write_then_free(block, block + PAGE, 1, SMALL);
}

static void large_by_1(void)
{
    char *block = surrounded_block(LARGE);
    write_then_free(block, block + malloc_usable_size(block), 1, LARGE);
}

static void large_by_a_page(void)
{
    char *block = surrounded_block(LARGE);
    write_then_free(block, block + malloc_usable_size(block), PAGE + 1, LARGE);
}

static void huge_by_a_page(void)
{
    char *block = block_of(HUGE);
    write_then_free(block, block + malloc_usable_size(block), PAGE + 1, HUGE);
}

static void huge_under_by_a_page(void)
{
    char *block = block_of(HUGE);
    write_then_free(block, block - PAGE - 1, PAGE + 1, HUGE);
}

static void read_beyond(size_t bytes)
{
    char *block = surrounded_block(SMALL);
    accessing();
    for (size_t i = 0; i < bytes; i++) (void)((volatile char *)block)[i];
    end(HARM);
}

static void read_by_a_block(void) { read_beyond(3 * SMALL); }
static void read_by_64_kib(void) { read_beyond(64 * KIB); }

static void write_to_nothing(void)
{
    char *block = malloc(0);
    write_then_free(block, block, 1, SMALL);
}

static void read_of_nothing(void)
{
    char *block = malloc(0);
    accessing();
    (void)*(volatile char *)block;
    end(HARM);
}

static const struct mistake MISTAKES[] = {
    {"1 byte beyond the request, a small block", beyond_the_request},
    {"1 byte beyond all usable bytes, a small block", by_1},
    {"8 bytes beyond", by_8},
    {"a whole block beyond", by_a_block},
    {"a page beyond", by_a_page},
    {"a mebibyte beyond", by_a_mebibyte},
    {"one byte, a page further on", far},
    {"1 byte before a small block", under_by_1},
    {"16 bytes before", under_by_16},
    {"a mebibyte before", under_by_a_mebibyte},
    {"1 byte beyond a large block", large_by_1},
    {"a page beyond a large block", large_by_a_page},
    {"a page beyond a huge block", huge_by_a_page},
    {"a page before a huge block", huge_under_by_a_page},
    {"a read of two blocks beyond a small block", read_by_a_block},
    {"a read of 64 KiB from a small block", read_by_64_kib},
    {"a write to malloc(0)", write_to_nothing},
    {"a read of malloc(0)", read_of_nothing},
};

const struct group OVERFLOWS = {"Overflow and underflow", MISTAKES, COUNT_OF(MISTAKES)};
