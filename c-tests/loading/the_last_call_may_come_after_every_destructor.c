#include "expect.h"

static void *block[4];

static void give(int i)
{
    EXPECT(is_filled(block[i], 1000, (unsigned)i));
    free(block[i]);
    block[i] = malloc(1000);
    EXPECT(block[i] != NULL);
    fill(block[i], 1000, (unsigned)i);
}

static void at_exit(void) { give(0); }
static void on_exit_too(int status, void *ignored) { give(status + (ignored != NULL) + 1); }
__attribute__((destructor)) static void destructor(void) { give(2); }
__attribute__((destructor(101))) static void last_destructor(void) { give(3); }

int main(void)
{
    for (unsigned i = 0; i < 4; i++) {
        block[i] = malloc(1000);
        fill(block[i], 1000, i);
    }
    EXPECT(atexit(at_exit) == 0);
    EXPECT(on_exit(on_exit_too, NULL) == 0);
}
