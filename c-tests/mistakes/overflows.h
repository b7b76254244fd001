#define KIND "Overflow and underflow"

/* Another byte than what is there: one of 256 canaries has the same byte there, and stays whole. */
static void spoil(volatile char *at) { *at = *at == 'x' ? 'y' : 'x'; }

static void write_then_free(char *block, char *from, size_t bytes)
{
    culprit(block);
    accessing();
    for (size_t i = 0; i < bytes; i++) spoil(from + i);
    calling();
    free(block);
}

static void write_beyond(size_t bytes)
{
    char *block = surrounded_block(SMALL);
    write_then_free(block, block + malloc_usable_size(block), bytes);
}

/* The request leaves some of its slot unused, nearly everywhere. */
MISTAKE(write_1_byte_beyond_the_request, BY_OPTIONS(IS_HARMLESS, ABORTS("overflow of %p"), ABORTS("overflow of %p")),
        TITLES("1 byte beyond the request, a small block"))
{
    char *block = malloc(SMALL - 3);
    write_then_free(block, block + SMALL - 3, 1);
}

MISTAKE(write_1_byte_beyond_a_small_block,
        BY_OPTIONS(IS_NOT_NOTICED, ABORTS("overflow of %p"), ABORTS("overflow of %p")),
        TITLES("1 byte beyond all usable bytes, a small block"))
{
    write_beyond(1);
}

MISTAKE(write_8_bytes_beyond_a_small_block,
        BY_OPTIONS(IS_NOT_NOTICED, ABORTS("overflow of %p"), ABORTS("overflow of %p")),
        TITLES("8 bytes beyond"))
{
    write_beyond(8);
}

MISTAKE(write_a_block_beyond_a_small_block, BY_OPTIONS(IS_NOT_NOTICED, ABORTS("overflow of %p"), TRAPS),
        TITLES("a whole block beyond"))
{
    write_beyond(SMALL);
}

MISTAKE(write_a_page_beyond_a_small_block, BY_OPTIONS(ABORTS(""), ABORTS(""), TRAPS), TITLES("a page beyond"))
{
    write_beyond(PAGE);
}

MISTAKE(write_a_mebibyte_beyond_a_small_block, ALWAYS(TRAPS), TITLES("a mebibyte beyond")) { write_beyond(MIB); }

MISTAKE(write_a_page_away_from_a_small_block, BY_OPTIONS(IS_NOT_NOTICED, IS_UP_TO_CHANCE, TRAPS),
        TITLES("one byte, a page further on"))
{
    char *block = surrounded_block(SMALL);
    write_then_free(block, block + PAGE, 1);
}

static void write_before(size_t bytes)
{
    char *block = surrounded_block(SMALL);
    culprit(block);
    accessing();
    for (size_t i = 1; i <= bytes; i++) spoil(block - i);
    calling();
    free(block);
}

MISTAKE(write_1_byte_before_a_small_block,
        BY_OPTIONS(IS_NOT_NOTICED, ABORTS("underflow of %p"), ABORTS("overflow of %p")),
        TITLES("1 byte before a small block"))
{
    write_before(1);
}

MISTAKE(write_16_bytes_before_a_small_block,
        BY_OPTIONS(IS_NOT_NOTICED, ABORTS("underflow of %p"), ABORTS("overflow of %p")),
        TITLES("16 bytes before"))
{
    write_before(16);
}

MISTAKE(write_a_mebibyte_before_a_small_block, ALWAYS(TRAPS), TITLES("a mebibyte before")) { write_before(MIB); }

MISTAKE(write_1_byte_beyond_a_large_block, BY_OPTIONS(IS_NOT_NOTICED, TRAPS, IS_NOT_NOTICED),
        TITLES("1 byte beyond a large block"))
{
    char *block = surrounded_block(LARGE);
    write_then_free(block, block + malloc_usable_size(block), 1);
}

MISTAKE(write_a_page_beyond_a_large_block, BY_OPTIONS(IS_NOT_NOTICED, TRAPS, IS_NOT_NOTICED),
        TITLES("a page beyond a large block"))
{
    char *block = surrounded_block(LARGE);
    write_then_free(block, block + malloc_usable_size(block), PAGE + 1);
}

MISTAKE(write_a_page_beyond_a_huge_block, BY_OPTIONS(IS_UP_TO_CHANCE, TRAPS, IS_UP_TO_CHANCE),
        TITLES("a page beyond a huge block"))
{
    char *block = block_of(HUGE);
    write_then_free(block, block + malloc_usable_size(block), PAGE + 1);
}

MISTAKE(write_a_page_before_a_huge_block, ALWAYS(TRAPS), TITLES("a page before a huge block"))
{
    char *block = block_of(HUGE);
    write_then_free(block, block - PAGE - 1, PAGE + 1);
}

static void read_beyond(size_t bytes)
{
    char *block = surrounded_block(SMALL);
    accessing();
    for (size_t i = 0; i < bytes; i++) (void)((volatile char *)block)[i];
    end(HARM);
}

MISTAKE(read_of_two_blocks_beyond_a_small_block, BY_OPTIONS(IS_NOT_NOTICED, IS_NOT_NOTICED, TRAPS),
        TITLES("a read of two blocks beyond a small block"))
{
    read_beyond(3 * SMALL);
}

MISTAKE(read_of_64_kib_from_a_small_block, BY_OPTIONS(IS_NOT_NOTICED, TRAPS, TRAPS),
        TITLES("a read of 64 KiB from a small block"))
{
    read_beyond(64 * KIB);
}

MISTAKE(write_to_a_zero_size_allocation, ALWAYS(TRAPS), TITLES("a write to malloc(0)"))
{
    char *block = malloc(0);
    write_then_free(block, block, 1);
}

MISTAKE(read_of_a_zero_size_allocation, ALWAYS(TRAPS), TITLES("a read of malloc(0)"))
{
    char *block = malloc(0);
    accessing();
    (void)*(volatile char *)block;
    end(HARM);
}

#undef KIND
