/* Calls each function of the hit paths when nothing is out of the ordinary, and says where it is.
 * An emulator notes down what is executed, and scripts/harness/reach/hit_paths.py counts it. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern void *_Znwm(size_t), *_Znam(size_t);
extern void _ZdlPv(void *), _ZdlPvm(void *, size_t);
extern void free_sized(void *, size_t), free_aligned_sized(void *, size_t, size_t);

enum { BYTES = 100, SMALLEST = 16, LIVE = 8, ROUNDS = 100 };

static void call_each(void)
{
    free(malloc(BYTES));
    _ZdlPv(_Znwm(BYTES));
    _ZdlPvm(_Znam(BYTES), BYTES);
    free_sized(malloc(BYTES), BYTES);
    free_aligned_sized(malloc(BYTES), SMALLEST, BYTES);
    void *block = malloc(BYTES);
    if (malloc_usable_size(block) < BYTES) abort();
    free(realloc(block, BYTES - 1));
    free(calloc(1, SMALLEST));
}

#define SAY(function) printf(#function " %lx\n", (unsigned long)(uintptr_t)function)

int main(void)
{
    void *live[2 * LIVE];
    for (int i = 0; i < 2 * LIVE; i++) live[i] = malloc(i % 2 ? BYTES : SMALLEST);
    SAY(main);
    SAY(malloc), SAY(free), SAY(_Znwm), SAY(_Znam), SAY(_ZdlPv), SAY(_ZdlPvm), SAY(free_sized), SAY(free_aligned_sized);
    SAY(malloc_usable_size), SAY(realloc), SAY(calloc);
    fflush(stdout);
    for (int i = 0; i < ROUNDS; i++) call_each();
    for (int i = 0; i < 2 * LIVE; i++) free(live[i]);
}
