/* A new thread needs a heap record: when there is no memory for it, its malloc is refused, no
 * more. */
#include "failing_call.h"

static void *body(void *ignored)
{
    failing_call_first = 0;
    failing_call_last = LONG_MAX;
    size_t served = 0;
    for (unsigned i = 0; i < 5000; i++) {
        errno = 0;
        void *block = malloc(4000);
        EXPECT(block || errno == ENOMEM);
        served += block != NULL;
    }
    failing_call_first = LONG_MAX;
    void *block = malloc(4000);
    EXPECT(block != NULL);
    free(block);
    (void)served;
    return ignored;
}

int main(void)
{
    failing_call_first = LONG_MAX;
    failing_call_install();
    run_in_thread(body, NULL);
}
