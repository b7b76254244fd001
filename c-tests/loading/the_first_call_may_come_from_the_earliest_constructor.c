#include "expect.h"

static void *block;

__attribute__((constructor(101))) static void earliest(void)
{
    block = malloc(1000);
    fill(block, 1000, 1);
    pid_t child = fork();
    if (child == 0) {
        free(block);
        _exit(malloc(10) == NULL);
    }
    expect_child_exits_0(child);
}

int main(void)
{
    EXPECT(is_filled(block, 1000, 1));
    free(block);
}
