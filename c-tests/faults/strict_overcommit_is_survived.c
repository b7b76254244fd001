/* Where the kernel promises no more memory than it has (vm.overcommit_memory is 2), reservations
 * must not count: many processes run at a time, what is too much is refused, and all works as
 * elsewhere. */
#include "../limits/hard_times.h"

enum { PROCESSES = 40 };

static bool is_strict(void)
{
    char mode = 0;
    int file = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    EXPECT(read(file, &mode, 1) == 1);
    close(file);
    return mode == '2';
}

static void live(int starts)
{
    char byte;
    void *block = malloc(MIB);
    EXPECT(block != NULL);
    fill(block, MIB, 1);
    EXPECT(read(starts, &byte, 1) == 0);
    hard_times();
    EXPECT(is_filled(block, MIB, 1));
    _exit(0);
}

int main(void)
{
    int starts[2];
    pid_t child[PROCESSES];
    if (!is_strict()) skip("vm.overcommit_memory is not 2");
    watchdog(50);
    EXPECT_REFUSED(malloc(hidden_size((size_t)1 << 45)), ENOMEM);
    EXPECT(hard_times() == 0);
    EXPECT(pipe(starts) == 0);
    for (int i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        if (child[i] != 0) continue;
        close(starts[1]);
        live(starts[0]);
    }
    close(starts[1]);
    for (int i = 0; i < PROCESSES; i++) expect_child_exits_0(child[i]);
}
