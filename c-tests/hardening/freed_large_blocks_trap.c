/* Large blocks trap as soon as they are freed, as long as that costs little; what a loop frees
 * traps when it is returned. */
#include "expect.h"

enum { LOOP = 20000, EPOCHS = 4 };

static void read_it(void *at) { (void)*(volatile char *)at; }
static void write_it(void *at) { *(volatile char *)at = 1; }

/* Each in a process of its own: they are the first large blocks there. */
static int traps_at_once(size_t bytes)
{
    char *block = malloc(bytes);
    EXPECT(block != NULL);
    memset(block, 1, bytes);
    free(hidden(block));
    expect_trap(read_it, block);
    expect_trap(write_it, block + bytes / 2);
    expect_trap(read_it, block + bytes - 1);
    char *again = calloc(1, bytes);
    EXPECT(again && is_zero(again, bytes));
    memset(again, 2, bytes);
    free(again);
    return 0;
}

/* The clock of the allocator is looked at by the thread that frees. */
static void let_an_epoch_pass(void)
{
    usleep(450 * 1000);
    for (int i = 0; i < 64; i++) free(hidden(malloc(40 * KIB)));
}

static int traps_when_it_is_given_back(void)
{
    char *block = malloc(MIB);
    for (int i = 0; i < LOOP; i++) {
        char *buffer = hidden(malloc(64 * KIB));
        EXPECT(buffer != NULL);
        memset(buffer, 1, 64 * KIB);
        free(buffer);
    }
    memset(block, 1, MIB);
    free(hidden(block));
    for (int i = 0; i < EPOCHS; i++) let_an_epoch_pass();
    /* Its beginning may be in use again. */
    expect_trap(read_it, block + MIB - 1);
    return 0;
}

int main(void)
{
    static const size_t BYTES[] = {36 * KIB, 64 * KIB, MIB, 20 * MIB};
    require_tinyalloc();
    if (sysconf(_SC_PAGESIZE) > 16 * 1024) skip("with larger pages they do not trap");
    for (size_t i = 0; i < COUNT_OF(BYTES); i++) {
        pid_t child = fork();
        if (child == 0) _exit(traps_at_once(BYTES[i]));
        expect_child_exits_0(child);
    }
    pid_t child = fork();
    if (child == 0) _exit(traps_when_it_is_given_back());
    expect_child_exits_0(child);
}
