/* A stray write over a freed slot's link must end in an abort or do nothing: never in a block
 * outside the heap or in one block handed out twice. */
#include "expect.h"

enum { SLOTS = 400, SLOT_BYTES = 64 };

static void damage(int word)
{
    static uintptr_t *slot[SLOTS];
    for (int i = 0; i < SLOTS; i++) slot[i] = malloc(SLOT_BYTES);
    for (int i = 0; i < SLOTS; i += 2) free(slot[i]);
    slot[SLOTS / 2][word] = 0x4141414141414140;
    for (int i = 0; i < SLOTS; i += 2) {
        slot[i] = malloc(SLOT_BYTES);
        if (slot[i]) memset(slot[i], 1, SLOT_BYTES);
    }
    for (int i = 0; i < SLOTS; i++)
        for (int j = 0; j < i; j++)
            if (slot[i] && slot[i] == slot[j]) _exit(4);
}

int main(void)
{
    require_tinyalloc();
    for (int word = 0; word < 2; word++) {
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
            damage(word);
            _exit(0);
        }
        int status = 0;
        EXPECT(waitpid(child, &status, 0) == child);
        EXPECT((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
    }
}
