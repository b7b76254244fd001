/* siglongjmp out of a handler that interrupted plain code, not the allocator: the usual way to time
 * out. */
#include "expect.h"
#include <setjmp.h>

static sigjmp_buf back;

static void handler(int signal_number)
{
    (void)signal_number;
    free(malloc(100));
    siglongjmp(back, 1);
}

int main(void)
{
    signal(SIGUSR1, handler);
    for (volatile int i = 0; i < 5000; i++) {
        void *volatile block = malloc((size_t)i);
        if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
        free(block);
    }
}
