// Sparse tables, and blocks just above a whole number of slices, in a heap that has grown past the
// 32 MiB beyond which huge pages are asked for: one touch of a huge page makes two mebibytes
// resident, so large blocks lie where there are none.
#include "expect.h"

enum { OBJECTS = 50000, TABLES = 48, TOUCHED = 20, STEPS = 2000 };

static void *object[OBJECTS], *block[STEPS];

static void expect_tables_to_be_sparse(void)
{
    size_t before = resident_bytes();
    for (int i = 0; i < TABLES; i++) {
        char *table = block[i] = calloc(16, MIB);
        EXPECT(table != NULL);
        for (int j = 0; j < TOUCHED; j++) table[(size_t)(j * 7919 + i) % 4096 * 4096] = 1;
    }
    size_t after = resident_bytes();
    say("%d tables: %zu KiB\n", TABLES, (after - before) / KIB);
    EXPECT(after - before <= (size_t)TABLES * TOUCHED * 4096 * 12 / 10 + 2 * MIB);
    for (int i = 0; i < TABLES; i++) free(block[i]);
}

static void expect_pages_alone(size_t bytes)
{
    size_t before = resident_bytes(), pages = (bytes + 4095) & ~(size_t)4095;
    for (int i = 0; i < STEPS; i++) {
        EXPECT((block[i] = malloc(bytes)) != NULL);
        memset(block[i], 1, bytes);
    }
    size_t after = resident_bytes();
    say("%zu bytes: %zu resident each\n", bytes, (after - before) / STEPS);
    EXPECT(after - before <= pages * STEPS * 105 / 100 + 2 * MIB);
    for (int i = 0; i < STEPS; i++) free(block[i]);
    malloc_trim(0);
}

int main(void)
{
    require_tinyalloc();
    if (sysconf(_SC_PAGESIZE) != 4096) skip("pages of another size");
    for (int i = 0; i < OBJECTS; i++) {
        EXPECT((object[i] = malloc(1000)) != NULL);
        memset(object[i], 1, 1000);
    }
    expect_tables_to_be_sparse();
    malloc_trim(0);
    expect_pages_alone(32769);
    expect_pages_alone(50000);
    return 0;
}
