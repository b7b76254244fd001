/* Uses memory when the process ends. */
#include "expect.h"

#include <windows.h>

enum { SLOTS = 64 };

static void *kept[SLOTS];

static void use_memory_at_the_end(void)
{
    static const size_t SIZES[] = {24, 1000, 30000, 300000, 3000000, 40000000};
    for (int i = 0; i < SLOTS; i++) free(kept[i]);
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        char *block = malloc(SIZES[i]);
        if (block) {
            memset(block, 1, SIZES[i]);
            block = realloc(block, SIZES[i] / 2);
        }
        if (block) block[SIZES[i] / 2 - 1] = 2;
        free(block);
    }
    ta_purge();
}

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, void *reserved)
{
    (void)library, (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        for (int i = 0; i < SLOTS; i++) EXPECT((kept[i] = malloc(i % 2 ? 500 : 100000)) != NULL);
    if (reason == DLL_PROCESS_DETACH) use_memory_at_the_end();
    return TRUE;
}
