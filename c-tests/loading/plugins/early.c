/* Calls malloc in DT_INIT and in a constructor, frees in a destructor and in DT_FINI. */
#include <stdlib.h>
#include <string.h>

static void *kept[100];

void early_init(void);
void early_fini(void);

static void take(int from, int to)
{
    for (int i = from; i < to; i++) {
        kept[i] = calloc(1, (size_t)i * 100 + 1);
        if (!kept[i]) abort();
        memset(kept[i], i, (size_t)i * 100 + 1);
    }
}

static void give(int from, int to)
{
    for (int i = from; i < to; i++) {
        if (((unsigned char *)kept[i])[i * 100] != i) abort();
        free(kept[i]);
        kept[i] = NULL;
    }
    free(malloc(5000));
}

void early_init(void) { take(0, 30); }
__attribute__((constructor)) static void constructor(void) { take(30, 60); }
__attribute__((destructor)) static void destructor(void) { give(0, 50); }
void early_fini(void) { give(50, 60); }
