// modes: linked static
// An object with a function pointer is freed, and used all the same, while its memory serves bytes
// that an attacker wrote.
#include "typed.h"

enum { NO_POINTERS = 0, POINTERS = 1, TRIES = 2000 };

struct handler {
    void (*call)(void);
    char name[40];
};

static bool is_attacked;

static void greet(void) {}

static void attack(void)
{
    is_attacked = true;
}

/* What Clang makes of it: the handler has a pointer, the buffers have none. */
static void confuse(void)
{
    struct handler *stale = (struct handler *)__alloc_token_malloc(sizeof *stale, POINTERS);
    EXPECT(stale != NULL);
    stale->call = greet;
    free(stale);
    void (*wanted)(void) = attack;
    for (int i = 0; i < TRIES; i++) {
        char *buffer = (char *)__alloc_token_malloc(sizeof *stale, NO_POINTERS);
        EXPECT(buffer != NULL);
        memcpy(buffer, &wanted, sizeof wanted);
        if (buffer == (char *)stale) break;
    }
    void (*volatile found)(void) = ((volatile struct handler *)stale)->call;
    if (found == attack) found();
}

int main(int count, char **arguments)
{
    if (count == 1) {
        struct run run = run_with("", "attacked");
        EXPECT(succeeded(&run));
        run = run_with("partitions=2", "safe");
        EXPECT(succeeded(&run));
        run = run_with("partitions=8,hardened=on", "safe");
        EXPECT(succeeded(&run));
        return 0;
    }
    confuse();
    EXPECT(is_attacked == (strcmp(arguments[1], "attacked") == 0));
}
