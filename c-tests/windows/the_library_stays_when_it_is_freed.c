/* FreeLibrary leaves the library where it is: blocks go on, threads that are inside return, and who
 * loads it again has the same one, not as much address space again. */
#include "expect.h"

#include <windows.h>

enum { ROUNDS = 20, THREADS = 4 };

/* None by its name: the program would import the library, which then stays anyway. */
static void *(*allocate)(size_t);
static void (*release)(void *);
static volatile LONG stopped;

static DWORD WINAPI work(void *argument)
{
    (void)argument;
    for (size_t bytes = 1; !stopped; bytes = bytes % 5000 + 1) {
        char *block = allocate(bytes);
        EXPECT(block != NULL);
        memset(block, 1, bytes);
        release(block);
    }
    return 0;
}

static unsigned long long address_space_used(void)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    EXPECT(GlobalMemoryStatusEx(&memory));
    return memory.ullTotalVirtual - memory.ullAvailVirtual;
}

static HMODULE load(void)
{
    HMODULE library = LoadLibraryA("tinyalloc.dll");
    EXPECT(library != NULL);
    allocate = (void *(*)(size_t))(void *)GetProcAddress(library, "ta_malloc");
    release = (void (*)(void *))(void *)GetProcAddress(library, "ta_free");
    EXPECT(allocate != NULL && release != NULL);
    return library;
}

int main(void)
{
    HANDLE thread[THREADS];
    HMODULE library;
    unsigned long long used;
    char *kept;
    EXPECT(GetModuleHandleA("tinyalloc.dll") == NULL);
    library = load();
    EXPECT((kept = allocate(100)) != NULL);
    memset(kept, 7, 100);
    for (int i = 0; i < THREADS; i++)
        EXPECT((thread[i] = CreateThread(NULL, 0, work, NULL, 0, NULL)) != NULL);
    used = address_space_used();
    for (int round = 0; round < ROUNDS; round++) {
        FreeLibrary(library);
        EXPECT(GetModuleHandleA("tinyalloc.dll") == library);
        EXPECT(load() == library);
    }
    EXPECT(kept[0] == 7 && kept[99] == 7);
    stopped = 1;
    EXPECT(WaitForMultipleObjects(THREADS, thread, TRUE, INFINITE) == WAIT_OBJECT_0);
    EXPECT(address_space_used() < used + 64 * MIB);
    release(kept);
    return 0;
}
