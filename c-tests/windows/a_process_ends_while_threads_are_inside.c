/* The system ends every other thread, wherever it is, before it tells libraries that the process
 * ends. There is still memory then, no call waits for a thread that is gone, and the exit code is
 * the program's. */
#include "expect.h"

#include <windows.h>

enum { RUNS = 20, THREADS = 4, SLOTS = 64, EXIT_CODE = 7, MILLISECONDS_MAX = 20000 };

static DWORD WINAPI work(void *argument)
{
    unsigned state = (unsigned)(uintptr_t)argument;
    void *block[SLOTS] = {0};
    for (;;) {
        state = state * 1664525 + 1013904223;
        void **changed = &block[state >> 8 & (SLOTS - 1)];
        free(*changed);
        *changed = malloc((state >> 16) % 8 == 0 ? 100 : 40000 + (state >> 10) % (2 * MIB));
        if ((state >> 20) % 64 == 0) ta_purge();
    }
}

static void end_in_the_middle(unsigned milliseconds)
{
    EXPECT(LoadLibraryA("a_process_ends_while_threads_are_inside.dll") != NULL);
    for (uintptr_t i = 0; i < THREADS; i++) EXPECT(CreateThread(NULL, 0, work, (void *)(i + 1), 0, NULL) != NULL);
    Sleep(milliseconds);
    ExitProcess(EXIT_CODE);
}

int main(int count, char **argument)
{
    if (count > 1) end_in_the_middle((unsigned)atoi(argument[1]));
    for (int run = 0; run < RUNS; run++) {
        char line[MAX_PATH + 16];
        STARTUPINFOA start = {.cb = sizeof start};
        PROCESS_INFORMATION process;
        DWORD code = 0;
        snprintf(line, sizeof line, "\"%s\" %d", argument[0], 30 + run);
        EXPECT(CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &process));
        if (WaitForSingleObject(process.hProcess, MILLISECONDS_MAX) != WAIT_OBJECT_0) {
            TerminateProcess(process.hProcess, 1);
            say("run %d of %d does not end\n", run, RUNS);
            return 1;
        }
        EXPECT(GetExitCodeProcess(process.hProcess, &code));
        if (code != EXIT_CODE) say("run %d ended with 0x%lx\n", run, code);
        EXPECT(code == EXIT_CODE);
    }
    return 0;
}
